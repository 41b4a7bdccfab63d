//! The rows of the binary format.

use memchr::memchr;

use super::header::Header;

/// The rows after a header: the bytes of each word and of its vector. They end before a row that is not whole.
pub(super) struct BinaryRows<'b> {
    rest: &'b [u8],
    row_bytes: usize,
}

impl<'b> BinaryRows<'b> {
    pub(super) fn new(header: &Header<'b>) -> Self {
        Self { rest: header.rows, row_bytes: header.vector_size.saturating_mul(size_of::<f32>()) }
    }

    /// The bytes that no row was made of.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.rest
    }
}

impl<'b> Iterator for BinaryRows<'b> {
    type Item = (&'b [u8], &'b [u8]);

    /// A word is all bytes up to a space, except for the line break that some writers put after a vector.
    fn next(&mut self) -> Option<Self::Item> {
        let breaks = self.rest.iter().take_while(|&&byte| byte == b'\n').count();
        let start = &self.rest[breaks..];
        let space = memchr(b' ', start)?;
        let (row, rest) = start[space + 1..].split_at_checked(self.row_bytes)?;
        self.rest = rest;
        Some((&start[..space], row))
    }
}
