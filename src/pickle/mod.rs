//! Python's pickles, protocols 0 to 5, read without running anything.
//!
//! A pickle is a program for a small machine. [`read`] runs the opcodes that build values, and writes down calls instead
//! of making them: a [`Node::Object`] is the name of a class or function, its arguments, and what would have been set on
//! it. Who reads the values decides which names it knows. All values lie in one [`Pickle`] and refer to each other by
//! [`Id`], so that shared values stay shared, a cycle is only a number, and memory grows with the bytes read. Strings
//! and bytes are borrowed from the file.
//!
//! [`Array`] makes NumPy's arrays of them.

mod array;
mod error;
mod machine;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use array::{Array, Data, ItemType};
pub(crate) use error::{PickleError, Result};
pub(crate) use value::{Id, Node, Pickle};

/// Reads the pickle that `bytes` start with.
///
/// # Errors
/// If it is damaged, or has an opcode that needs something outside the file.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle<'_>> {
    machine::Machine::new(bytes).run()
}
