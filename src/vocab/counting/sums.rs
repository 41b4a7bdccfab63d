//! Frames of counts, and their sums.
//!
//! A frame has a line for each word, in no order: `word` (String, Int64 or UInt64), `count`, and unless sorted `first`,
//! where it occurs first.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::Hash;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use polars::prelude::*;

use super::options::CountOptions;
use crate::error::Result;
use crate::vocab::key::{Key, KeyType};

/// Adds up the counts of each word, and drops the rarest where there are too many.
///
/// Not by Polars: its in-memory grouping keeps a list of rows for each word, several times what the counts take, and its
/// streaming engine would make the first build minutes longer.
pub(super) fn add_up(frames: Vec<DataFrame>, options: &CountOptions) -> Result<DataFrame> {
    let Some(frame) = frames.first() else {
        let none = Vec::<u64>::new;
        return Ok(df!("word" => Vec::<String>::new(), "count" => none(), "first" => none())?);
    };
    let frames = &frames;
    let sum = match key_type(frame)? {
        KeyType::Text => sums(frames, options, |words| Ok(words.str()?.no_null_iter()), Series::new)?,
        KeyType::Int64 => sums(frames, options, |words| Ok(words.i64()?.into_no_null_iter()), Series::new)?,
        KeyType::UInt64 => sums(frames, options, |words| Ok(words.u64()?.into_no_null_iter()), Series::new)?,
    };
    match options.max_vocab_size {
        Some(most) => prune(sum, most),
        None => Ok(sum),
    }
}

/// Adds up the counts of each key, and takes the least of its firsts if rows are ordered by them.
fn sums<'a, K: Copy + Eq + Hash, Keys: Iterator<Item = K>>(
    frames: &'a [DataFrame],
    options: &CountOptions,
    keys_of: impl Fn(&'a Column) -> Result<Keys>,
    series: impl FnOnce(PlSmallStr, Vec<K>) -> Series,
) -> Result<DataFrame> {
    let greatest = frames.iter().map(DataFrame::height).max().unwrap_or(0);
    let mut sums: HashMap<K, (u64, u64), RandomState> =
        HashMap::with_capacity_and_hasher(greatest, RandomState::default());
    for frame in frames {
        let counts = frame.column("count")?.u64()?.into_no_null_iter();
        let mut firsts = match options.sorted {
            true => None,
            false => Some(frame.column("first")?.u64()?.into_no_null_iter()),
        };
        for (key, count) in keys_of(frame.column("word")?)?.zip(counts) {
            let (sum, least) = sums.entry(key).or_insert((0, u64::MAX));
            *sum = sum.saturating_add(count);
            if let Some(first) = firsts.as_mut().and_then(Iterator::next) {
                *least = first.min(*least);
            }
        }
    }
    let numbers = |name: &'static str, of: fn(&(u64, u64)) -> u64| {
        UInt64Chunked::from_vec(PlSmallStr::from_static(name), sums.values().map(of).collect()).into_column()
    };
    let keys = series(PlSmallStr::from_static("word"), sums.keys().copied().collect());
    let mut columns = vec![Column::from(keys), numbers("count", |(sum, _)| *sum)];
    if !options.sorted {
        columns.push(numbers("first", |(_, least)| *least));
    }
    Ok(DataFrame::new(sums.len(), columns)?)
}

/// At most `most` words. The threshold follows from the counts alone, so words of one count stay or go together.
fn prune(counts: DataFrame, most: usize) -> Result<DataFrame> {
    match count_at(std::iter::once(Ok(Cow::Borrowed(&counts))), most)? {
        Some(count) => Ok(counts.lazy().filter(col("count").gt(lit(count))).collect()?),
        None => Ok(counts),
    }
}

/// The count at an index of the descending counts, if there are so many.
pub(super) fn count_at<'a>(
    frames: impl Iterator<Item = Result<Cow<'a, DataFrame>>>,
    index: usize,
) -> Result<Option<u64>> {
    // Few counts are different from each other.
    let mut words_of_count: BTreeMap<Reverse<u64>, usize> = BTreeMap::new();
    for frame in frames {
        for count in frame?.column("count")?.u64()?.into_no_null_iter() {
            *words_of_count.entry(Reverse(count)).or_default() += 1;
        }
    }
    let mut words = 0;
    let reached = words_of_count.into_iter().find(|(_, more)| {
        words += more;
        words > index
    });
    Ok(reached.map(|(Reverse(count), _)| count))
}

/// The type of a frame's words.
pub(super) fn key_type(counts: &DataFrame) -> Result<KeyType> {
    Ok(match counts.column("word")?.dtype() {
        DataType::Int64 => KeyType::Int64,
        DataType::UInt64 => KeyType::UInt64,
        _ => KeyType::Text,
    })
}

/// Calls `tell` with all words of a frame and their counts.
pub(super) fn each_word(counts: &DataFrame, mut tell: impl FnMut(Key<'_>, u64)) -> Result<()> {
    let words = counts.column("word")?;
    let numbers = counts.column("count")?.u64()?.into_no_null_iter();
    match key_type(counts)? {
        KeyType::Text => words.str()?.no_null_iter().zip(numbers).for_each(|(key, count)| tell(Key::Text(key), count)),
        KeyType::Int64 => {
            words.i64()?.into_no_null_iter().zip(numbers).for_each(|(key, count)| tell(Key::Int64(key), count));
        }
        KeyType::UInt64 => {
            words.u64()?.into_no_null_iter().zip(numbers).for_each(|(key, count)| tell(Key::UInt64(key), count));
        }
    }
    Ok(())
}
