//! Short words as numbers.

/// As in an Arrow string view: the length in the lowest four bytes, then the text if it is of twelve bytes at most; else
/// its first four bytes, and in the highest eight where it stands in a longer text.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct View(pub(crate) u128);

/// Bytes of text that a view holds.
const VIEW_BYTES: usize = 12;

impl View {
    /// Whether a view has room for the word.
    pub(crate) fn holds(word: &str) -> bool {
        word.len() <= VIEW_BYTES
    }

    /// Of a word that it does not hold without its place.
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

    /// Whether it holds its word.
    pub(crate) fn is_whole(self) -> bool {
        self.len() <= VIEW_BYTES
    }

    /// The same, with zeros after a text that is whole, should its writer have left something there.
    pub(crate) fn padded(self) -> Self {
        let bits = 32 + 8 * self.len();
        Self(if bits < 128 { self.0 & ((1 << bits) - 1) } else { self.0 })
    }

    /// What stands before the place of a text.
    pub(crate) fn prefix(self) -> u64 {
        self.0 as u64
    }

    /// With the place of its word in a text.
    pub(crate) fn at(self, start: usize) -> Self {
        Self(u128::from(self.prefix()) | (start as u128) << 64)
    }

    /// The text of a word that is not whole.
    pub(crate) fn in_text(self, text: &str) -> &str {
        let start = (self.0 >> 64) as usize;
        &text[start..start + self.len()]
    }
}
