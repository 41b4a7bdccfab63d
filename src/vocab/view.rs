//! Short words as numbers.

/// Laid out as an Arrow string view: the lowest four bytes hold the length. A text of at most twelve bytes follows; of a
/// longer text its first four bytes follow, and the highest eight hold its position in a buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View(pub(crate) u128);

/// The most bytes of text that a view holds.
const VIEW_BYTES: usize = 12;

impl View {
    /// True if a view has room for the word.
    pub(crate) fn holds(word: &str) -> bool {
        word.len() <= VIEW_BYTES
    }

    /// The view of a word that it does not hold, without a position.
    pub(crate) fn of(word: &str) -> Self {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&(word.len() as u32).to_le_bytes());
        let held = if Self::holds(word) { word.len() } else { 4 };
        bytes[4..4 + held].copy_from_slice(&word.as_bytes()[..held]);
        Self(u128::from_le_bytes(bytes))
    }

    /// The bytes of the word.
    pub(crate) fn len(self) -> usize {
        self.0 as u32 as usize
    }

    /// True if it holds its word.
    pub(crate) fn is_whole(self) -> bool {
        self.len() <= VIEW_BYTES
    }

    /// The same view with zeros after a text that it holds: a writer may have left something there.
    pub(crate) fn padded(self) -> Self {
        let bits = 32 + 8 * self.len();
        Self(if bits < 128 { self.0 & ((1 << bits) - 1) } else { self.0 })
    }

    /// The part before the position of a text.
    pub(crate) fn prefix(self) -> u64 {
        self.0 as u64
    }

    /// The view with the position of its word in a text.
    pub(crate) fn at(self, start: usize) -> Self {
        Self(u128::from(self.prefix()) | (start as u128) << 64)
    }

    /// The view as Arrow has it, of a word at its position in the buffer of this number. Positions are below 4 GiB.
    pub(crate) fn in_buffer(self, buffer: u32) -> Self {
        Self(u128::from(self.prefix()) | u128::from(buffer) << 64 | (self.0 >> 64) << 96)
    }

    /// The text of a word that the view does not hold.
    pub(crate) fn in_text(self, text: &str) -> &str {
        let start = (self.0 >> 64) as usize;
        &text[start..start + self.len()]
    }
}
