//! Objects in memory that plans of expressions name by a number, because a plan holds bytes and no objects.

use std::process;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

/// Objects used within this time stay although their owner is gone, so that a query may be written with one that has no
/// name. The one used last stays too.
const IN_USE: Duration = Duration::from_secs(60);

/// A number that another process does not have. Forked processes keep it: they have the same objects.
static PROCESS: LazyLock<u64> = LazyLock::new(|| {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // It travels as a number with a sign.
    ((since.as_nanos() as u64) ^ (u64::from(process::id()) << 40)) >> 1
});

/// Objects of a kind by their numbers. Their owners keep them; the registry does not for longer than a minute after their
/// last use, except for the one used last.
pub(crate) struct Registry<T: ?Sized>(Mutex<State<T>>);

struct State<T: ?Sized> {
    entries: Vec<Entry<T>>,
    next: u64,
}

struct Entry<T: ?Sized> {
    id: u64,
    object: Weak<T>,
    kept: Option<Arc<T>>,
    used: Instant,
}

/// Why there is no object of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It was named in another process.
    OfAnotherProcess,
    /// Nobody keeps it any more.
    Gone,
}

impl<T: ?Sized> State<T> {
    /// Forgets what is gone, and does not keep what has not been used for long. What is not kept any more is returned, to be
    /// dropped when the lock is free: an owner may do more than free memory.
    #[must_use]
    fn let_go(&mut self, now: Instant) -> Vec<Arc<T>> {
        let last = self.entries.iter().max_by_key(|entry| entry.used).map(|entry| entry.id);
        let is_old = |entry: &Entry<T>| now.saturating_duration_since(entry.used) >= IN_USE;
        let old = self.entries.iter_mut().filter(|entry| Some(entry.id) != last && is_old(entry));
        let old = old.filter_map(|entry| entry.kept.take()).collect();
        self.entries.retain(|entry| entry.object.strong_count() > 0);
        old
    }
}

impl<T: ?Sized> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State { entries: Vec::new(), next: 0 }))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of an object, which is never given again, and that of this process.
    pub(crate) fn register(&self, object: &Arc<T>) -> (u64, u64) {
        let now = Instant::now();
        let mut state = self.state();
        let is_it = |entry: &&mut Entry<T>| std::ptr::addr_eq(entry.object.as_ptr(), Arc::as_ptr(object));
        let id = match state.entries.iter_mut().find(is_it) {
            Some(entry) => {
                (entry.used, entry.kept) = (now, Some(object.clone()));
                entry.id
            }
            None => {
                state.next += 1;
                let (id, kept) = (state.next, Some(object.clone()));
                state.entries.push(Entry { id, object: Arc::downgrade(object), kept, used: now });
                id
            }
        };
        let old = state.let_go(now);
        drop(state);
        drop(old);
        (id, *PROCESS)
    }

    /// The object of a number that was given in a process.
    pub(crate) fn find(&self, id: u64, process: u64) -> Result<Arc<T>, Lost> {
        if process != *PROCESS {
            return Err(Lost::OfAnotherProcess);
        }
        let now = Instant::now();
        let mut state = self.state();
        let entry = state.entries.iter_mut().find(|entry| entry.id == id);
        let found = entry.and_then(|entry| {
            entry.used = now;
            entry.object.upgrade()
        });
        let old = state.let_go(now);
        drop(state);
        drop(old);
        found.ok_or(Lost::Gone)
    }

    /// All that are there, with their numbers.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<T>)> {
        self.state().entries.iter().filter_map(|entry| Some((entry.id, entry.object.upgrade()?))).collect()
    }

    /// Keeps none but those whose owner does, and says how many are gone by that.
    pub(crate) fn release(&self) -> usize {
        let mut state = self.state();
        let before = state.entries.len();
        // Dropped when the lock is free.
        let kept: Vec<_> = state.entries.iter_mut().filter_map(|entry| entry.kept.take()).collect();
        drop(state);
        drop(kept);
        let mut state = self.state();
        state.entries.retain(|entry| entry.object.strong_count() > 0);
        before.saturating_sub(state.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_while_they_have_an_owner_and_by_their_process_alone() {
        let registry = Registry::new();
        let owned = Arc::new(7);
        let (id, process) = registry.register(&owned);
        assert_eq!(registry.register(&owned), (id, process));
        registry.release();
        assert_eq!(registry.find(id, process), Ok(owned.clone()));
        assert_eq!(registry.all(), [(id, owned.clone())]);
        assert_eq!(registry.find(id, process ^ 1), Err(Lost::OfAnotherProcess));
        drop(owned);
        registry.release();
        assert_eq!(registry.find(id, process), Err(Lost::Gone));
        assert_ne!(registry.register(&Arc::new(7)).0, id);
    }

    #[test]
    fn unused_objects_without_an_owner_are_let_go_after_a_minute() {
        let now = Instant::now();
        let entry = |id, used| {
            let object = Arc::new(id);
            Entry { id, object: Arc::downgrade(&object), kept: Some(object), used }
        };
        let mut state = State { entries: vec![entry(1, now), entry(2, now + IN_USE)], next: 2 };
        let ids = |state: &State<u64>| state.entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert!(state.let_go(now + IN_USE / 2).is_empty());
        assert_eq!(ids(&state), [1, 2]);
        drop(state.let_go(now + IN_USE));
        assert!(state.let_go(now + IN_USE).is_empty());
        assert_eq!(ids(&state), [2]);
        assert!(state.let_go(now + 10 * IN_USE).is_empty());
        assert_eq!(ids(&state), [2]);
    }
}
