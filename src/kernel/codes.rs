//! The filter of search in codes of 8 bits: which products of queries and rows may lie above a limit. It reads a quarter of
//! the bytes that [`product`](super::product) reads and takes less than half of its time, on processors with AVX-512 VNNI.
//!
//! A row x of length 1 is a scale times a vector of codes, and a rest e(x) whose length is kept; so is a query q. The product
//! of the codes is off by |e(x)| + |e(q)| (1 + |e(x)|) at most, so no row above the limit is missed.

use std::fmt;

use super::product::Found;

/// Rows of a panel: the lanes of two registers.
pub(crate) const PANEL: usize = 2 * LANES;
/// Lanes of 32 bits in a register.
const LANES: usize = 16;
/// Queries of a tile, whose sums fill the registers.
const TILE: usize = 12;
/// Values of a row that lie side by side: one instruction multiplies and sums them.
const GROUP: usize = 4;
/// The largest code.
const LARGEST: f32 = 127.0;
/// What is added to a small number so that the last bits of the sum are the nearest integer. A conversion would heed what does
/// not fit, one value at a time.
const ROUNDING: f32 = 12_582_912.0;
/// What is added to the codes of rows, which are stored without a sign.
const BIAS: i32 = 128;
/// Vectors of more values have sums that 32 bits do not hold.
const MOST_VALUES: usize = 1 << 15;
/// Bytes ahead for which the cache is asked.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 4096;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Rows in codes, panel by panel. A panel has, for each group of values, the codes of all its rows; then their scales; then
/// the lengths of their rests.
pub(crate) struct Codes {
    lines: Vec<Line>,
    len: usize,
    size: usize,
}

/// Queries in codes, tile by tile.
pub(crate) struct CodedQueries {
    /// For each group of values, those of all queries of a tile.
    codes: Vec<[i8; GROUP]>,
    queries: Vec<CodedQuery>,
    size: usize,
}

#[derive(Clone, Copy, Default)]
struct CodedQuery {
    /// What the bias of rows adds to a sum.
    bias: i32,
    /// One by the scale.
    inverse: f32,
    /// What the length of a row's rest is multiplied with.
    rests: f32,
    /// The length of the query's own rest, and what rounding may amount to.
    margin: f32,
}

/// A vector in codes.
struct Coded {
    scale: f32,
    /// The length of the rest, at least.
    rest: f32,
}

/// True if codes are faster than the values here.
pub(crate) fn has_codes(size: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    let is_fast = super::Isa::of_search() == super::Isa::Avx512
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    let is_fast = false;
    is_fast && (1..=MOST_VALUES).contains(&size)
}

/// Lines of a panel: the codes of two registers for each group, two registers of scales, and two of rests.
const fn lines_of_panel(size: usize) -> usize {
    2 * size.div_ceil(GROUP) + 4
}

impl Codes {
    /// No rows, of `size` values.
    ///
    /// # Panics
    /// If there are no codes here ([`has_codes`]).
    pub(crate) fn new(size: usize) -> Self {
        assert!(has_codes(size), "no codes for {size} values");
        Self { lines: Vec::new(), len: 0, size }
    }

    /// Replaces the rows by others, each with the factor that gives it length 1. A row of factor 0 is above every limit.
    ///
    /// # Panics
    /// If a row has another size.
    pub(crate) fn fill<'r>(&mut self, rows: impl ExactSizeIterator<Item = (&'r [f32], f32)>) {
        let (size, lines) = (self.size, lines_of_panel(self.size));
        self.len = rows.len();
        // Rows that are missing in the last panel stay as they are: they are left out.
        self.lines.resize(self.len.div_ceil(PANEL) * lines, Line([0; 64]));
        let mut codes = vec![[0; GROUP]; size.div_ceil(GROUP)];
        for (row, (values, factor)) in rows.enumerate() {
            assert_eq!(values.len(), size, "values of a row");
            let panel = &mut self.lines[row / PANEL * lines..][..lines];
            // SAFETY: the instruction set is there, as `new` saw; a panel has room for rows of this size.
            unsafe { encode_row(values, factor, &mut codes, panel.as_mut_ptr().cast(), row % PANEL) }
        }
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codes").field("len", &self.len).field("size", &self.size).finish_non_exhaustive()
    }
}

impl CodedQueries {
    /// Queries of length 1 and of `size` values each, one after another. One that is NaN is above no limit.
    pub(crate) fn new(queries: &[f32], size: usize) -> Self {
        let (len, groups) = (queries.len() / size, size.div_ceil(GROUP));
        let mut codes = vec![[0; GROUP]; len.next_multiple_of(TILE) * groups];
        let rounding = 4.0 * (size + 4) as f32 * f32::EPSILON;
        let queries = queries.chunks_exact(size).enumerate().map(|(query, values)| {
            let tile = &mut codes[query / TILE * TILE * groups..];
            let mut of_query = vec![[0; GROUP]; groups];
            let Coded { scale, rest } = encode(values, 1.0, of_query.as_flattened_mut());
            let sum: i32 = of_query.as_flattened().iter().map(|&code| i32::from(code)).sum();
            tile.iter_mut().skip(query % TILE).step_by(TILE).zip(of_query).for_each(|(to, codes)| *to = codes);
            CodedQuery {
                bias: sum * BIAS,
                inverse: scale.recip(),
                rests: (1.0 + rest) / scale,
                margin: rest + rounding,
            }
        });
        let queries = queries.collect();
        Self { codes, queries, size }
    }

    /// What [`find_above`] compares with, for a limit of a query's products.
    pub(crate) fn threshold(&self, query: usize, limit: f32) -> f32 {
        (limit - self.queries[query].margin) * self.queries[query].inverse
    }
}

/// Writes the codes of `values` times `factor`. Sums of many lanes let the compiler use whole registers.
#[inline(always)]
fn encode(values: &[f32], factor: f32, codes: &mut [i8]) -> Coded {
    let (whole, end) = values.as_chunks::<LANES>();
    let mut largest = [0.0; LANES];
    for values in whole {
        for (largest, value) in largest.iter_mut().zip(values) {
            *largest = larger(*largest, (value * factor).abs());
        }
    }
    let largest = end.iter().map(|value| (value * factor).abs()).chain(largest).fold(0.0, larger);
    // A vector of zeros has any scale.
    let largest = if largest > 0.0 { largest } else { LARGEST };
    let (scale, inverse) = (largest / LARGEST, LARGEST / largest);
    let mut squares = [0.0; LANES];
    let encode = |value: f32, to: &mut i8, square: &mut f32| {
        let value = value * factor;
        let rounded = value * inverse + ROUNDING;
        let rest = value - (rounded - ROUNDING) * scale;
        *square += rest * rest;
        *to = rounded.to_bits() as i8;
    };
    // There is room for whole groups of codes: the last may have more than there are values.
    let (whole_codes, end_codes) = codes[..values.len()].as_chunks_mut::<LANES>();
    for (values, codes) in whole.iter().zip(whole_codes) {
        for i in 0..LANES {
            encode(values[i], &mut codes[i], &mut squares[i]);
        }
    }
    for ((&value, code), square) in end.iter().zip(end_codes).zip(&mut squares) {
        encode(value, code, square);
    }
    let square: f32 = squares.iter().sum();
    let rest = square.sqrt() * (1.0 + values.len() as f32 * f32::EPSILON) + 8.0 * f32::EPSILON;
    Coded { scale, rest }
}

/// The larger of two, or `a` if `b` is NaN: one instruction, which [`f32::max`] is not.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Writes a row into a panel; one of factor 0 as one whose product is not known at all. `codes` is room for a row.
///
/// # Safety
/// The instruction set is there; at `panel` is a panel for rows of this size.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512bw"))]
unsafe fn encode_row(values: &[f32], factor: f32, codes: &mut [[i8; GROUP]], panel: *mut u8, row: usize) {
    let Coded { scale, rest } = match factor {
        0.0 => Coded { scale: 0.0, rest: f32::INFINITY },
        _ => encode(values, factor, codes.as_flattened_mut()),
    };
    // SAFETY: inside the panel, which is aligned.
    unsafe {
        for (group, &codes) in codes.iter().enumerate() {
            panel
                .add((group * PANEL + row) * GROUP)
                .cast::<[u8; GROUP]>()
                .write(codes.map(|code| code as u8 ^ BIAS as u8));
        }
        let ends = panel.add(codes.len() * PANEL * GROUP).cast::<f32>();
        *ends.add(row) = scale;
        *ends.add(PANEL + row) = rest;
    }
}

/// Adds to `found` each query that may have a product above its limit with a row of a panel. The limits are
/// [`threshold`](CodedQueries::threshold)s.
///
/// # Panics
/// If there are fewer limits than queries, no such panel, or the sizes differ.
pub(crate) fn find_above_in_codes(
    codes: &Codes,
    panel: usize,
    queries: &CodedQueries,
    limits: &[f32],
    found: &mut Vec<Found>,
) {
    assert!(limits.len() >= queries.queries.len() && codes.size == queries.size && panel * PANEL < codes.len);
    let rows = u32::MAX >> PANEL.saturating_sub(codes.len - panel * PANEL);
    let lines = lines_of_panel(codes.size);
    let panel = codes.lines[panel * lines..][..lines].as_ptr();
    // SAFETY: the instruction set is there, as `Codes::new` saw; there are enough lines, codes and limits.
    unsafe {
        match queries.queries.len() {
            1 => find::<1>(panel, queries, limits, rows, found),
            _ => find::<TILE>(panel, queries, limits, rows, found),
        }
    }
}

/// With T queries of each tile at once.
///
/// # Safety
/// AVX-512 F and VNNI are there; at `panel` is a whole panel; each query has a limit.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn find<const T: usize>(
    panel: *const Line,
    queries: &CodedQueries,
    limits: &[f32],
    rows: u32,
    found: &mut Vec<Found>,
) {
    use std::arch::x86_64::{
        __m512i, _CMP_GE_OQ, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
        _mm512_load_ps, _mm512_load_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_sub_epi32,
    };
    let groups = queries.size.div_ceil(GROUP);
    // SAFETY: the caller's promise.
    unsafe {
        let ends = panel.add(2 * groups).cast::<f32>();
        let scales = [_mm512_load_ps(ends), _mm512_load_ps(ends.add(LANES))];
        let rests = [_mm512_load_ps(ends.add(2 * LANES)), _mm512_load_ps(ends.add(3 * LANES))];
        for first in (0..queries.queries.len()).step_by(TILE) {
            let mut sums = [[_mm512_set1_epi32(0); 2]; T];
            let mut codes = queries.codes.as_ptr().add(first * groups).cast::<i32>();
            let mut line = panel.cast::<__m512i>();
            for _ in 0..groups {
                if T == 1 {
                    super::prefetch(line.byte_add(AHEAD));
                    super::prefetch(line.byte_add(AHEAD + 64));
                }
                let registers = [_mm512_load_si512(line), _mm512_load_si512(line.add(1))];
                for j in 0..T {
                    let query = _mm512_set1_epi32(*codes.add(j));
                    for r in 0..2 {
                        sums[j][r] = _mm512_dpbusd_epi32(sums[j][r], registers[r], query);
                    }
                }
                codes = codes.add(TILE);
                line = line.add(2);
            }
            for j in 0..T {
                if first + j >= queries.queries.len() {
                    break;
                }
                let query = queries.queries.get_unchecked(first + j);
                let limit = _mm512_set1_ps(*limits.get_unchecked(first + j));
                let mut above = 0;
                for r in 0..2 {
                    let sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[j][r], _mm512_set1_epi32(query.bias)));
                    let rest = _mm512_mul_ps(rests[r], _mm512_set1_ps(query.rests));
                    let most = _mm512_fmadd_ps(sum, scales[r], rest);
                    above |= u32::from(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(most, limit)) << (r * LANES);
                }
                if above & rows != 0 {
                    found.push((first + j, u64::from(above & rows)));
                }
            }
        }
    }
}

/// There are no codes on this architecture.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn find<const T: usize>(_: *const Line, _: &CodedQueries, _: &[f32], _: u32, _: &mut Vec<Found>) {
    unreachable!("Codes::new looks at has_codes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(values: &[f32]) -> Vec<f32> {
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.iter().map(|value| value / length).collect()
    }

    /// Vectors of length 1 and of all shapes: some have one large value, of which the codes of the others know little.
    fn vectors(count: usize, size: usize) -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![9 => -1.0f32..1.0, 1 => -100.0f32..100.0];
        prop::collection::vec(value, count * size).prop_map(move |values| values.chunks(size).flat_map(unit).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_lies_above_the_limit_is_found_and_little_else(
            (size, queries, rows) in (1usize..40, 1usize..30, 1usize..80).prop_flat_map(|(size, queries, rows)| {
                (Just(size), vectors(queries, size), vectors(rows, size))
            }),
            limit in -1.0f32..1.0,
            factor in 0.25f32..4.0,
        ) {
            prop_assume!(has_codes(size) && queries.iter().chain(&rows).all(|value| value.is_finite()));
            let coded = CodedQueries::new(&queries, size);
            let limits: Vec<f32> = (0..queries.len() / size).map(|query| coded.threshold(query, limit)).collect();
            let mut codes = Codes::new(size);
            let longer: Vec<f32> = rows.iter().map(|value| value / factor).collect();
            codes.fill(longer.chunks(size).map(|row| (row, factor)));
            prop_assert_eq!(codes.len(), rows.len() / size);
            for panel in 0..codes.len().div_ceil(PANEL) {
                let mut found = Vec::new();
                find_above_in_codes(&codes, panel, &coded, &limits, &mut found);
                for (i, query) in queries.chunks(size).enumerate() {
                    let bits = found.iter().find(|(query, _)| *query == i).map_or(0, |(_, bits)| *bits);
                    let rows = &rows[panel * PANEL * size..];
                    prop_assert!(bits.checked_shr((rows.len() / size) as u32).unwrap_or(0) == 0, "only rows that there are");
                    for (j, row) in rows.chunks(size).take(PANEL).enumerate() {
                        let product: f64 = query.iter().zip(row).map(|(&q, &x)| f64::from(q) * f64::from(x)).sum();
                        let is_found = bits >> j & 1 == 1;
                        prop_assert!(is_found || product <= f64::from(limit), "{product} {limit}");
                        // Half a code for each value, of both vectors.
                        let off = 2.1 * 0.5 / 127.0 * (size as f64).sqrt() + 1e-4;
                        prop_assert!(!is_found || product >= f64::from(limit) - 2.0 * off, "{product} {limit}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_of_any_size_is_near_to_itself() {
        for size in (1..=70).filter(|&size| has_codes(size)) {
            let row = unit(&(0..size).map(|k| ((k * 7 + 3) % 11) as f32 - 4.5).collect::<Vec<_>>());
            let coded = CodedQueries::new(&row, size);
            let mut codes = Codes::new(size);
            codes.fill([(&row[..], 1.0)].into_iter());
            let mut found = Vec::new();
            find_above_in_codes(&codes, 0, &coded, &[coded.threshold(0, 0.999)], &mut found);
            assert_eq!(found, [(0, 1)], "{size}");
            found.clear();
            find_above_in_codes(&codes, 0, &coded, &[coded.threshold(0, 1.1)], &mut found);
            assert!(found.is_empty(), "{size}");
        }
    }

    #[test]
    fn a_query_of_zeros_is_as_near_to_all() {
        if !has_codes(3) {
            return;
        }
        let coded = CodedQueries::new(&[0.0; 6], 3);
        let mut codes = Codes::new(3);
        codes.fill([(&[0.6, 0.8, 0.0][..], 1.0), (&[0.0; 3], 0.0)].into_iter());
        let mut found = Vec::new();
        let limits = [coded.threshold(0, 0.0), coded.threshold(1, 0.1)];
        find_above_in_codes(&codes, 0, &coded, &limits, &mut found);
        assert_eq!(found, [(0, 0b11), (1, 0b10)]);
    }

    #[test]
    fn a_row_of_no_factor_is_found_always_and_a_query_of_nan_finds_nothing() {
        if !has_codes(5) {
            return;
        }
        let queries = [unit(&[1.0, 2.0, 0.0, -1.0, 3.0]), vec![f32::NAN; 5]].concat();
        let coded = CodedQueries::new(&queries, 5);
        let mut codes = Codes::new(5);
        codes.fill([(&[f32::NAN; 5][..], 0.0), (&[0.0; 5], 0.0), (&[-1.0, 0.0, 0.0, 0.0, 0.0], 1.0)].into_iter());
        let mut found = Vec::new();
        let limits = [coded.threshold(0, 0.5), coded.threshold(1, f32::NEG_INFINITY)];
        find_above_in_codes(&codes, 0, &coded, &limits, &mut found);
        assert_eq!(found, [(0, 0b11)]);
    }
}
