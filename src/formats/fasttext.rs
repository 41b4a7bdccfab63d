//! fastText's models, `.bin` (read): the vectors of words and of character n-grams.
//!
//! A file has the hyperparameters, the dictionary, and the matrix of words and n-grams; what follows is for training. The
//! vector of a word is the mean of its own row and those of its n-grams; it is computed when the file is loaded. The rows of
//! n-grams stay in the mapped file, and give vectors to words that are not in the dictionary. Labels of classifiers are no
//! words. As in fastText, and unlike in gensim, `</s>` has no n-grams. Other formats hold the words only.

use std::fs::File;

use arrow::array::LargeStringBuilder;
use arrow::buffer::Buffer;
use rayon::prelude::*;

use super::contents::Contents;
use super::options::LoadOptions;
use super::parts::{Parsed, Parts};
use crate::arrow::ipc::{aligned, map_bytes};
use crate::error::{Error, IoContext, Result};
use crate::process::can_use_thread_pools;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Ngrams, Rows, Subwords};
use crate::vocab::Keys;

/// What files start with since 2017.
pub(super) const MAGIC: &[u8] = &793_712_314i32.to_le_bytes();
const FLOAT_BYTES: usize = size_of::<f32>();
/// The longest n-grams: a word has as many as its characters times this.
const MOST_CHARACTERS: i32 = 256;
const SUPERVISED: i32 = 3;
/// The hyperparameters: twelve integers and a double.
const HEADER_BYTES: usize = 12 * 4 + 8;

/// True for a file of before 2017, which has neither magic nor version.
pub(super) fn resembles(bytes: &[u8], _is_named: bool) -> bool {
    Header::read(&mut Cursor { bytes, at: 0 }).is_ok_and(|header| header.is_likely(bytes.len()))
        && Dictionary::is_likely(&bytes[HEADER_BYTES.min(bytes.len())..])
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    let fault = |fault: Fault| match fault {
        Fault::Cut(reason) => contents.cut(reason),
        Fault::Other(reason) => contents.fault(reason),
    };
    let model = Model::read(contents.bytes()).map_err(fault)?;
    progress.check()?;
    let (start, length) = (model.matrix, model.rows * model.header.size * FLOAT_BYTES);
    let matrix = match contents.path_to_map() {
        Ok(path) => map_bytes(&File::open(path).at("read", path)?, path)?,
        Err(_) => aligned(&contents.bytes()[start..start + length]),
    };
    let start = if contents.path_to_map().is_ok() { start } else { 0 };
    if matrix.len() < start + length {
        return Err(contents.cut("ended while it was read"));
    }
    model.into_vectors(matrix.slice_with_length(start, length), contents, options, progress)
}

/// What is wrong with a file.
#[derive(Debug)]
enum Fault {
    Cut(String),
    Other(String),
}

type Read<T> = std::result::Result<T, Fault>;

fn other<T>(reason: impl Into<String>) -> Read<T> {
    Err(Fault::Other(reason.into()))
}

/// Where the reading is.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(bytes) = rest.first_chunk() else {
            return Err(Fault::Cut(format!("ends early, after {} bytes", self.bytes.len())));
        };
        self.at += N;
        Ok(*bytes)
    }

    fn i32(&mut self) -> Read<i32> {
        self.take().map(i32::from_le_bytes)
    }

    fn i64(&mut self) -> Read<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Read<&'b [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| byte == 0) else {
            return Err(Fault::Cut(format!("ends early, after {} bytes, in a word", self.bytes.len())));
        };
        self.at += length + 1;
        Ok(&rest[..length])
    }
}

/// The hyperparameters that matter for vectors.
struct Header {
    size: usize,
    loss: i32,
    model: i32,
    buckets: u32,
    min: i32,
    max: i32,
    sample: f64,
}

impl Header {
    fn read(cursor: &mut Cursor<'_>) -> Read<Self> {
        let mut numbers = [0; 12];
        for number in &mut numbers {
            *number = cursor.i32()?;
        }
        let [size, _window, _epochs, _min_count, _negative, _word_ngrams, loss, model, buckets, min, max, _rate] =
            numbers;
        let sample = cursor.take().map(f64::from_le_bytes)?;
        let Some(size) = usize::try_from(size).ok().filter(|&size| size > 0) else {
            return other(format!("is damaged: vectors of {size} dimensions"));
        };
        let Ok(buckets) = u32::try_from(buckets) else {
            return other(format!("is damaged: {buckets} buckets of n-grams"));
        };
        Ok(Self { size, loss, model, buckets, min, max, sample })
    }

    /// True if these can be the numbers of a model, in a file of so many bytes.
    fn is_likely(&self, bytes: usize) -> bool {
        self.size <= bytes
            && (1..=3).contains(&self.loss)
            && (1..=3).contains(&self.model)
            && (0..=MOST_CHARACTERS).contains(&self.min)
            && (0..=MOST_CHARACTERS).contains(&self.max)
            && (0.0..=1.0).contains(&self.sample)
    }

    /// Which n-grams words have, if there are rows for them.
    fn ngrams(&self) -> Read<Option<Ngrams>> {
        let characters = |name: &str, number: i32| match number {
            0..=MOST_CHARACTERS => Ok(number.unsigned_abs() as usize),
            _ => other(format!("is damaged: {name} is {number}; expected 0 to {MOST_CHARACTERS}")),
        };
        let (min, max) = (characters("minn", self.min)?, characters("maxn", self.max)?);
        Ok((self.buckets > 0).then_some(Ngrams { min, max, buckets: self.buckets }))
    }
}

/// The words and their counts.
struct Dictionary<'b> {
    words: Vec<&'b [u8]>,
    counts: Vec<u64>,
    /// N-grams that pruning has left, or -1 if it was not pruned.
    pruned: i64,
}

impl<'b> Dictionary<'b> {
    /// True if bytes start with numbers of words and labels that fit.
    fn is_likely(bytes: &[u8]) -> bool {
        let mut cursor = Cursor { bytes, at: 0 };
        Self::sizes(&mut cursor).is_ok()
    }

    /// How many words and labels there are.
    fn sizes(cursor: &mut Cursor<'_>) -> Read<(usize, usize)> {
        let [entries, words, labels] = [cursor.i32()?, cursor.i32()?, cursor.i32()?];
        let tokens = cursor.i64()?;
        let fits = words >= 0 && labels >= 0 && words.checked_add(labels) == Some(entries) && tokens >= 0;
        match (usize::try_from(words), usize::try_from(labels)) {
            (Ok(words), Ok(labels)) if fits => Ok((words, labels)),
            _ => other(format!("is damaged: {entries} entries for {words} words and {labels} labels")),
        }
    }

    fn read(cursor: &mut Cursor<'b>, is_old: bool) -> Read<Self> {
        let (number, labels) = Self::sizes(cursor)?;
        let pruned = if is_old { -1 } else { cursor.i64()? };
        // An entry has at least ten bytes.
        let room = number.min(cursor.bytes.len() / 10);
        let (mut words, mut counts) = (Vec::with_capacity(room), Vec::with_capacity(room));
        for entry in 0..number + labels {
            let word = cursor.text()?;
            let (count, [kind]) = (cursor.i64()?, cursor.take()?);
            if kind != u8::from(entry >= number) {
                return other(format!(
                    "is damaged: entry {entry} of {number} words, then {labels} labels, is of kind {kind}"
                ));
            }
            if entry < number {
                let Ok(count) = u64::try_from(count) else {
                    return other(format!("is damaged: the count of word {entry} is {count}"));
                };
                words.push(word);
                counts.push(count);
            }
        }
        Ok(Self { words, counts, pruned })
    }
}

/// What a file has, checked against its length.
struct Model<'b> {
    header: Header,
    dictionary: Dictionary<'b>,
    ngrams: Option<Ngrams>,
    /// Where the matrix starts.
    matrix: usize,
    rows: usize,
}

impl<'b> Model<'b> {
    fn read(bytes: &'b [u8]) -> Read<Self> {
        let is_old = !bytes.starts_with(MAGIC);
        let mut cursor = Cursor { bytes, at: if is_old { 0 } else { MAGIC.len() } };
        let version = if is_old { 0 } else { cursor.i32()? };
        if !is_old && !(11..=12).contains(&version) {
            return other(format!("is a fastText model of version {version}; versions 11 and 12 are read"));
        }
        let mut header = Header::read(&mut cursor)?;
        refuse_floret(&bytes[cursor.at..])?;
        let dictionary = Dictionary::read(&mut cursor, is_old)?;
        // As in fastText: classifiers of this version do not use n-grams, and nothing is left of those that are pruned.
        if (version < 12 && header.model == SUPERVISED) || dictionary.pruned == 0 {
            header.max = 0;
        }
        if (!is_old && cursor.take::<1>()? != [0]) || dictionary.pruned > 0 {
            return other(
                "is a quantised fastText model, which is not read yet; save the model that it was made of as .bin",
            );
        }
        let ngrams = header.ngrams()?;
        let [rows, columns] = [cursor.i64()?, cursor.i64()?];
        let want = dictionary.words.len() + header.buckets as usize;
        if usize::try_from(columns) != Ok(header.size) || usize::try_from(rows) != Ok(want) {
            let (words, size, buckets) = (dictionary.words.len(), header.size, header.buckets);
            return other(format!(
                "is damaged: a matrix of {rows} × {columns} for {words} words, {buckets} buckets and {size} dimensions"
            ));
        }
        let (rows, left) = (want, bytes.len() - cursor.at);
        let length = rows.checked_mul(header.size).and_then(|floats| floats.checked_mul(FLOAT_BYTES));
        let Some(length) = length.filter(|&length| length <= left) else {
            return Err(Fault::Cut(format!("ends early: {left} bytes for a matrix of {rows} × {columns} floats")));
        };
        let matrix = cursor.at;
        cursor.at += length;
        ensure_has_output(&mut cursor, is_old)?;
        Ok(Self { header, dictionary, ngrams, matrix, rows })
    }

    /// The table of the words, with the n-grams. `matrix` has the rows of words and then those of n-grams.
    fn into_vectors(
        self,
        matrix: Buffer,
        contents: &Contents<'_>,
        options: &LoadOptions,
        progress: &Progress,
    ) -> Result<KeyedVectors> {
        let size = self.header.size;
        let number = options.rows_of(self.dictionary.words.len());
        let ngrams_at = self.dictionary.words.len() * size * FLOAT_BYTES;
        let subwords = self.ngrams.map(|ngrams| Subwords::new(ngrams, size, matrix.slice(ngrams_at))).transpose()?;
        let keys = keys(&self.dictionary.words[..number]).map_err(|reason| contents.fault(reason))?;
        let values = vectors_of(&self.dictionary.words[..number], &matrix, size, subwords.as_ref(), progress)?;
        let mut counts = self.dictionary.counts;
        counts.truncate(number);
        // Not to be written to, like a mapped file: copies travel by its path, with the n-grams.
        let rows = Rows::from_mapped(values.into(), size);
        let vectors =
            Parts { keys, counts: Some(counts.into()), rows, config: None }.into_vectors(options, contents.path())?;
        match subwords {
            Some(subwords) => vectors.with_subwords(subwords),
            None => Ok(vectors),
        }
        .map_err(|error: Error| contents.fault(error.to_string()))
    }
}

/// The matrix for training, after that of the vectors. It is not read, but where it is cut, so is the file.
fn ensure_has_output(cursor: &mut Cursor<'_>, is_old: bool) -> Read<()> {
    let is_quantised = !is_old && cursor.take::<1>()? != [0];
    let [rows, columns] = [cursor.i64()?, cursor.i64()?];
    let left = (cursor.bytes.len() - cursor.at) as u64;
    let bytes = match (u64::try_from(rows), u64::try_from(columns)) {
        (Ok(rows), Ok(columns)) => rows.checked_mul(columns).and_then(|floats| floats.checked_mul(FLOAT_BYTES as u64)),
        _ => return other(format!("is damaged: a matrix for training of {rows} × {columns}")),
    };
    match is_quantised || bytes.is_some_and(|bytes| bytes <= left) {
        true => Ok(()),
        false => Err(Fault::Cut(format!(
            "ends early: {left} bytes for the matrix for training of {rows} × {columns} floats"
        ))),
    }
}

/// Refuses a model of floret, whose header has two numbers more.
fn refuse_floret(dictionary: &[u8]) -> Read<()> {
    match !Dictionary::is_likely(dictionary) && dictionary.get(8..).is_some_and(Dictionary::is_likely) {
        true => other("is a model of floret, which is not read yet; save its vectors as text with floret"),
        false => Ok(()),
    }
}

/// Words as text. Bytes that are not UTF-8 become `\x..`, as in gensim.
fn keys(words: &[&[u8]]) -> Parsed<Keys> {
    let mut texts = LargeStringBuilder::new();
    for word in words {
        let mut text = String::with_capacity(word.len());
        for chunk in word.utf8_chunks() {
            text.push_str(chunk.valid());
            chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
        }
        texts.append_value(text);
    }
    Keys::new(&texts.finish()).map_err(|error| error.to_string())
}

/// The vectors of words: their rows, or the means of these and those of their n-grams.
fn vectors_of(
    words: &[&[u8]],
    matrix: &[u8],
    size: usize,
    subwords: Option<&Subwords>,
    progress: &Progress,
) -> Result<Vec<f32>> {
    let mut values = vec![0.0; words.len() * size];
    let fill = |(row, to): (usize, &mut [f32])| {
        if progress.is_cancelled() {
            return;
        }
        let own = &matrix[row * size * FLOAT_BYTES..][..size * FLOAT_BYTES];
        match subwords {
            Some(subwords) => subwords.compose(words[row], Some(own), to),
            None => {
                let (values, _) = own.as_chunks::<FLOAT_BYTES>();
                to.iter_mut().zip(values).for_each(|(to, &value)| *to = f32::from_le_bytes(value));
            }
        }
    };
    match can_use_thread_pools() {
        true => values.par_chunks_mut(size).enumerate().with_min_len(64).for_each(fill),
        false => values.chunks_mut(size).enumerate().for_each(fill),
    }
    progress.check()?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// A model of two words and a label with two buckets.
    fn model() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [12, 2, 5, 5, 1, 5, 1, 2, 2, 2, 2, 3, 100i32] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(1e-4f64.to_le_bytes());
        [3, 2, 1i32].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        [9, -1i64].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        for (word, count, kind) in [("</s>", 5i64, 0u8), ("b\u{e9}", 4, 0), ("__label__x", 2, 1)] {
            bytes.extend(word.as_bytes());
            bytes.push(0);
            bytes.extend(count.to_le_bytes());
            bytes.push(kind);
        }
        bytes.push(0);
        [4, 2i64].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        (1..=8).for_each(|value| bytes.extend((value as f32).to_le_bytes()));
        bytes.push(0);
        [2, 2i64].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes.extend([0; 16]);
        bytes
    }

    fn load(path: &Path, bytes: &[u8]) -> Result<KeyedVectors> {
        std::fs::write(path, bytes).unwrap();
        KeyedVectors::load(path)
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.bin");
        (directory, path)
    }

    #[test]
    fn words_have_the_mean_of_their_rows_and_labels_are_no_words() {
        let (_directory, path) = place();
        let wv = load(&path, &model()).unwrap();
        assert_eq!((wv.len(), wv.counts()), (2, &[5, 4][..]));
        assert_eq!(wv.vector("</s>").unwrap(), [1.0, 2.0]);
        let ngrams = wv.subwords().unwrap().ngrams();
        assert_eq!(ngrams, Ngrams { min: 2, max: 3, buckets: 2 });
        let (mut sum, mut number) = (3.0, 1.0);
        ngrams.for_each("bé".as_bytes(), |row| (sum, number) = (sum + [5.0, 7.0][row], number + 1.0));
        assert!((wv.vector("bé").unwrap()[0] - sum / number).abs() < 1e-6);
        assert!(wv.vector_of("anything").is_ok() && wv.vector("anything").is_err());
    }

    #[test]
    fn a_compressed_model_and_a_limit_give_the_same_vectors() {
        use std::io::Write;
        let (_directory, path) = place();
        let whole = load(&path, &model()).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&model()).unwrap();
        let compressed = load(&path.with_extension("bin.gz"), &encoder.finish().unwrap()).unwrap();
        assert_eq!(compressed.rows().to_buffer(), whole.rows().to_buffer());
        assert_eq!(compressed.vector_of("new").unwrap(), whole.vector_of("new").unwrap());
        let options = LoadOptions { limit: Some(1), ..LoadOptions::default() };
        let first = KeyedVectors::load_with(path.as_path(), &options, &Progress::default()).unwrap();
        assert_eq!((first.len(), first.vector_of("new").unwrap()), (1, whole.vector_of("new").unwrap()));
    }

    #[test]
    fn a_model_that_ends_anywhere_is_cut_and_none_that_is_flipped_panics() {
        let (_directory, path) = place();
        let whole = model();
        for end in MAGIC.len()..whole.len() {
            let error = load(&path, &whole[..end]).unwrap_err();
            assert!(matches!(error, Error::Truncated { .. }) && error.to_string().contains("m.bin"), "{end}: {error}");
        }
        for at in MAGIC.len()..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                if let Err(error) = load(&path, &flipped) {
                    assert!(error.to_string().contains("m.bin") && !error.to_string().contains('\n'), "{error}");
                }
            }
        }
    }

    #[test]
    fn numbers_that_no_model_has_are_refused() {
        let (_directory, path) = place();
        for (at, number, reason) in [
            (4, 13, "version 13"),
            (8, 0, "0 dimensions"),
            (8, -1, "-1 dimensions"),
            (8, i32::MAX, "a matrix of"),
            (40, -1, "-1 buckets"),
            (40, 0, "a matrix of"),
            (40, i32::MAX, "a matrix of"),
            (44, -1, "minn is -1"),
            (48, i32::MAX, "maxn is 2147483647"),
            (64, i32::MAX, "entries for"),
        ] {
            let mut bytes = model();
            bytes[at..at + 4].copy_from_slice(&i32::to_le_bytes(number));
            let error = load(&path, &bytes).unwrap_err().to_string();
            assert!(error.contains(reason), "{at}: {error}");
        }
    }
}
