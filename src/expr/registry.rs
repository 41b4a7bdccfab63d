//! Vectors in memory that expressions name by a number.

use std::path::PathBuf;
use std::sync::Arc;

use crate::registry::{Lost, Registry};
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

static REGISTRY: Registry<dyn Source> = Registry::new();

/// Names vectors for the expressions of this process. Their owner keeps them; nobody else does for longer than a minute
/// after their last use, except for those used last.
pub fn register(source: &Arc<dyn Source>) -> Registered {
    let (id, process) = REGISTRY.register(source);
    Registered { id, process, path: None }
}

/// The vectors of this name.
///
/// # Errors
/// Why there are none, and what to do.
pub(super) fn find(name: &Registered) -> Result<Arc<KeyedVectors>, &'static str> {
    REGISTRY.find(name.id, name.process).map(|source| source.vectors()).map_err(|lost| match lost {
        Lost::OfAnotherProcess => {
            "this plan looks words up in vectors in the memory of another process; save them to a file, wv.save(path), and \
             give the expression the path"
        }
        Lost::Gone => {
            "the vectors that this plan looks words up in are gone; keep a reference to them, or save them and give the \
             expression the path"
        }
    })
}

/// The vectors that are registered, with their numbers.
pub fn registered() -> Vec<(u64, Arc<KeyedVectors>)> {
    REGISTRY.all().into_iter().map(|(id, source)| (id, source.vectors())).collect()
}

/// Keeps no vectors but those whose owner does, and says how many are gone by that.
pub fn release() -> usize {
    REGISTRY.release()
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

    #[test]
    fn vectors_are_found_while_they_have_an_owner_and_by_their_process_alone() {
        let vectors = KeyedVectors::from_rows(["a"], 1, &[1.0]).unwrap();
        let owned: Arc<dyn Source> = Arc::new(Owner(Arc::new(vectors)));
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
}
