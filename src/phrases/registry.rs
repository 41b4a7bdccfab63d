//! Models in memory that expressions name by a number.

use std::sync::Arc;

use super::corpus::Detectors;
use crate::registry::{Lost, Registry};

static REGISTRY: Registry<Detectors> = Registry::new();

/// A model's number, and that of this process. Whoever keeps the model keeps the number alive; nobody else does for longer
/// than a minute after its last use, except for the one used last.
pub(crate) fn register(detectors: &Arc<Detectors>) -> (u64, u64) {
    REGISTRY.register(detectors)
}

/// The model of a number.
///
/// # Errors
/// Why there is none, and what to do.
pub(crate) fn registered(id: u64, process: u64) -> Result<Arc<Detectors>, &'static str> {
    REGISTRY.find(id, process).map_err(|lost| match lost {
        Lost::OfAnotherProcess => {
            "this plan finds phrases with a model in the memory of another process; save it to a file, \
             phrases.save(path), and give the expression the path"
        }
        Lost::Gone => {
            "the model that this plan finds phrases with is gone, or has changed since; keep it, or save it and give the \
             expression the path"
        }
    })
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
        REGISTRY.release();
        assert!(registered(id, process).is_ok());
        drop(owned);
        assert!(registered(id, process).err().unwrap().contains("is gone"));
    }
}
