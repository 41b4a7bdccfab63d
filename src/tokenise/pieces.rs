//! The ids of what stands between spaces, kept: words repeat, and a tokenizer is slow.

use hashbrown::HashMap;

/// Longer pieces hardly repeat.
const LONGEST_PIECE: usize = 64;
/// Pieces that are kept: with their ids about 10 MB.
const KEPT_PIECES: usize = 100_000;

/// Remembers the token ids of pieces of text. One thread uses it at a time.
#[derive(Default)]
pub struct PieceCache {
    places: HashMap<Box<str>, (u32, u32), foldhash::fast::RandomState>,
    ids: Vec<u32>,
}

impl PieceCache {
    /// Appends the ids of a piece, which `tokenise` finds the first time.
    pub(super) fn ids(&mut self, piece: &str, to: &mut Vec<u32>, tokenise: impl FnOnce(&str, &mut Vec<u32>)) {
        if let Some(&(start, end)) = self.places.get(piece) {
            to.extend_from_slice(&self.ids[start as usize..end as usize]);
            return;
        }
        let before = to.len();
        tokenise(piece, to);
        if piece.len() <= LONGEST_PIECE && self.places.len() < KEPT_PIECES {
            // A piece has few ids, so all of them fit into 32 bits.
            let start = self.ids.len() as u32;
            self.ids.extend_from_slice(&to[before..]);
            self.places.insert(piece.into(), (start, self.ids.len() as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_tokenised_once() {
        let (mut cache, mut ids, mut calls) = (PieceCache::default(), vec![9], 0);
        for piece in ["ab", "c", "ab", "ab"] {
            cache.ids(piece, &mut ids, |piece, to| {
                calls += 1;
                to.extend(piece.bytes().map(u32::from));
            });
        }
        assert_eq!(ids, [9, 97, 98, 99, 97, 98, 97, 98]);
        assert_eq!(calls, 2);
    }

    #[test]
    fn no_more_pieces_are_kept_than_fit() {
        let (mut cache, mut ids) = (PieceCache::default(), Vec::new());
        for piece in 0..KEPT_PIECES + 10 {
            ids.clear();
            cache.ids(&piece.to_string(), &mut ids, |_, to| to.push(1));
        }
        cache.ids(&"x".repeat(LONGEST_PIECE + 1), &mut ids, |_, to| to.push(1));
        assert_eq!(cache.places.len(), KEPT_PIECES);
    }
}
