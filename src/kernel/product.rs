//! Products of many queries with many rows, of which only those above a limit come out: the filter of batch search.
//!
//! A panel has as many rows as two registers have lanes, transposed: the k-th values of its rows lie side by side. It is
//! multiplied with tiles of queries, whose k-th values lie side by side too. Each tile is summed in registers and compared
//! there, so that the matrix of all products is never in memory.

use super::buffer::AlignedBuffer;
use super::dispatch::dispatched;
use super::isa::Isa;
use super::lanes::Lanes;

/// Registers of rows in a panel.
const ROW_REGISTERS: usize = 2;

/// Queries, tile by tile as [`find_above`] reads them.
pub(crate) struct Queries {
    isa: Isa,
    packed: AlignedBuffer,
    len: usize,
    size: usize,
}

/// Rows side by side, as [`find_above`] reads them.
pub(crate) struct Panel {
    isa: Isa,
    packed: AlignedBuffer,
    len: usize,
    /// Bits of the rows of factor 0.
    unknown: u64,
    size: usize,
}

/// A query that has a product above its limit, and a bit for each such row of the panel.
pub(crate) type Found = (usize, u64);

impl Queries {
    /// `queries` of `size` values each, one after another.
    pub(crate) fn new(queries: &[f32], size: usize) -> Self {
        Self::on(Isa::of_search(), queries, size)
    }

    /// The same for an instruction set, which is available.
    pub(super) fn on(isa: Isa, queries: &[f32], size: usize) -> Self {
        let (tile, len) = (shape(isa).0, queries.len().checked_div(size).unwrap_or(0));
        let mut packed = AlignedBuffer::default();
        let floats = packed.first_mut(len.next_multiple_of(tile) * size);
        for (query, values) in queries.chunks_exact(size.max(1)).enumerate() {
            let start = query / tile * tile * size + query % tile;
            for (k, &value) in values.iter().enumerate() {
                floats[start + k * tile] = value;
            }
        }
        Self { isa, packed, len, size }
    }
}

impl Panel {
    /// An empty panel for these queries.
    pub(crate) fn of(queries: &Queries) -> Self {
        Self { isa: queries.isa, packed: AlignedBuffer::default(), len: 0, unknown: 0, size: queries.size }
    }

    /// The most rows that it holds, at most 64.
    pub(crate) fn room(&self) -> usize {
        shape(self.isa).1
    }

    /// Replaces the rows by others, each with its factor. A row of factor 0 is above every limit.
    ///
    /// # Panics
    /// If there are too many, or one is not as long as the queries.
    pub(crate) fn fill<'r>(&mut self, rows: impl Iterator<Item = (&'r [f32], f32)>) {
        let (room, size) = (self.room(), self.size);
        let floats = self.packed.first_mut(room * size);
        (self.len, self.unknown) = (0, 0);
        for (values, factor) in rows {
            assert!(self.len < room, "more than {room} rows");
            assert_eq!(values.len(), size, "values of a row");
            for (column, &value) in floats.chunks_exact_mut(room).zip(values) {
                column[self.len] = value * factor;
            }
            self.unknown |= u64::from(factor == 0.0) << self.len;
            self.len += 1;
        }
    }
}

/// Adds to `found` each query that has a product with a row of the panel above its limit.
///
/// # Panics
/// If there are fewer limits than queries, or the panel is not one for these queries.
pub(crate) fn find_above(panel: &Panel, queries: &Queries, limits: &[f32], found: &mut Vec<Found>) {
    assert!(limits.len() >= queries.len && panel.isa == queries.isa && panel.size == queries.size);
    if panel.len == 0 {
        return;
    }
    let rows = u64::MAX >> (64 - panel.len);
    // SAFETY: the set is available, as both were packed for it; the panel has room for its rows, and the queries are
    // whole tiles, of `size` values each; each query has a limit.
    unsafe { find_on(queries.isa, panel, queries, limits, rows, found) }
}

/// Queries in a tile, and rows in a panel.
fn shape(isa: Isa) -> (usize, usize) {
    // SAFETY: only constants are read.
    unsafe { shape_on(isa) }
}

dispatched! {
    /// # Safety
    /// `isa` is available.
    fn shape_on() -> (usize, usize) = shape_of
}

#[inline(always)]
unsafe fn shape_of<L: Lanes>() -> (usize, usize) {
    (L::TILE, ROW_REGISTERS * L::WIDTH)
}

dispatched! {
    /// [`find_above`] on an instruction set.
    ///
    /// # Safety
    /// As `find_above` says.
    fn find_on(panel: &Panel, queries: &Queries, limits: &[f32], rows: u64, found: &mut Vec<Found>) = find
}

/// # Safety
/// As for [`find_on`].
#[inline(always)]
unsafe fn find<L: Lanes>(panel: &Panel, queries: &Queries, limits: &[f32], rows: u64, found: &mut Vec<Found>) {
    // SAFETY: passed on to the caller.
    unsafe {
        match L::TILE {
            12 => find_in_tiles::<L, 12>(panel, queries, limits, rows, found),
            6 => find_in_tiles::<L, 6>(panel, queries, limits, rows, found),
            _ => const { assert!(L::TILE == 12 || L::TILE == 6) },
        }
    }
}

/// # Safety
/// As for [`find_on`]; T is the size of a tile.
#[inline(always)]
unsafe fn find_in_tiles<L: Lanes, const T: usize>(
    panel: &Panel,
    queries: &Queries,
    limits: &[f32],
    rows: u64,
    found: &mut Vec<Found>,
) {
    if const { L::TILE != T } {
        return;
    }
    let (size, start, values) = (queries.size, queries.packed.as_ptr(), panel.packed.as_ptr());
    // SAFETY: the panel has `size` times two registers, and each tile `size` times T queries.
    unsafe {
        let mut query = 0;
        while query < queries.len {
            let mut sums = [[L::splat(0.0); ROW_REGISTERS]; T];
            let mut q = start.add(query * size);
            let mut x = values;
            for _ in 0..size {
                let mut register = [L::splat(0.0); ROW_REGISTERS];
                for r in 0..ROW_REGISTERS {
                    register[r] = L::load(x.add(r * L::WIDTH));
                }
                for j in 0..T {
                    let factor = L::splat(*q.add(j));
                    for r in 0..ROW_REGISTERS {
                        sums[j][r] = factor.mul_add(register[r], sums[j][r]);
                    }
                }
                q = q.add(T);
                x = x.add(ROW_REGISTERS * L::WIDTH);
            }
            for j in 0..T {
                if query + j < queries.len {
                    let limit = L::splat(*limits.get_unchecked(query + j));
                    let mut above = panel.unknown;
                    for r in 0..ROW_REGISTERS {
                        above |= u64::from(sums[j][r].above(limit)) << (r * L::WIDTH);
                    }
                    if above & rows != 0 {
                        found.push((query + j, above & rows));
                    }
                }
            }
            query += T;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(count: usize) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1.0f32..1.0, count)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 200 }))]

        #[test]
        fn what_lies_above_the_limit_in_f64_is_found_on_every_path(
            (size, queries, rows) in (1usize..50, 1usize..40, 1usize..17).prop_flat_map(|(size, queries, rows)| {
                (Just(size), values(size * queries), values(size * rows))
            }),
            limit in -2.0f32..2.0,
            factor in 0.5f32..2.0,
        ) {
            let of_f64 = |q: &[f32], row: &[f32]| -> f64 {
                q.iter().zip(row).map(|(&q, &x)| f64::from(q) * f64::from(x) * f64::from(factor)).sum()
            };
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
                let packed = Queries::on(isa, &queries, size);
                let mut panel = Panel::of(&packed);
                for (batch, rows) in rows.chunks(panel.room() * size).enumerate() {
                    panel.fill(rows.chunks(size).map(|row| (row, factor)));
                    let mut found = Vec::new();
                    find_above(&panel, &packed, &vec![limit; packed.len], &mut found);
                    for (i, query) in queries.chunks(size).enumerate() {
                        let bits = found.iter().find(|(query, _)| *query == i).map_or(0, |(_, bits)| *bits);
                        prop_assert!(bits >> (rows.len() / size) == 0, "{isa}: only rows that there are");
                        for (j, row) in rows.chunks(size).enumerate() {
                            let (want, is_found) = (of_f64(query, row), bits >> j & 1 == 1);
                            let is_close = (want - f64::from(limit)).abs() < 1e-4;
                            prop_assert!(is_close || is_found == (want > f64::from(limit)), "{isa} {batch}: {want} {limit}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_limit_of_minus_infinity_lets_every_row_pass() {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let queries = Queries::on(isa, &[1.0; 14 * 3], 3);
            let mut panel = Panel::of(&queries);
            let (row, room) = ([0.5f32; 3], panel.room());
            panel.fill(std::iter::repeat_n((&row[..], 1.0), room));
            let mut found = Vec::new();
            find_above(&panel, &queries, &[f32::NEG_INFINITY; 14], &mut found);
            assert_eq!(found.len(), 14, "{isa}");
            assert!(found.iter().all(|(_, rows)| rows.count_ones() as usize == room));
        }
    }

    #[test]
    fn a_row_of_no_factor_is_found_always() {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let queries = Queries::on(isa, &[1.0; 14 * 3], 3);
            let mut panel = Panel::of(&queries);
            panel.fill([(&[1.0f32; 3][..], 1.0), (&[f32::NAN; 3], 0.0)].into_iter());
            let mut found = Vec::new();
            find_above(&panel, &queries, &[10.0; 14], &mut found);
            assert!(found.len() == 14 && found.iter().all(|(_, rows)| *rows == 0b10), "{isa}");
        }
    }

    #[test]
    fn there_may_be_no_queries_and_no_rows() {
        let (queries, mut found) = (Queries::new(&[], 3), Vec::new());
        let mut panel = Panel::of(&queries);
        panel.fill(std::iter::empty());
        find_above(&panel, &queries, &[], &mut found);
        assert!(found.is_empty());
    }
}
