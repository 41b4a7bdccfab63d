//! Plain text, a sentence a line.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, LargeListBuilder, LargeStringBuilder};
use memmap2::Mmap;

use super::{Batches, Corpus};
use crate::error::{Error, IoContext, Result};

/// Bytes of a part, about.
const PART_BYTES: usize = 8 << 20;
/// Sentences that are passed on at a time.
const SENTENCES_PER_BATCH: usize = 4096;

/// A UTF-8 text file of a sentence a line, its words separated by white space (gensim: `LineSentence`, but lines are
/// never cut).
///
/// ```
/// use polargram::corpus::{Corpus, TextCorpus};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("corpus.txt");
/// std::fs::write(&path, "the cat sat\non the mat\n")?;
/// assert_eq!(TextCorpus::open(&path)?.parts(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TextCorpus {
    path: PathBuf,
    text: Option<Mmap>,
    /// Where each part starts, and where the last ends. All are starts of lines.
    starts: Vec<usize>,
}

impl TextCorpus {
    /// Opens a file; it is mapped, and must not change while it is read.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let file = File::open(&path).at("read", &path)?;
        let metadata = file.metadata().at("read", &path)?;
        if metadata.is_dir() {
            return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory)).at("read", &path);
        }
        let text = match metadata.len() {
            0 => None,
            // SAFETY: as in `ipc::map`; text that is changed meanwhile is checked for UTF-8 when it is read.
            _ => Some(unsafe { Mmap::map(&file) }.at("map", &path)?),
        };
        let bytes = text.as_deref().unwrap_or_default();
        let mut starts = vec![0];
        while let Some(&start) = starts.last()
            && start < bytes.len()
        {
            let least = (start + PART_BYTES).min(bytes.len());
            let end = bytes[least..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| least + at + 1);
            starts.push(end);
        }
        Ok(Self { path, text, starts })
    }

    fn bytes(&self) -> &[u8] {
        self.text.as_deref().unwrap_or_default()
    }

    fn batch(&self, lines: &[&[u8]]) -> Result<ArrayRef> {
        // Offsets of 32 bits would overflow in a line, or so many lines, of more than 2 GiB.
        let mut lists = LargeListBuilder::new(LargeStringBuilder::new());
        for line in lines {
            let line = std::str::from_utf8(line).map_err(|error| self.invalid(line, error))?;
            line.split_whitespace().for_each(|word| lists.values().append_value(word));
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    }

    fn invalid(&self, line: &[u8], error: std::str::Utf8Error) -> Error {
        let before = line.as_ptr() as usize - self.bytes().as_ptr() as usize;
        let number = self.bytes()[..before].iter().filter(|&&b| b == b'\n').count() + 1;
        Error::corpus(format!("{}, line {number}", self.path.display()), format!("is not UTF-8: {error}"))
    }
}

impl Corpus for TextCorpus {
    fn parts(&self) -> usize {
        self.starts.len() - 1
    }

    fn read(&self, part: usize) -> Result<Batches<'_>> {
        let text = &self.bytes()[self.starts[part]..self.starts[part + 1]];
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let mut lines = text.split(|&b| b == b'\n');
        Ok(Box::new(std::iter::from_fn(move || {
            let batch: Vec<&[u8]> = lines.by_ref().take(SENTENCES_PER_BATCH).collect();
            (!batch.is_empty()).then(|| self.batch(&batch))
        })))
    }

    fn origin(&self, _part: usize) -> String {
        self.path.display().to_string()
    }

    fn column(&self) -> &str {
        "lines"
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;

    fn sentences(text: &[u8]) -> Result<Vec<Vec<String>>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("corpus.txt");
        std::fs::write(&path, text).unwrap();
        let corpus = TextCorpus::open(&path)?;
        let mut sentences = Vec::new();
        for part in 0..corpus.parts() {
            for lists in corpus.read(part)? {
                for words in lists?.as_list::<i64>().iter().flatten() {
                    sentences.push(words.as_string::<i64>().iter().flatten().map(str::to_owned).collect());
                }
            }
        }
        Ok(sentences)
    }

    #[test]
    fn a_line_is_a_sentence_with_and_without_a_last_line_break() {
        for text in ["a b\n\nc\t d\r\n", "a b\n\nc\t d"] {
            assert_eq!(sentences(text.as_bytes()).unwrap(), [vec!["a", "b"], vec![], vec!["c", "d"]], "{text:?}");
        }
        assert!(sentences(b"").unwrap().is_empty());
    }

    #[test]
    fn long_files_come_in_parts_of_whole_lines() {
        let line = "word ".repeat(100_000) + "\n";
        let read = sentences(line.repeat(40).as_bytes()).unwrap();
        assert_eq!(read.len(), 40);
        assert!(read.iter().all(|sentence| sentence.len() == 100_000));
    }

    #[test]
    fn what_is_not_utf8_is_refused_with_its_line() {
        let error = sentences(b"good\nbad \xff\n").unwrap_err().to_string();
        assert!(error.contains("corpus.txt, line 2"), "{error}");
    }
}
