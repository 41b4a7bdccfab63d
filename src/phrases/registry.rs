//! Models in memory that expressions name by a number, because a plan holds bytes and no objects.

use std::process;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use super::corpus::Detectors;

/// Models that stay although their owner is gone, so that a query may be written with a model that has no name.
const KEPT: usize = 4;

#[derive(Default)]
struct Registry {
    known: Vec<(u64, Weak<Detectors>)>,
    kept: Vec<Arc<Detectors>>,
    next: u64,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { known: Vec::new(), kept: Vec::new(), next: 0 });

/// A number that another process does not have. Forked processes keep it: they have the same models.
static PROCESS: LazyLock<u64> = LazyLock::new(|| {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // It travels as a number with a sign.
    ((since.as_nanos() as u64) ^ (u64::from(process::id()) << 40)) >> 1
});

/// A model's number, and that of this process. Whoever keeps the model keeps the number alive; the four models named last
/// are kept here.
pub(crate) fn register(detectors: &Arc<Detectors>) -> (u64, u64) {
    let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    registry.known.retain(|(_, known)| known.strong_count() > 0);
    registry.kept.retain(|kept| !Arc::ptr_eq(kept, detectors));
    registry.kept.push(detectors.clone());
    let surplus = registry.kept.len().saturating_sub(KEPT);
    // Dropped when the lock is free: it may be large.
    let dropped: Vec<_> = registry.kept.drain(..surplus).collect();
    let found = registry.known.iter().find(|(_, known)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(detectors)));
    let id = found.map(|(id, _)| *id).unwrap_or_else(|| {
        registry.next += 1;
        let id = registry.next;
        registry.known.push((id, Arc::downgrade(detectors)));
        id
    });
    drop(registry);
    drop(dropped);
    (id, *PROCESS)
}

/// The model of a number.
///
/// # Errors
/// Why there is none, and what to do.
pub(crate) fn registered(id: u64, process: u64) -> Result<Arc<Detectors>, &'static str> {
    if process != *PROCESS {
        return Err("this plan finds phrases with a model in the memory of another process; save it to a file, \
                    phrases.save(path), and give the expression the path");
    }
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let found = registry.known.iter().find(|(known, _)| *known == id).and_then(|(_, known)| known.upgrade());
    found.ok_or(
        "the model that this plan finds phrases with is gone, or has changed since; keep it, or save it and give the \
         expression the path",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_while_they_have_an_owner_and_by_their_process_alone() {
        let owned = Arc::new(Detectors(Vec::new()));
        let (id, process) = register(&owned);
        assert_eq!(register(&owned), (id, process));
        assert!(Arc::ptr_eq(&registered(id, process).unwrap(), &owned));
        assert!(registered(id, process ^ 1).err().unwrap().contains("another process"));
        for _ in 0..KEPT {
            register(&Arc::new(Detectors(Vec::new())));
        }
        assert!(registered(id, process).is_ok());
        drop(owned);
        assert!(registered(id, process).err().unwrap().contains("is gone"));
    }
}
