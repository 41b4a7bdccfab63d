//! gensim's own files: `.kv`, `.model`, `.wv`, as its `save` writes them, and the pickle of VarEmbed.
//!
//! They are pickles, of which nothing is run: words, counts and matrices are taken out, whatever else is in them is left
//! alone. gensim 4 keeps `index_to_key` and arrays of attributes; older versions keep `index2word` and an object for
//! each word. Large arrays lie beside, as in `NAME.wv.vectors.npy`, and are memory-mapped; beside a compressed file they
//! are `.npz`. Their names are made from the names of the attributes that are read here, never taken from the file.
//!
//! VarEmbed writes a dictionary with `word_to_ix` and `word_embeddings`. As gensim 3's wrapper does, words are taken in
//! the order of the dictionary, each with the count 1. WordRank writes word2vec's text without a header, which
//! [`load_word2vec_format`](super::load_word2vec_format) reads with `no_header`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::array::Int64Array;
use arrow::buffer::ScalarBuffer;
use memmap2::Mmap;

use super::contents::Contents;
use super::options::LoadOptions;
use crate::arrow::ipc::buffer_over;
use crate::error::{Error, IoContext, Result};
use crate::npy::{Header, HeaderError};
use crate::pickle::{self, Array, Data, Id, ItemType, Node, Pickle};
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::Keys;

/// True of what starts like a pickle: of protocol 2 or later, or an object or a dictionary of an older one.
pub(super) fn resembles(bytes: &[u8], _is_named: bool) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
        || [&b"ccopy_reg\n"[..], b"ccopyreg\n", b"cgensim.", b"(igensim.", b"(dp", b"}q"]
            .iter()
            .any(|start| bytes.starts_with(start))
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    let saved = Saved::read(contents.bytes(), contents.path(), progress)?;
    let vectors = match saved.pickle.fields(saved.pickle.root()) {
        Some(dictionary) => saved.varembed(&dictionary)?,
        None => saved.root()?.keyed_vectors()?,
    };
    let keys = options.keys(vectors.keys().clone(), |row| format!("row {}", row + 1));
    let keys = keys.map_err(|reason| saved.fault(reason))?;
    let limit = options.rows_of(vectors.len());
    if limit == vectors.len() {
        return KeyedVectors::new(keys, vectors.counts().to_vec(), vectors.rows().clone(), None);
    }
    let first: Vec<u32> = (0..limit as u32).collect();
    let counts = vectors.counts()[..limit].to_vec();
    KeyedVectors::new(keys.select(&first), counts, vectors.rows().clone().first(limit), None)
}

/// The files that a pickle needs beside it, by what follows its name.
pub(super) fn companions(contents: &Contents<'_>, progress: &Progress) -> Result<Vec<String>> {
    let saved = Saved::read(contents.bytes(), contents.path(), progress)?;
    let Ok(root) = saved.root() else { return Ok(Vec::new()) };
    let (mut parts, mut names) = (vec![root], Vec::new());
    while let Some(part) = parts.pop() {
        let separate = MATRICES.iter().filter(|name| part.separate.contains(**name));
        names.extend(separate.map(|name| format!("{}.{name}.{}", part.beside, saved.array_ending())));
        parts.extend(PARTS.iter().filter_map(|name| part.part(name)));
    }
    Ok(names)
}

/// Gives the bytes of a file, decompressed if it is compressed, to `read`.
///
/// # Errors
/// Those of `read`; [`Error::Io`] if the file cannot be read; [`Error::Format`] if there is nothing in it.
pub(crate) fn with_contents<T>(path: &Path, progress: &Progress, read: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    read(Contents::open(path, progress, |_| false)?.ensure_not_empty()?.bytes())
}

/// The attributes that have attributes of their own.
const PARTS: [&str; 3] = ["wv", "vocabulary", "trainables"];
/// Attributes that the object of a word may have; gensim's have five.
const MOST_ATTRIBUTES: usize = 64;
/// Characters that an n-gram may have, and bytes of a word that has n-grams.
const LONGEST_NGRAM: usize = 64;
const LONGEST_WORD: usize = 10_000;
/// The attributes that may lie beside a file.
const MATRICES: [&str; 7] = ["vectors", "syn0", "syn1", "syn1neg", "vectors_vocab", "syn0_vocab", "vectors_ngrams"];

/// A file of gensim's that has been read.
pub(crate) struct Saved<'b> {
    path: PathBuf,
    pickle: Pickle<'b>,
    progress: &'b Progress,
}

/// An object in it, with its attributes.
pub(crate) struct Part<'s> {
    saved: &'s Saved<'s>,
    /// The name of its class, with its module.
    pub(crate) class: String,
    fields: HashMap<Cow<'s, str>, Id>,
    /// What stands between the file's name and those of its arrays beside it.
    beside: String,
    /// The attributes that lie beside the file.
    separate: HashSet<String>,
}

impl<'b> Saved<'b> {
    /// # Errors
    /// [`Error::Format`] if it is not a pickle.
    pub(crate) fn read(bytes: &'b [u8], path: &Path, progress: &'b Progress) -> Result<Self> {
        progress.check()?;
        let pickle = pickle::read(bytes).map_err(|error| Error::format(path, error.to_string()))?;
        Ok(Self { path: path.to_owned(), pickle, progress })
    }

    pub(crate) fn fault(&self, reason: impl ToString) -> Error {
        Error::format(&self.path, reason.to_string())
    }

    /// The object that was saved.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not one of gensim's.
    pub(crate) fn root(&self) -> Result<Part<'_>> {
        let root = self.pickle.root();
        let part = self.part(root, String::new()).filter(|part| part.class.starts_with("gensim."));
        part.ok_or_else(|| self.fault(self.pickle.unexpected(root, "vectors or a model of gensim's")))
    }

    fn part(&self, id: Id, beside: String) -> Option<Part<'_>> {
        let (class, fields) = self.pickle.instance(id)?;
        let names = |id: &Id| match self.pickle.node(*id) {
            Node::List(names) | Node::Set(names) => names.as_slice(),
            Node::Tuple(names) => names,
            _ => &[],
        };
        let separate = fields.get("__numpys").map(names).unwrap_or_default();
        let separate = separate.iter().filter_map(|&name| Some(self.pickle.text(name)?.into_owned())).collect();
        Some(Part { saved: self, class, fields, beside, separate })
    }

    /// The ending of arrays beside this file.
    fn array_ending(&self) -> &'static str {
        let name = self.path.as_os_str().as_encoded_bytes();
        if name.ends_with(b".gz") || name.ends_with(b".bz2") { "npz" } else { "npy" }
    }

    fn varembed(&self, dictionary: &HashMap<Cow<'_, str>, Id>) -> Result<KeyedVectors> {
        let (Some(&words), Some(&matrix)) = (dictionary.get("word_to_ix"), dictionary.get("word_embeddings")) else {
            return Err(self.fault(
                "is a pickle of a dictionary without word_to_ix and word_embeddings, which VarEmbed's vectors have",
            ));
        };
        let (matrix, shape) = self.rows_of(matrix)?;
        let entries =
            self.pickle.entries(words).ok_or_else(|| self.fault(self.pickle.unexpected(words, "a dictionary")))?;
        let length: usize = entries.iter().map(|&(word, _)| self.pickle.text_length(word)).sum();
        if entries.len() > shape[0] || length > self.pickle.length() {
            return Err(self.fault(format!("has {} words for {} rows of word_embeddings", entries.len(), shape[0])));
        }
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for &(word, row) in entries {
            let key = self.pickle.word(word).ok_or_else(|| self.fault(self.pickle.unexpected(word, "a word")))?;
            let row = self.pickle.integer(row).and_then(|row| usize::try_from(row).ok()).filter(|row| *row < shape[0]);
            let row = row.ok_or_else(|| self.fault(format!("has no row of word_embeddings for the word {key:?}")))?;
            values.extend_from_slice(&matrix[row * shape[1]..(row + 1) * shape[1]]);
            keys.push(key);
        }
        let rows = Rows::from_vec(values, shape[1]);
        self.table(keys.iter().map(|key| &**key).collect(), vec![1; keys.len()], rows)
    }

    fn table(&self, keys: Keys, counts: Vec<u64>, rows: Rows) -> Result<KeyedVectors> {
        if keys.has_repeats() {
            return Err(self.fault("has a key in more than one row"));
        }
        KeyedVectors::new(keys, counts, rows, None).map_err(|error| self.fault(error))
    }

    fn rows_of(&self, id: Id) -> Result<(Vec<f32>, [usize; 2])> {
        let array = Array::new(&self.pickle, id).and_then(|array| array.to_rows());
        let (values, shape) = array.map_err(|error| self.fault(error))?;
        if shape[1] == 0 {
            return Err(self.fault("has vectors of no dimensions"));
        }
        Ok((values, shape))
    }
}

/// Keys, and words with their objects.
type KeysAndObjects<'s> = (Keys, Option<&'s [(Id, Id)]>);

impl<'s> Part<'s> {
    /// An attribute, unless it is None.
    fn get(&self, name: &str) -> Option<Id> {
        self.fields.get(name).copied().filter(|&id| !self.saved.pickle.is_none(id))
    }

    /// An attribute that is an object.
    pub(crate) fn part(&self, name: &str) -> Option<Part<'s>> {
        self.saved.part(self.get(name)?, format!("{}.{name}", self.beside))
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.saved.pickle.integer(self.get(name)?)
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.saved.pickle.number(self.get(name)?)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.saved.pickle.text(self.get(name)?).map(Cow::into_owned)
    }

    /// The matrix of the first of these attributes that there is, in the file or beside it.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not a matrix of floats; [`Error::Io`] if the file beside cannot be read.
    pub(crate) fn matrix(&self, names: &[&str]) -> Result<Option<Rows>> {
        for name in names {
            if self.separate.contains(*name) {
                return self.matrix_beside(name).map(Some);
            }
            if let Some(id) = self.get(name) {
                let (values, [_, width]) = self.saved.rows_of(id)?;
                return Ok(Some(Rows::from_vec(values, width)));
            }
        }
        Ok(None)
    }

    fn matrix_beside(&self, name: &str) -> Result<Rows> {
        let mut path = self.saved.path.clone().into_os_string();
        path.push(format!("{}.{name}.{}", self.beside, self.saved.array_ending()));
        let path = PathBuf::from(path);
        let file = File::open(&path).at("read", &path);
        let file = file.map_err(|error| {
            let own = self.saved.path.file_name().unwrap_or_default().to_string_lossy();
            error.with_note(&format!("{own} keeps an array in this file; put it beside"))
        })?;
        if self.saved.array_ending() == "npz" {
            return self.rows_of_npz(file, &path);
        }
        if file.metadata().at("read", &path)?.len() == 0 {
            return Err(Error::format(&path, "is empty"));
        }
        // SAFETY: as in `ipc::map_file`.
        let mapping = unsafe { Mmap::map(&file) }.at("map", &path)?;
        let (header, item) = header_of(&mapping[..], &path)?;
        let is_plain = !header.is_fortran && (item.kind, item.size, item.is_big_endian) == ('f', 4, false);
        if let (&[rows, width], true, true) = (header.shape.as_slice(), is_plain, header.end.is_multiple_of(4)) {
            let bytes = rows.checked_mul(width).and_then(|values| values.checked_mul(4));
            if width == 0 || bytes != Some((mapping.len() - header.end) as u64) {
                return Err(Error::format(&path, format!("has a length that does not fit its shape {rows} × {width}")));
            }
            let values = (mapping.len() - header.end) / size_of::<f32>();
            let values = ScalarBuffer::new(buffer_over(mapping).slice(header.end), 0, values);
            return Ok(Rows::from_mapped(values, width as usize));
        }
        rows_of_bytes(&header, item, &mapping[header.end..], &path)
    }

    fn rows_of_npz(&self, file: File, path: &Path) -> Result<Rows> {
        let damaged = |error: &dyn std::fmt::Display| Error::format(path, format!("is not a valid .npz: {error}"));
        let mut archive = zip::ZipArchive::new(file).map_err(|error| damaged(&error))?;
        let mut entry = archive.by_name("val.npy").map_err(|error| damaged(&error))?;
        let header = Header::read(&mut entry).map_err(|error| header_fault(&error, path))?;
        let item = item_of(&header, path)?;
        let size = header.shape.iter().try_fold(item.size as u64, |size, &length| size.checked_mul(length));
        let size = size.ok_or_else(|| Error::format(path, "has a shape larger than any memory"))?;
        // Memory grows with what comes out, at most to what the shape says.
        let (mut bytes, block) = (Vec::new(), 1 << 20);
        while (bytes.len() as u64) < size {
            self.saved.progress.check()?;
            let wanted = (size - bytes.len() as u64).min(block);
            let read = entry.by_ref().take(wanted).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
            if read == 0 {
                break;
            }
        }
        rows_of_bytes(&header, item, &bytes, path)
    }

    /// The word vectors: of a model, those in its `wv`.
    ///
    /// # Errors
    /// [`Error::Format`] if there are none, or no words for them; [`Error::Io`] if a file beside cannot be read.
    pub(crate) fn keyed_vectors(&self) -> Result<KeyedVectors> {
        if let Some(wv) = self.part("wv") {
            return wv.keyed_vectors();
        }
        let rows = self.matrix(&["vectors", "syn0"])?;
        let Some((keys, objects)) = self.keys()? else { return Err(self.has_no_words()) };
        let rows = match rows {
            Some(rows) => rows,
            None => self.composed(&keys)?,
        };
        let counts = self.counts(&keys, objects)?;
        self.saved.table(keys, counts, rows)
    }

    fn has_no_words(&self) -> Error {
        self.saved.fault(format!("is a pickle of {}, which holds no word vectors", self.class))
    }

    /// The keys in the order of their rows, and the objects of older versions that have their counts.
    fn keys(&self) -> Result<Option<KeysAndObjects<'s>>> {
        let pickle = &self.saved.pickle;
        let vocab = self.get("vocab").and_then(|id| pickle.entries(id));
        let names = ["index_to_key", "index2word", "index2entity"];
        if let Some(words) = names.iter().find_map(|name| self.get(name)) {
            let list = pickle.list(words);
            let list = list.ok_or_else(|| self.saved.fault(pickle.unexpected(words, "a list of words")))?;
            return Ok(Some((self.keys_of(list)?, vocab)));
        }
        let Some(vocab) = vocab else { return Ok(None) };
        let mut ordered = vec![None; vocab.len()];
        for &(word, object) in vocab {
            let row = self.attribute(object, "index").and_then(|row| usize::try_from(row).ok());
            let slot = row.and_then(|row| ordered.get_mut(row));
            *slot.ok_or_else(|| self.saved.fault("has a word without a row"))? = Some(word);
        }
        let ordered: Option<Vec<Id>> = ordered.into_iter().collect();
        let ordered = ordered.ok_or_else(|| self.saved.fault("has a row without a word"))?;
        Ok(Some((self.keys_of(&ordered)?, Some(vocab))))
    }

    fn keys_of(&self, list: &[Id]) -> Result<Keys> {
        let pickle = &self.saved.pickle;
        if list.first().is_some_and(|&first| pickle.word(first).is_none() && pickle.integer(first).is_some()) {
            let keys: Option<Vec<i64>> = list.iter().map(|&key| pickle.integer(key)).collect();
            let keys = keys.ok_or_else(|| self.saved.fault("has keys of several types; expected integers alone"))?;
            return Keys::new(&Int64Array::from(keys)).map_err(|error| self.saved.fault(error));
        }
        // Words are distinct, so that together they are not longer than the file. Checked before they are copied.
        let length: usize = list.iter().map(|&key| pickle.text_length(key)).sum();
        if length > pickle.length() {
            return Err(self.saved.fault("has a key in more than one row"));
        }
        let text = |&key: &Id| pickle.word(key).ok_or_else(|| self.saved.fault(pickle.unexpected(key, "a word")));
        let words = list.iter().map(text).collect::<Result<Vec<_>>>()?;
        Ok(words.iter().map(|word| &**word).collect())
    }

    /// A whole number that is an attribute of a word's object.
    fn attribute(&self, object: Id, name: &str) -> Option<i64> {
        let pickle = &self.saved.pickle;
        let state = pickle.object(object)?.state?;
        let state = match pickle.tuple(state) {
            Some(&[state, _]) => state,
            _ => state,
        };
        // Words have few, and a file in which all words share very many must not take forever.
        let entries = pickle.entries(state).filter(|entries| entries.len() <= MOST_ATTRIBUTES)?;
        let (_, value) = entries.iter().rev().find(|(key, _)| pickle.is_text(*key, name))?;
        pickle.integer(*value)
    }

    /// How often each word occurred. As in gensim's own formats without counts, V, V − 1, … if that is not known.
    fn counts(&self, keys: &Keys, objects: Option<&[(Id, Id)]>) -> Result<Vec<u64>> {
        let pickle = &self.saved.pickle;
        let mut counts: Vec<u64> = (1..=keys.len() as u64).rev().collect();
        let expandos = self.get("expandos").and_then(|id| pickle.fields(id));
        if let Some(&array) = expandos.as_ref().and_then(|fields| fields.get("count")) {
            let array = Array::new(pickle, array).map_err(|error| self.saved.fault(error))?;
            if array.len() != keys.len() || array.shape.len() != 1 {
                return Err(self.saved.fault(format!("has {} counts for {} words", array.len(), keys.len())));
            }
            for (row, count) in counts.iter_mut().enumerate() {
                let value = match &array.data {
                    Data::Objects(items) => pickle.integer(items[row]),
                    Data::Bytes(_) => array.integer(row).or_else(|| Some(array.number(row)? as i64)),
                };
                let value = value.and_then(|value| u64::try_from(value).ok());
                *count = value.ok_or_else(|| self.saved.fault("has a count that is not a whole number"))?;
            }
            return Ok(counts);
        }
        for &(word, object) in objects.unwrap_or_default() {
            let row = pickle.word(word).and_then(|word| keys.id(&*word));
            if let (Some(row), Some(count)) = (row, self.attribute(object, "count")) {
                counts[row as usize] =
                    u64::try_from(count).map_err(|_| self.saved.fault("has a count that is negative"))?;
            }
        }
        Ok(counts)
    }

    /// The vectors of words that FastText makes of their own and those of their n-grams. gensim does not save them.
    fn composed(&self, keys: &Keys) -> Result<Rows> {
        let Some(own) = self.matrix(&["vectors_vocab", "syn0_vocab"])? else { return Err(self.has_no_words()) };
        let bucket = self.integer("bucket").unwrap_or_default();
        if bucket == 0 {
            return Ok(own);
        }
        if self.integer("compatible_hash") != Some(1) {
            let reason = "is a FastText model of gensim before 3.8, whose n-grams are hashed otherwise; load it with gensim \
                 3.8 and save it again";
            return Err(self.saved.fault(reason));
        }
        let Some(ngrams) = self.matrix(&["vectors_ngrams"])? else { return Err(self.has_no_words()) };
        let range = self.integer("min_n").zip(self.integer("max_n"));
        let range = range.filter(|&(_, most)| most <= LONGEST_NGRAM as i64);
        let range = range.and_then(|(least, most)| Some((usize::try_from(least).ok()?, usize::try_from(most).ok()?)));
        let (least, most) =
            range.ok_or_else(|| self.saved.fault("is a FastText model without min_n and max_n up to 64"))?;
        let is_whole = ngrams.len() as i64 >= bucket && bucket > 0 && bucket <= i64::from(u32::MAX);
        if own.len() != keys.len() || ngrams.vector_size() != own.vector_size() || !is_whole {
            return Err(self.saved.fault("has n-grams that do not fit its words"));
        }
        let mut values = Vec::with_capacity(own.len() * own.vector_size());
        for (row, key) in keys.iter().enumerate() {
            self.saved.progress.check()?;
            let start = values.len();
            values.extend_from_slice(own.row(row));
            let word = key.as_text().unwrap_or_default();
            if word.len() > LONGEST_WORD {
                return Err(self.saved.fault(format!("has a word of {} bytes", word.len())));
            }
            let hashes = ngram_hashes(word, least, most);
            let vector = &mut values[start..];
            for hash in &hashes {
                let ngram = ngrams.row((hash % bucket as u32) as usize);
                vector.iter_mut().zip(ngram).for_each(|(value, part)| *value += part);
            }
            vector.iter_mut().for_each(|value| *value /= (hashes.len() + 1) as f32);
        }
        Ok(Rows::from_vec(values, own.vector_size()))
    }
}

/// The hashes of a word's n-grams, as facebook's FastText has them.
fn ngram_hashes(word: &str, least: usize, most: usize) -> Vec<u32> {
    let marked = format!("<{word}>");
    let ends: Vec<usize> = marked.char_indices().map(|(at, _)| at).chain([marked.len()]).collect();
    let mut hashes = Vec::new();
    for start in 0..ends.len() - 1 {
        for end in start + 1..ends.len().min(start.saturating_add(most).saturating_add(1)) {
            let is_marker = end - start == 1 && (start == 0 || end == ends.len() - 1);
            if end - start >= least && !is_marker {
                // FNV-1a, with bytes that are signed.
                let hash = |hash: u32, &byte: &u8| (hash ^ byte as i8 as u32).wrapping_mul(16_777_619);
                hashes.push(marked.as_bytes()[ends[start]..ends[end]].iter().fold(2_166_136_261, hash));
            }
        }
    }
    hashes
}

fn header_fault(error: &HeaderError, path: &Path) -> Error {
    Error::format(
        path,
        match error {
            HeaderError::Io(_) => "ends within its header".to_owned(),
            HeaderError::Invalid(reason) => (*reason).to_owned(),
        },
    )
}

fn item_of(header: &Header, path: &Path) -> Result<ItemType> {
    let item = ItemType::parse(&header.descr).filter(|item| item.kind == 'f');
    item.ok_or_else(|| Error::format(path, format!("holds {}; expected floats", header.descr)))
}

fn header_of(mut bytes: &[u8], path: &Path) -> Result<(Header, ItemType)> {
    let header = Header::read(&mut bytes).map_err(|error| header_fault(&error, path))?;
    let item = item_of(&header, path)?;
    Ok((header, item))
}

/// The matrix of values that are not float32 in C order.
fn rows_of_bytes(header: &Header, item: ItemType, bytes: &[u8], path: &Path) -> Result<Rows> {
    let fault = |reason: String| Error::format(path, reason);
    let shape = header.shape.iter().map(|&length| usize::try_from(length).ok()).collect::<Option<Vec<usize>>>();
    let shape = shape.ok_or_else(|| fault("has a shape larger than any memory".into()))?;
    let array = Array::of_bytes(item, shape, header.is_fortran, bytes.into()).and_then(|array| array.to_rows());
    let (values, [_, width]) = array.map_err(|error| fault(error.to_string()))?;
    if width == 0 {
        return Err(fault("has vectors of no dimensions".into()));
    }
    Ok(Rows::from_vec(values, width))
}
