//! Bytes of objects, fetched ahead of whoever reads them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::{GetOptions, GetRange, ObjectMeta};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::{CHANGED, Object, TRIES, runtime};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Bytes asked for at a time.
const BLOCK: u64 = 4 << 20;
/// Blocks of one span that are under way at a time.
const BLOCKS_AT_ONCE: usize = 4;
/// Spans that are fetched before they are asked for, at most.
const SPANS_AHEAD: usize = 32;
/// The budget is counted in units of this many bytes.
const UNIT: u64 = 1 << 10;

/// A range of the bytes of an object.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) object: Object,
    pub(crate) bytes: Range<u64>,
}

/// Spans in the order in which they will be read. The next ones are fetched ahead, as far as the budget allows.
pub(crate) struct Fetcher {
    spans: Vec<Span>,
    budget: Arc<Semaphore>,
    ahead: Mutex<Ahead>,
}

#[derive(Default)]
struct Ahead {
    spans: BTreeMap<usize, Fetching>,
    /// One past the last span that was begun in this pass: those before were begun, and may have been read.
    begun: usize,
}

/// A span under way.
struct Fetching {
    blocks: Receiver<Result<Block>>,
    /// Its reader has nothing left, so the next block comes whatever the budget says.
    is_awaited: Arc<Notify>,
    task: JoinHandle<()>,
}

/// Part of a span, and its part of the budget.
struct Block {
    bytes: Bytes,
    budget: Option<OwnedSemaphorePermit>,
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fetcher {
    /// Keeps at most about `budget` bytes that nobody has asked for yet.
    pub(crate) fn new(spans: Vec<Span>, budget: u64) -> Self {
        let units = (budget / UNIT).clamp(BLOCK / UNIT, u64::from(u32::MAX)) as usize;
        Self { spans, budget: Arc::new(Semaphore::new(units)), ahead: Mutex::default() }
    }

    /// Reads a span from its start.
    ///
    /// # Errors
    /// [`Error::Io`] if no threads can be had.
    pub(crate) fn read(&self, span: usize, progress: &Progress) -> Result<RangeReader> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if span < ahead.begun && !ahead.spans.contains_key(&span) {
            // It was read before, so this is another pass: spans left from the last one are useless.
            *ahead = Ahead { begun: span, ..Ahead::default() };
        }
        for next in span..self.spans.len().min(span + 1 + SPANS_AHEAD) {
            let is_new = next >= ahead.begun && self.budget.available_permits() > 0;
            if (is_new || next == span) && !ahead.spans.contains_key(&next) {
                let fetching = self.start(next)?;
                ahead.spans.insert(next, fetching);
                ahead.begun = ahead.begun.max(next + 1);
            }
        }
        let fetching = ahead.spans.remove(&span).ok_or(Error::Interrupted)?;
        let end = self.spans[span].bytes.end;
        Ok(RangeReader {
            fetching,
            progress: progress.clone(),
            rest: Bytes::new(),
            budget: None,
            at: self.spans[span].bytes.start,
            end,
        })
    }

    fn start(&self, span: usize) -> Result<Fetching> {
        let (send, blocks) = channel(1);
        let is_awaited = Arc::new(Notify::new());
        let task = runtime()?.spawn(fetch(self.spans[span].clone(), self.budget.clone(), is_awaited.clone(), send));
        Ok(Fetching { blocks, is_awaited, task })
    }
}

async fn fetch(span: Span, budget: Arc<Semaphore>, is_awaited: Arc<Notify>, send: Sender<Result<Block>>) {
    let (object, bytes) = (&span.object, &span.bytes);
    let starts = (bytes.start..bytes.end).step_by(BLOCK as usize);
    let block = |start: u64| {
        let (range, budget, is_awaited) = (start..bytes.end.min(start + BLOCK), budget.clone(), is_awaited.clone());
        async move {
            let units = (range.end - range.start).div_ceil(UNIT) as u32;
            let budget = tokio::select! {
                biased;
                permit = budget.acquire_many_owned(units) => permit.ok(),
                () = is_awaited.notified() => None,
            };
            Ok(Block { bytes: object.get(range).await?, budget })
        }
    };
    let mut blocks = stream::iter(starts).map(block).buffered(BLOCKS_AT_ONCE);
    while let Some(block) = blocks.next().await {
        let is_last = block.is_err();
        if send.send(block).await.is_err() || is_last {
            break;
        }
    }
}

impl Object {
    /// A range of its bytes, all of them.
    ///
    /// # Errors
    /// [`Error::Io`] if the store fails, the object has vanished or changed.
    pub(crate) async fn get(&self, range: Range<u64>) -> Result<Bytes> {
        let is_whole = range == (0..self.meta.size);
        for tried in 1.. {
            let options = GetOptions {
                // Some servers know no ranges.
                range: (!is_whole).then(|| GetRange::Bounded(range.clone())),
                if_match: self.e_tag.get().and_then(|e_tag| condition(e_tag)),
                ..GetOptions::default()
            };
            let got = match self.store.inner.get_opts(&self.meta.location, options).await {
                // Not every store heeds the condition.
                Ok(answer) if self.is_other(&answer.meta, is_whole) => return Err(self.changed()),
                Ok(answer) => answer.bytes().await.map_err(|error| (error, true)),
                Err(error) => Err((error, false)),
            };
            match got {
                Ok(bytes) if bytes.len() as u64 == range.end - range.start => return Ok(bytes),
                Ok(bytes) if tried == TRIES => return Err(self.cut_short(&range, bytes.len())),
                Err((error, broke_off)) if tried == TRIES || !broke_off => {
                    return Err(self.store.failed("read", &self.url(), &error));
                }
                _ => tokio::time::sleep(Duration::from_millis(100 << tried)).await,
            }
        }
        Err(Error::Interrupted)
    }

    /// True if both were found as the same version.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let version = |object: &Self| (object.meta.e_tag.clone(), object.meta.last_modified, object.meta.size);
        version(self) == version(other)
    }

    /// True if an answer is from another object than the one that was found.
    fn is_other(&self, answer: &ObjectMeta, is_whole: bool) -> bool {
        match &answer.e_tag {
            Some(now) => version(self.e_tag.get_or_init(|| now.clone())) != version(now),
            // The size of a whole answer is that of its body, which may have been cut short. Answers tell the time to
            // the second.
            None => {
                let is_later = answer.last_modified.timestamp() != self.meta.last_modified.timestamp();
                is_later || !is_whole && answer.size != self.meta.size
            }
        }
    }

    /// The error that it is not the object that was found any more.
    pub(super) fn changed(&self) -> Error {
        Error::Io { action: "read", path: self.url().into(), source: io::Error::other(CHANGED) }
    }

    fn cut_short(&self, range: &Range<u64>, got: usize) -> Error {
        let reason = format!("the store gave {got} bytes instead of bytes {} to {}", range.start, range.end);
        Error::Io {
            action: "read",
            path: self.url().into(),
            source: io::Error::new(io::ErrorKind::UnexpectedEof, reason),
        }
    }

    /// A range of its bytes, at once.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(crate) fn read_range(&self, range: Range<u64>, progress: &Progress) -> Result<Bytes> {
        super::block_on(progress, self.get(range))
    }
}

/// An ETag without its quotes, which Azure's listings leave out.
fn version(e_tag: &str) -> &str {
    e_tag.trim_start_matches("W/").trim_matches('"')
}

/// An ETag as `If-Match` wants it. A weak one would never match.
fn condition(e_tag: &str) -> Option<String> {
    (!e_tag.starts_with("W/")).then(|| format!("\"{}\"", version(e_tag)))
}

/// A span's bytes, in order.
pub(crate) struct RangeReader {
    fetching: Fetching,
    progress: Progress,
    rest: Bytes,
    /// The part of the budget of the block being read.
    budget: Option<OwnedSemaphorePermit>,
    at: u64,
    end: u64,
}

impl RangeReader {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// What the store failed with, or [`Error::Interrupted`].
    pub(crate) fn next_block(&mut self) -> Result<Option<Bytes>> {
        if self.at == self.end {
            return Ok(None);
        }
        self.budget = None;
        let fetching = &mut self.fetching;
        if fetching.blocks.is_empty() {
            fetching.is_awaited.notify_one();
        }
        let progress = &self.progress;
        let block = super::block_on(progress, async { Ok(fetching.blocks.recv().await) })?;
        let Block { bytes, budget } = block.ok_or(Error::Interrupted)??;
        self.at += bytes.len() as u64;
        self.budget = budget;
        Ok(Some(bytes))
    }
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.next_block().map_err(io::Error::other)?.unwrap_or_default();
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_tags_are_the_same_with_and_without_quotes_and_weak_ones_are_no_condition() {
        for e_tag in ["\"0x8D\"", "0x8D", "W/\"0x8D\""] {
            assert_eq!(version(e_tag), "0x8D");
        }
        assert_eq!(condition("0x8D").as_deref(), Some("\"0x8D\""));
        assert_eq!(condition("\"0x8D\"").as_deref(), Some("\"0x8D\""));
        assert_eq!(condition("W/\"0x8D\""), None);
    }
}
