//! The extension module `polargram._polargram`: PyO3 classes, thin over the crate.

mod allocator;
mod bundle;
mod corpus;
mod errors;
mod files;
mod frames;
mod job;
mod keyed_vectors;
mod keys;
mod location;
mod npy;
mod parameters;
mod phrased;
mod phrases;
mod plot;
mod queries;
mod registry;
mod search;
mod sentences;
mod source;
mod table;
mod text;
mod vector_files;
mod views;
mod word2vec;

use pyo3::prelude::*;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator::new();

#[pymodule]
mod _polargram {
    use std::ffi::OsString;

    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_export]
    use super::bundle::{PyOpenBundle, save_bundle};
    #[pymodule_export]
    use super::keyed_vectors::PyVectors;
    #[pymodule_export]
    use super::npy::{PyNpyBlocks, PyNpyObjects, PyNpyWriter, npy_from_raw, npy_has_objects, npy_header};
    #[pymodule_export]
    use super::phrased::PyPhrasedSource;
    #[pymodule_export]
    use super::phrases::{PyPhraseModel, english_connector_words, phrased_sentences};
    #[pymodule_export]
    use super::plot::{PyWordMap, training_charts, write_file};
    #[pymodule_export]
    use super::queries::{
        centralities, closer_than, cosines_with, euclidean_distances, evaluate_analogies, file_bytes, mean_similarity,
        most_similar, most_similar_cosmul, query_direction, rank, similarities_of_words, similarity,
    };
    #[pymodule_export]
    use super::registry::{register, registry_clear, registry_list};
    #[pymodule_export]
    use super::search::{cosines_of, fingerprint, nearest_rows, query_matrix, search, search_arrays};
    #[pymodule_export]
    use super::source::PyCorpusSource;
    #[pymodule_export]
    use super::table::PyTable;
    #[pymodule_export]
    use super::text::PyTextSource;
    #[pymodule_export]
    use super::vector_files::{
        check_tokenizer, load_vectors, load_word2vec_format, save_static_model, save_vectors, save_word2vec_format,
        vectors_frame, with_words,
    };
    #[pymodule_export]
    use super::word2vec::PyModel;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// The names of the hyperparameters and their defaults.
    #[pyfunction]
    fn parameters(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        super::parameters::defaults(py)
    }

    /// The value of a hyperparameter as a model holds it, in Python's own types. Raises ValueError if it cannot be one.
    #[pyfunction]
    fn checked_parameter<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        super::parameters::checked(name, value)
    }

    /// Runs the command with `sys.argv` and returns its exit code.
    #[pyfunction]
    fn main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
        py.detach(|| crate::cli::run_to_code(argv))
    }
}
