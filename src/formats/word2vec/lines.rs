//! Lines of text, read on all cores.
//!
//! Only files without any fault are read like this. Others are read again in order, which finds the first fault.

use memchr::{memchr, memchr_iter, memrchr};
use rayon::prelude::*;

use super::float::{leading, number};
use crate::formats::options::LoadOptions;
use crate::kernel::zeros;
use crate::process::can_use_thread_pools;
use crate::progress::Progress;

/// Bytes that a task reads.
const BYTES_PER_TASK: usize = 1 << 20;

/// What whole lines hold.
pub(super) struct ParsedLines {
    /// The words of each task, one after another, and where each ends.
    words: Vec<(String, Vec<usize>)>,
    pub(super) values: Vec<f32>,
    /// The bytes after the last line that was wanted.
    pub(super) read: usize,
}

impl ParsedLines {
    pub(super) fn len(&self) -> usize {
        self.words.iter().map(|(_, ends)| ends.len()).sum()
    }

    /// The words in order.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().flat_map(|(words, ends)| {
            let starts = std::iter::once(0).chain(ends.iter().copied());
            starts.zip(ends).map(|(start, &end)| &words[start..end])
        })
    }
}

/// Reads the first whole lines, at most `most`, each a word and `size` values. None if one of them is not, if the job is
/// cancelled, or if it is not worth it.
pub(super) fn parse(
    bytes: &[u8],
    size: usize,
    most: usize,
    options: &LoadOptions,
    progress: &Progress,
) -> Option<ParsedLines> {
    if bytes.len() < 2 * BYTES_PER_TASK || !can_use_thread_pools() {
        return None;
    }
    parse_in_tasks(bytes, size, most, options, progress, BYTES_PER_TASK)
}

/// [`parse`] in tasks of about so many bytes.
pub(super) fn parse_in_tasks(
    bytes: &[u8],
    size: usize,
    most: usize,
    options: &LoadOptions,
    progress: &Progress,
    task_bytes: usize,
) -> Option<ParsedLines> {
    // A last line that is not whole is left to the reader in order too.
    let mut tasks = tasks(&bytes[..memrchr(b'\n', bytes)? + 1], task_bytes);
    // How many lines each task has, and how many come before it.
    let counts: Vec<usize> = tasks.par_iter().map(|task| memchr_iter(b'\n', task).count()).collect();
    let (mut lines, mut read) = (0, 0);
    let mut wanted = Vec::new();
    for (task, &count) in tasks.iter_mut().zip(&counts) {
        let take = count.min(most - lines);
        if take < count {
            *task = first_lines(task, take);
        }
        wanted.push(take);
        (lines, read) = (lines + take, read + task.len());
    }
    // A value takes at least two bytes, so no header makes this large.
    let floats = lines.checked_mul(size).filter(|&floats| floats <= bytes.len() / 2)?;
    let mut values = zeros(floats);
    let mut rest = values.as_mut_slice();
    let mut parts = Vec::new();
    for (task, lines) in tasks.into_iter().zip(wanted) {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(lines * size);
        parts.push((task, part));
        rest = after;
    }
    let parse = |(lines, values): (&[u8], &mut [f32])| parse_task(lines, values, size, options, progress);
    let words = parts.into_par_iter().with_max_len(1).map(parse).collect::<Option<Vec<_>>>()?;
    Some(ParsedLines { words, values, read })
}

/// The whole lines of the bytes, divided.
fn tasks(mut bytes: &[u8], task_bytes: usize) -> Vec<&[u8]> {
    let mut tasks = Vec::new();
    while !bytes.is_empty() {
        let middle = bytes.len().min(task_bytes);
        let end = memchr(b'\n', &bytes[middle - 1..]).map_or(bytes.len(), |at| middle + at);
        tasks.push(&bytes[..end]);
        bytes = &bytes[end..];
    }
    tasks
}

fn first_lines(bytes: &[u8], lines: usize) -> &[u8] {
    match lines.checked_sub(1).and_then(|last| memchr_iter(b'\n', bytes).nth(last)) {
        Some(end) => &bytes[..=end],
        None => &[],
    }
}

fn parse_task(
    mut lines: &[u8],
    values: &mut [f32],
    size: usize,
    options: &LoadOptions,
    progress: &Progress,
) -> Option<(String, Vec<usize>)> {
    let (mut words, mut ends) = (String::new(), Vec::with_capacity(values.len() / size));
    for row in values.chunks_exact_mut(size) {
        let (word, len) = match simple_line(lines, row) {
            Some(read) => read,
            None => {
                let end = memchr(b'\n', lines)?;
                (any_line(&lines[..end], row)?, end + 1)
            }
        };
        words.push_str(&options.decode(word).ok()?);
        ends.push(words.len());
        lines = &lines[len..];
    }
    (!progress.is_cancelled()).then_some((words, ends))
}

/// Reads the first of the lines, if it is one word without spaces and as many decimals as there is room for, with one space
/// or tab before each. Returns the word and the length of the line.
#[inline]
fn simple_line<'l>(lines: &'l [u8], values: &mut [f32]) -> Option<(&'l [u8], usize)> {
    let word = lines.iter().position(|&byte| matches!(byte, b' ' | b'\t' | b'\n'))?;
    let mut at = word;
    for value in values {
        if !matches!(lines.get(at), Some(b' ' | b'\t')) {
            return None;
        }
        let (read, len) = leading(&lines[at + 1..])?;
        *value = read;
        at += 1 + len;
    }
    at += usize::from(lines.get(at) == Some(&b'\r'));
    (lines.get(at) == Some(&b'\n')).then_some((&lines[..word], at + 1))
}

/// Reads a line of a word, which may have spaces, and as many values as there is room for, with one space or tab before
/// each. Returns the word.
fn any_line<'l>(line: &'l [u8], values: &mut [f32]) -> Option<&'l [u8]> {
    let mut rest = line.trim_ascii_end();
    for value in values.iter_mut().rev() {
        let start = rest.iter().rposition(|&byte| byte == b' ' || byte == b'\t')?;
        *value = number(&rest[start + 1..])?;
        rest = &rest[..start];
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn parse(bytes: &[u8], most: usize) -> Option<ParsedLines> {
        super::parse(bytes, 3, most, &LoadOptions::default(), &Progress::default())
    }

    /// More than a few tasks read.
    fn text() -> String {
        let mut text = String::new();
        for i in 0..300_000 {
            writeln!(text, "word {i} {} -0.5 {}e-3", i % 7, i).unwrap();
        }
        text
    }

    #[test]
    fn lines_of_many_tasks_come_in_order_and_as_many_as_are_wanted() {
        let text = text();
        for most in [usize::MAX, 300_000, 123_456, 1, 0] {
            let parsed = parse(text.as_bytes(), most).unwrap();
            let lines = most.min(300_000);
            let words: Vec<&str> = parsed.words().collect();
            assert_eq!((words.len(), parsed.values.len()), (lines, 3 * lines));
            assert_eq!(memchr_iter(b'\n', &text.as_bytes()[..parsed.read]).count(), lines);
            for (i, (word, values)) in words.iter().zip(parsed.values.chunks(3)).enumerate() {
                assert_eq!(*word, format!("word {i}"));
                assert_eq!(values, [(i % 7) as f32, -0.5, format!("{i}e-3").parse().unwrap()]);
            }
        }
    }

    #[test]
    fn a_file_with_a_fault_is_left_to_the_reader_that_finds_it() {
        let text = text();
        for (from, to) in [("word 200000 ", "word 200000 x "), ("\nword 150000", "\n\nword 150000")] {
            let faulty = text.replacen(from, to, 1).replacen("x 3 -0.5", "x 3", 1);
            assert!(parse(faulty.as_bytes(), usize::MAX).is_none());
        }
        let parsed = parse(&text.as_bytes()[..text.len() - 1], usize::MAX).unwrap();
        assert_eq!((parsed.len(), &text[parsed.read..]), (299_999, "word 299999 0 -0.5 299999e-3\n"));
        assert!(
            super::parse(text.as_bytes(), usize::MAX, usize::MAX, &LoadOptions::default(), &Progress::default())
                .is_none()
        );
        let progress = Progress::default();
        progress.cancel();
        assert!(super::parse(text.as_bytes(), 3, usize::MAX, &LoadOptions::default(), &progress).is_none());
    }
}
