//! Parquet's footers and page headers, looked through before they are decoded.
//!
//! Both are written in Thrift's compact protocol. parquet-rs takes a list's length by its word and skips what it does not
//! know; the elements of a list of booleans take no bytes, so that a footer of 40 bytes could keep a core busy for a
//! minute and a page header of ten for hours. And it follows a schema as deep as it goes, down to the end of the stack.

mod footer;
mod pages;
mod thrift;

pub(crate) use footer::{TAIL, parse_footer, read_footer};
pub(crate) use pages::CheckedPages;
