//! Named arrays and values, together in a directory or in one zip file.
//!
//! A directory has `bundle.json`, which holds the names and the small values, and a `.npy` file for each array. The zip
//! file has the same files; NumPy opens it as an `.npz`. Arrays that are not compressed can be mapped, also within a zip.
//!
//! ```
//! use polargram::bundle::{Array, Bundle, Content, Item, Value, save};
//! use polargram::{Location, Progress};
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("b");
//! let values = [1.0f32, 2.0].map(f32::to_le_bytes).concat();
//! let array = Array { descr: "<f4".into(), is_fortran: false, shape: vec![2], values: &values };
//! let items = [("v".to_owned(), Item::Array(array)), ("n".to_owned(), Item::Value(Value::Int(20)))];
//! save(&Location::from(&path), &items, &Progress::default())?;
//!
//! let bundle = Bundle::open(&Location::from(&path), &["n".to_owned()], &Progress::default())?;
//! let [(_, Content::Array(v))] = &bundle.entries[..] else { panic!() };
//! assert_eq!(v.read()?, values);
//! # Ok::<(), polargram::Error>(())
//! ```

mod archive;
mod manifest;
mod open;
mod save;
mod value;

pub(crate) use manifest::{Content as Named, FILE, Manifest};
pub use open::{Bundle, Content, StoredArray};
pub use save::{Array, Item, save};
pub use value::Value;
#[cfg(test)]
mod tests;
