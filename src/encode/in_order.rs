//! Parts that are worked on in parallel and taken in order.

use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::sentences::EncodedSentences;
use crate::error::{Error, Result};

/// Makes sentences of one part and passes them on.
type EncodePart<'a> = dyn Fn(usize, &mut dyn FnMut(EncodedSentences) -> Result<()>) -> Result<()> + Sync + 'a;

/// Runs `encode_part` for as many parts at once as there are cores, and `take` for what they pass on, part after part.
/// What waits for its turn takes at most about `budget` bytes.
///
/// # Errors
/// What either fails with; the first in the order of the parts.
pub(super) fn in_order(
    parts: usize,
    budget: u64,
    encode_part: &EncodePart<'_>,
    take: &mut dyn FnMut(EncodedSentences) -> Result<()>,
) -> Result<()> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(parts);
    let queue = Queue { budget, waiting: Mutex::default(), changed: Condvar::new() };
    // Parts begun, in order; a thread holds the lock from taking a part's number until its place in the order is taken.
    let (begun, order) = sync_channel::<Receiver<Result<EncodedSentences>>>(threads);
    let next = Arc::new(Mutex::new((0, begun)));
    thread::scope(|scope| {
        // Whatever happens, threads that wait for room are let go before the scope waits for them.
        let _stop = Stop(&queue);
        for _ in 0..threads {
            let (next, queue) = (next.clone(), &queue);
            scope.spawn(move || {
                while let Some((part, send)) = begin(&next, parts) {
                    let done = encode_part(part, &mut |sentences| queue.pass_on(part, sentences, &send));
                    // The receiver may have stopped.
                    let is_stopped = done.is_err_and(|error| send.send(Err(error)).is_err());
                    if is_stopped || queue.waiting().is_stopped {
                        break;
                    }
                }
            });
        }
        // From here on the order ends when the last thread that begins parts ends, also if all of them panic.
        drop(next);
        let taken = take_in_order(&order, &queue, parts, take);
        drop(order);
        taken
    })
}

/// What a thread that encodes shares: the number of the next part, and where to say that it was begun.
type Next = Mutex<(usize, std::sync::mpsc::SyncSender<Receiver<Result<EncodedSentences>>>)>;

fn begin(next: &Next, parts: usize) -> Option<(usize, Sender<Result<EncodedSentences>>)> {
    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
    let part = next.0;
    if part == parts {
        return None;
    }
    let (send, receive) = channel();
    next.1.send(receive).ok()?;
    next.0 += 1;
    Some((part, send))
}

fn take_in_order(
    order: &Receiver<Receiver<Result<EncodedSentences>>>,
    queue: &Queue,
    parts: usize,
    take: &mut dyn FnMut(EncodedSentences) -> Result<()>,
) -> Result<()> {
    for part in 0..parts {
        queue.turn_to(part);
        // The scope passes on the panic of a thread.
        let receive = order.recv().map_err(|_| Error::Interrupted)?;
        for sentences in receive {
            let sentences = sentences?;
            queue.taken(&sentences);
            take(sentences)?;
        }
    }
    Ok(())
}

/// Stops the queue when it is dropped.
struct Stop<'a>(&'a Queue);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// How much waits.
struct Queue {
    budget: u64,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: u64,
    /// The part whose turn it is, and how many of its pieces wait.
    turn: usize,
    of_turn: usize,
    is_stopped: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room, which the part whose turn it is always has for one piece.
    fn pass_on(&self, part: usize, sentences: EncodedSentences, send: &Sender<Result<EncodedSentences>>) -> Result<()> {
        let has_room = |w: &mut Waiting| w.is_stopped || w.bytes < self.budget || (w.turn == part && w.of_turn == 0);
        let waiting = self.changed.wait_while(self.waiting(), |waiting| !has_room(waiting));
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        if waiting.is_stopped {
            return Err(Error::Interrupted);
        }
        waiting.bytes += sentences.bytes();
        waiting.of_turn += usize::from(waiting.turn == part);
        send.send(Ok(sentences)).map_err(|_| Error::Interrupted)
    }

    fn taken(&self, sentences: &EncodedSentences) {
        let mut waiting = self.waiting();
        waiting.bytes -= sentences.bytes();
        // Pieces from before its turn were not counted.
        waiting.of_turn = waiting.of_turn.saturating_sub(1);
        self.changed.notify_all();
    }

    fn turn_to(&self, part: usize) {
        let mut waiting = self.waiting();
        (waiting.turn, waiting.of_turn) = (part, 0);
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.waiting().is_stopped = true;
        self.changed.notify_all();
    }
}
