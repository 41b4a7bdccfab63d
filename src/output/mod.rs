//! What a job writes: files, a directory, or objects in a store; whole or not at all.

mod directory;
mod file;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use directory::DirectoryKind;
use directory::{MadeDirectories, NewDirectory};
pub(crate) use file::{Out, StagedFile};

use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::store::{LocalCopy, Location, Uploads, file_in, is_absent, local, url_of};

/// Files that are written under temporary names. [`commit`](Self::commit) syncs and renames them, or sends them to
/// their store, so that a crash leaves the old files or the new ones. Dropped before, it leaves nothing.
pub(crate) struct Output {
    // Dropped before the root, which is removed if nothing is left in it.
    files: Vec<StagedFile>,
    /// How many of the files are synced or sent.
    prepared: usize,
    root: Root,
    uploads: Uploads,
    progress: Progress,
}

/// The names of files that an older directory of this kind may have.
type OldFiles = Vec<String>;

/// What the names of the files are relative to.
enum Root {
    /// Each file is named by its own path or URL.
    None,
    /// A directory that may hold other files.
    Directory(MadeDirectories),
    /// A directory that is replaced as a whole.
    New(NewDirectory),
    /// A prefix of a store, which may hold other files.
    Prefix(PathBuf),
    /// A prefix of a store, whose files of a kind are replaced as a whole.
    NewPrefix(PathBuf, OldFiles),
}

impl Root {
    /// The error with a name that the user knows.
    fn named(&self, error: Error) -> Error {
        match self {
            Self::New(directory) => directory.named(error),
            _ => error,
        }
    }
}

impl Output {
    /// Files, each at a path or URL of its own. The storage options of `location` are those of all URLs.
    pub(crate) fn files(location: &Location, progress: &Progress) -> Self {
        Self::new(Root::None, location, progress)
    }

    /// Files in a directory, which is made if it is missing, or under the URL of a prefix. Other files stay. Checks that
    /// it can be written to, which must be known before the hours of training, not after.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the directory or the store cannot be written to.
    pub(crate) fn in_directory(location: &Location, progress: &Progress) -> Result<Self> {
        let Some(url) = location.url() else {
            let made = MadeDirectories::up_to(&local(location.path())?)?;
            return Ok(Self::new(Root::Directory(made), location, progress));
        };
        let mut output = Self::new(Root::Prefix(PathBuf::from(url)), location, progress);
        output.uploads.check(url)?;
        Ok(output)
    }

    /// A directory that takes the place of an older one of its kind. Files that are not of the kind stay. Under a URL
    /// its files replace those of the same names, one after the other, the description last.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if it cannot be written; [`Error::Format`](crate::Error::Format) if there is a
    /// directory of another kind at this place.
    pub(crate) fn new_directory(
        location: &Location,
        kind: &'static DirectoryKind,
        progress: &Progress,
    ) -> Result<Self> {
        let root = match location.url() {
            Some(url) => {
                let description =
                    Location::new(file_in(url.as_ref(), kind.description.as_ref()), location.storage().clone());
                let found = LocalCopy::of_file(&description, progress);
                match found.map(|copy| fs::read(copy.path()).unwrap_or_default()) {
                    Ok(text) if (kind.is_description)(&text) => {
                        Root::NewPrefix(PathBuf::from(url), kind.files_of(Some(&text)))
                    }
                    Ok(_) => return Err(kind.refused(location.path())),
                    // Nothing of the kind is there, so nothing is to be removed.
                    Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                        Root::Prefix(PathBuf::from(url))
                    }
                    // Some stores do not tell whether it is there.
                    Err(error) if is_absent(&error) => Root::NewPrefix(PathBuf::from(url), kind.files_of(None)),
                    Err(error) => return Err(error),
                }
            }
            None => Root::New(NewDirectory::beside(&local(location.path())?, kind)?),
        };
        Ok(Self::new(root, location, progress))
    }

    fn new(root: Root, location: &Location, progress: &Progress) -> Self {
        let uploads = Uploads::new(location.storage(), progress);
        Self { files: Vec::new(), prepared: 0, root, uploads, progress: progress.clone() }
    }

    /// Files that appear apart from these, each at a path or URL of its own, as [`target`](Self::target) gives them.
    pub(crate) fn apart(&self) -> Self {
        let (uploads, progress) = (self.uploads.apart(), self.progress.clone());
        Self { files: Vec::new(), prepared: 0, root: Root::None, uploads, progress }
    }

    /// The path or URL of the file of this name.
    pub(crate) fn target(&self, name: &Path) -> PathBuf {
        match &self.root {
            Root::None => name.to_owned(),
            Root::Directory(made) => made.path().join(name),
            Root::New(directory) => directory.path().join(name),
            Root::Prefix(url) | Root::NewPrefix(url, _) => file_in(url, name),
        }
    }

    /// Writes one file.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) naming the target; whatever `content` fails with, under the target's name.
    pub(crate) fn write(
        &mut self,
        name: impl AsRef<Path>,
        content: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
    ) -> Result<()> {
        let target = self.target(name.as_ref());
        let target = if url_of(&target).is_some() { target } else { local(&target)? };
        self.progress.check()?;
        if let Root::New(directory) = &mut self.root {
            directory.expect(name.as_ref());
        }
        self.files.push(StagedFile::write(target, content).map_err(|error| self.root.named(error))?);
        Ok(())
    }

    /// Syncs the files, or sends them to their store, so that little can fail when they are to appear.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) or [`Error::Interrupted`](crate::Error::Interrupted).
    pub(crate) fn prepare(&mut self) -> Result<()> {
        for file in &self.files[self.prepared..] {
            match file.url() {
                Some(url) => self.uploads.send(file.content(), url)?,
                None => file.sync().map_err(|error| self.root.named(error))?,
            }
            self.prepared += 1;
        }
        self.progress.check()
    }

    /// Makes every file appear, and returns their names; of a new directory, those before it took its place.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) or [`Error::Interrupted`](crate::Error::Interrupted), and then nothing appears.
    /// But if a store or the system fails after everything was sent and synced, files that have appeared stay; the
    /// error of a store names them.
    pub(crate) fn commit(mut self) -> Result<Vec<PathBuf>> {
        // Files that belong together are replaced together or not at all: first everything that may fail.
        self.prepare()?;
        let Self { root, files, mut uploads, .. } = self;
        uploads.complete()?;
        let targets = files.into_iter().map(StagedFile::appear).collect::<Result<Vec<_>>>();
        let targets = targets.map_err(|error| root.named(error))?;
        match root {
            Root::Directory(made) => made.keep(),
            Root::New(directory) => directory.take_its_place()?,
            Root::NewPrefix(url, old_files) => {
                // Files that the older one had, and the new one does not have.
                let files = old_files.iter().map(|name| file_in(&url, name.as_ref()));
                files
                    .filter(|file| !targets.contains(file))
                    .try_for_each(|file| uploads.remove(&file.to_string_lossy()))?;
            }
            Root::None | Root::Prefix(_) => {}
        }
        Ok(targets)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::error::Error;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_together_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::from(directory.path());
        let mut output = Output::files(&location, &Progress::default());
        output.write(directory.path().join("a"), |out| out.write_all(b"new")).unwrap();
        output.write(directory.path().join("b"), |out| out.write_all(b"new")).unwrap();
        fs::write(directory.path().join("a"), "old").unwrap();
        fs::create_dir(directory.path().join("b")).unwrap();
        assert!(output.commit().unwrap_err().to_string().contains("b: "));
        assert_eq!(names(directory.path()), ["a", "b"]);
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"old");
    }

    #[test]
    fn a_directory_that_was_made_for_an_output_goes_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::from(directory.path().join("made").join("for it"));
        let mut output = Output::in_directory(&location, &Progress::default()).unwrap();
        output.write("v", |out| out.write_all(b"x")).unwrap();
        drop(output);
        assert!(names(directory.path()).is_empty());
        let mut output = Output::in_directory(&location, &Progress::default()).unwrap();
        output.write("v", |out| out.write_all(b"x")).unwrap();
        assert_eq!(output.commit().unwrap(), [location.path().join("v")]);
        assert_eq!(names(location.path()), ["v"]);
    }

    #[test]
    fn an_error_names_the_place_that_a_file_would_have_had() {
        static KIND: DirectoryKind = DirectoryKind {
            name: "a test",
            files: &["v"],
            listed: |_| Vec::new(),
            description: "v",
            is_description: |_| true,
        };
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("m");
        let mut output = Output::new_directory(&Location::from(&place), &KIND, &Progress::default()).unwrap();
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let error = output.write("v", |_| Err(full())).unwrap_err().to_string();
        assert_eq!(error, format!("cannot write {}: {}", place.join("v").display(), full()));
        output.write("v", |out| out.write_all(b"new")).unwrap();
        fs::create_dir(directory.path().join(".m.partial").join("v")).unwrap();
        let error = output.commit().unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write {}: ", place.join("v").display())), "{error}");
    }

    #[test]
    fn files_of_the_users_in_a_directory_outlive_a_save_that_was_killed() {
        static KIND: DirectoryKind = DirectoryKind {
            name: "a test",
            files: &["d", "v"],
            listed: |_| Vec::new(),
            description: "d",
            is_description: |text| text == b"test",
        };
        let directory = tempfile::tempdir().unwrap();
        let (place, partial) = (directory.path().join("m"), directory.path().join(".m.partial"));
        let save = || {
            let mut output = Output::new_directory(&Location::from(&place), &KIND, &Progress::default()).unwrap();
            output.write("d", |out| out.write_all(b"test")).unwrap();
            output.commit().unwrap();
        };
        save();
        // As if the last save had been killed when the directories had changed places.
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("d"), "test").unwrap();
        fs::write(partial.join("v"), "old").unwrap();
        fs::write(partial.join("notes"), "mine").unwrap();
        save();
        assert_eq!(names(&place), ["d", "notes"]);
        assert_eq!(names(directory.path()), ["m"]);
    }

    #[test]
    fn files_that_only_the_description_names_go_with_their_directory_and_others_stay() {
        static KIND: DirectoryKind = DirectoryKind {
            name: "a test",
            files: &["d"],
            listed: |text| String::from_utf8_lossy(text).split(' ').map(str::to_owned).collect(),
            description: "d",
            is_description: |_| true,
        };
        let directory = tempfile::tempdir().unwrap();
        let (place, partial) = (directory.path().join("m"), directory.path().join(".m.partial"));
        let save = |files: &[&str]| {
            let mut output = Output::new_directory(&Location::from(&place), &KIND, &Progress::default()).unwrap();
            files.iter().for_each(|name| output.write(name, |out| out.write_all(b"new")).unwrap());
            output.write("d", |out| out.write_all(files.join(" ").as_bytes())).unwrap();
            output
        };
        save(&["a", "b"]).commit().unwrap();
        fs::write(place.join("notes"), "mine").unwrap();
        // As if a save had been killed before the directories changed places.
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("x"), "half").unwrap();
        save(&["b", "c"]).commit().unwrap();
        assert_eq!(names(&place), ["b", "c", "d", "notes"]);
        drop(save(&["e"]));
        fs::create_dir(directory.path().join("other")).unwrap();
        let mut failing = save(&["f"]);
        fs::create_dir(partial.join("g")).unwrap();
        failing.write("g", |out| out.write_all(b"new")).unwrap();
        assert!(failing.commit().is_err());
        assert_eq!(names(&place), ["b", "c", "d", "notes"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_pipe_or_a_device_is_refused_and_stays() {
        use std::os::unix::fs::FileTypeExt;
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for target in [pipe.as_path(), Path::new("/dev/stdout"), Path::new("/dev/null")] {
            let mut output = Output::files(&Location::from(target), &Progress::default());
            let error = output.write(target, |out| out.write_all(b"x")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{}: is a pipe or a device", target.display())), "{error}");
        }
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(names(directory.path()), ["pipe"]);
    }

    #[test]
    fn an_interrupted_output_writes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let progress = Progress::default();
        let mut output = Output::files(&Location::from(directory.path()), &progress);
        output.write(directory.path().join("a"), |out| out.write_all(b"new")).unwrap();
        progress.cancel();
        assert!(matches!(output.commit(), Err(Error::Interrupted)));
        assert!(names(directory.path()).is_empty());
    }
}
