//! Pictures of vectors and of trainings, as SVG and as pages that need nothing else: no library, no font, no network.
//!
//! A [`WordMap`] shows words in a plane. [`Chart`]s show numbers over time or rank. A [`Report`] is a page about a training.
//! All follow the reader's choice of light or dark, and fit a phone.
//!
//! ```
//! use polargram::plot::WordMap;
//! use polargram::{KeyedVectors, Progress};
//!
//! let wv = KeyedVectors::from_rows(["king", "queen", "car"], 2, &[1.0, 0.9, 0.9, 1.0, -1.0, 0.2])?;
//! let map = WordMap::of(&wv, &[0, 1, 2], "Three words", &Progress::default())?;
//! assert!(map.svg().starts_with("<svg") && map.svg().contains(">queen</text>"));
//! assert!(map.page().starts_with("<!doctype html>"));
//! # Ok::<(), polargram::Error>(())
//! ```

mod chart;
mod labels;
mod map;
mod markup;
mod numbers;
mod page;
mod report;

pub use chart::{Chart, Series, training_charts, training_page, training_picture};
pub use map::{MapPoint, WordMap};
pub use report::{Evaluation, Neighbourhood, Report};
