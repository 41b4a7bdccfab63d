//! Vectors in memory that expressions name by a number, because a plan holds bytes and no objects.

use std::path::PathBuf;
use std::process;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use crate::vectors::KeyedVectors;

/// An owner of vectors, who may change them.
pub trait Source: Send + Sync {
    /// The vectors as they are now.
    fn vectors(&self) -> Arc<KeyedVectors>;
}

/// Names vectors that were registered in a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Their number, which is never given again.
    pub id: u64,
    /// The process that has them.
    pub process: u64,
    /// The file that they are mapped from, for other processes.
    pub path: Option<PathBuf>,
}

/// Vectors used within this time stay although their owner is gone, so that a query may be written with vectors that have
/// no name. Those registered last stay too.
const IN_USE: Duration = Duration::from_secs(60);

struct Entry {
    id: u64,
    source: Weak<dyn Source>,
    kept: Option<Arc<dyn Source>>,
    used: Instant,
}

#[derive(Default)]
struct Registry {
    entries: Vec<Entry>,
    next: u64,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { entries: Vec::new(), next: 0 });

/// A number that another process does not have. Forked processes keep it: they have the same vectors.
static PROCESS: LazyLock<u64> = LazyLock::new(|| {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // It travels as a number with a sign.
    ((since.as_nanos() as u64) ^ (u64::from(process::id()) << 40)) >> 1
});

impl Registry {
    /// Forgets what is gone, and does not keep what has not been used for long; the one used last stays.
    fn let_go(&mut self, now: Instant) {
        let last = self.entries.iter().max_by_key(|entry| entry.used).map(|entry| entry.id);
        for entry in &mut self.entries {
            if Some(entry.id) != last && now.saturating_duration_since(entry.used) >= IN_USE {
                entry.kept = None;
            }
        }
        self.entries.retain(|entry| entry.kept.is_some() || entry.source.strong_count() > 0);
    }
}

fn registry() -> std::sync::MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names vectors for the expressions of this process. Their owner keeps them; nobody else does for longer than a minute
/// after their last use, except for those used last.
pub fn register(source: &Arc<dyn Source>) -> Registered {
    let now = Instant::now();
    let mut registry = registry();
    let is_same = |entry: &&mut Entry| std::ptr::addr_eq(entry.source.as_ptr(), Arc::as_ptr(source));
    let found = registry.entries.iter_mut().find(is_same);
    let id = match found {
        Some(entry) => {
            (entry.used, entry.kept) = (now, Some(source.clone()));
            entry.id
        }
        None => {
            registry.next += 1;
            let (id, kept) = (registry.next, Some(source.clone()));
            registry.entries.push(Entry { id, source: Arc::downgrade(source), kept, used: now });
            id
        }
    };
    registry.let_go(now);
    Registered { id, process: *PROCESS, path: None }
}

/// The vectors of this name.
///
/// # Errors
/// Why there are none, and what to do.
pub(super) fn find(name: &Registered) -> Result<Arc<KeyedVectors>, &'static str> {
    if name.process != *PROCESS {
        return Err(
            "this plan looks words up in vectors in the memory of another process; save them to a file, wv.save(path), and \
             give the expression the path",
        );
    }
    let now = Instant::now();
    let mut registry = registry();
    let entry = registry.entries.iter_mut().find(|entry| entry.id == name.id);
    let source = entry.and_then(|entry| {
        entry.used = now;
        entry.kept.clone().or_else(|| entry.source.upgrade())
    });
    registry.let_go(now);
    drop(registry);
    let gone = "the vectors that this plan looks words up in are gone; keep a reference to them, or save them and give the \
                expression the path";
    source.map(|source| source.vectors()).ok_or(gone)
}

/// The vectors that are registered, with their numbers.
pub fn registered() -> Vec<(u64, Arc<KeyedVectors>)> {
    let sources: Vec<_> = registry().entries.iter().map(|entry| (entry.id, entry.source.clone())).collect();
    sources.into_iter().filter_map(|(id, source)| Some((id, source.upgrade()?.vectors()))).collect()
}

/// Keeps no vectors but those whose owner does, and says how many are gone by that.
pub fn release() -> usize {
    let mut registry = registry();
    let before = registry.entries.len();
    // Dropped when the lock is free: an owner may do more than free memory.
    let kept: Vec<_> = registry.entries.iter_mut().filter_map(|entry| entry.kept.take()).collect();
    drop(registry);
    drop(kept);
    let mut registry = self::registry();
    registry.entries.retain(|entry| entry.source.strong_count() > 0);
    before.saturating_sub(registry.entries.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Owner(Arc<KeyedVectors>);

    impl Source for Owner {
        fn vectors(&self) -> Arc<KeyedVectors> {
            self.0.clone()
        }
    }

    fn owner(value: f32) -> Arc<dyn Source> {
        Arc::new(Owner(Arc::new(KeyedVectors::from_rows(["a"], 1, &[value]).unwrap())))
    }

    #[test]
    fn vectors_are_found_while_they_have_an_owner_and_by_their_process_alone() {
        let owned = owner(1.0);
        let name = register(&owned);
        assert_eq!(register(&owned), name);
        release();
        assert_eq!(find(&name).unwrap().vector("a").unwrap(), [1.0]);
        assert!(registered().iter().any(|(id, _)| *id == name.id));
        let elsewhere = Registered { process: name.process ^ 1, ..name.clone() };
        assert!(find(&elsewhere).unwrap_err().contains("another process"));
        drop(owned);
        release();
        assert!(find(&name).unwrap_err().contains("are gone"));
    }

    #[test]
    fn unused_vectors_without_an_owner_are_let_go_after_a_minute() {
        let now = Instant::now();
        let entry = |id, source: &Arc<dyn Source>, used| Entry {
            id,
            source: Arc::downgrade(source),
            kept: Some(source.clone()),
            used,
        };
        let entries = vec![entry(1, &owner(1.0), now), entry(2, &owner(2.0), now + IN_USE)];
        let mut registry = Registry { entries, next: 2 };
        registry.let_go(now + IN_USE / 2);
        assert_eq!(registry.entries.len(), 2);
        registry.let_go(now + IN_USE);
        assert_eq!(registry.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [2]);
        registry.let_go(now + 10 * IN_USE);
        assert_eq!(registry.entries.len(), 1);
    }
}
