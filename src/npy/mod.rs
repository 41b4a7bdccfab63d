//! NumPy's `.npy` without holding a whole array: rows that are streamed into a file, and read again in blocks.
//!
//! ```
//! use polargram::npy::{Blocks, Writer};
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("v.npy");
//! let mut writer = Writer::create(&path, "<f4", &[None, Some(2)])?;
//! for row in [[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]] {
//!     writer.append(&row.map(f32::to_le_bytes).concat())?;
//! }
//! writer.close()?;
//!
//! let blocks = Blocks::open(&path, 2)?;
//! assert_eq!(blocks.array().header().shape, [3, 2]);
//! assert_eq!(blocks.map(|block| block.unwrap().len() / 8).collect::<Vec<_>>(), [2, 1]);
//! # Ok::<(), polargram::Error>(())
//! ```

mod array;
mod blocks;
mod header;
mod objects;
mod raw;
mod writer;

pub use array::ArrayFile;
pub(crate) use array::{check_length, read_header};
pub use blocks::Blocks;
pub use header::Header;
pub(crate) use header::{HeaderError, MAGIC};
pub use objects::{Object, Objects};
pub use raw::from_raw;
pub use writer::Writer;
