//! The nearest rows of many queries at once.
//!
//! A panel of rows goes through a filter with all queries of a task. What may be near enough is computed again as a search
//! for one query does, so both give the same rows and cosines, bit by bit.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::KeyedVectors;
use super::filter::Filter;
use super::length::direction;
use super::nearest::Nearest;
use super::parallel::ROWS_PER_TASK;
use super::prepared::{Prepared, ROWS_PER_SPAN, factor};
use crate::error::{Error, Result};
use crate::kernel::{CodedQueries, Codes, PANEL, dots, find_above_in_codes};
use crate::process::can_use_thread_pools;
use crate::progress::Progress;

/// What a search for many queries gives: for each query rows and cosines, the nearest first.
pub type Neighbours = Vec<Vec<(usize, f32)>>;

/// Fewer queries than this are searched one by one: a panel takes about as long to fill as so many dot products
/// (`make bench-vectors`).
const LEAST_QUERIES: usize = 6;
/// The most queries of a task. They stay in a core's cache, at 100 dimensions.
const QUERIES_PER_TASK: usize = 1024;
/// The fewest rows of a task: with fewer, the nearest of each task are seldom near.
const LEAST_ROWS: usize = 8192;
/// Rows that a search for one query compares at once.
const ROWS_AT_ONCE: usize = 64;
/// Panels between two looks at the user's wish to stop.
const PANELS_PER_LOOK: usize = 64;
/// If codes let one of so many products pass, they do not tell the rows apart, and computing those again takes longer than
/// to do without codes (`make bench-vectors`).
const PASSED_BY_CODES: usize = 64;
/// The same for a search for one query, where rows are computed again in order.
const PASSED_BY_CODES_OF_ONE: usize = 8;

/// Which rows a search looks at.
#[derive(Debug, Clone)]
pub struct SearchOptions<'a> {
    /// How many rows to give for each query.
    pub topn: usize,
    /// The rows among which to search.
    pub rows: Range<usize>,
    /// For each query the rows that are left out. If there are none, no row is.
    pub excluded: &'a [Vec<usize>],
}

/// Queries of one length, as they are compared.
struct Directions<'a> {
    /// Vectors of length 1, one after another. One that has no direction is NaN.
    values: Vec<f32>,
    size: usize,
    options: &'a SearchOptions<'a>,
}

impl<'a> Directions<'a> {
    fn query(&self, query: usize) -> &[f32] {
        &self.values[query * self.size..][..self.size]
    }

    fn nearest(&self, query: usize) -> Nearest<'a> {
        Nearest::new(self.options.topn, self.options.excluded.get(query).map_or(&[], Vec::as_slice))
    }
}

impl KeyedVectors {
    /// The nearest rows by cosine for each of many queries, exactly and on all cores: what
    /// [`nearest`](Self::nearest) gives for each. `queries` are vectors one after another. A query may have fewer
    /// neighbours than `topn` if there are no more rows.
    ///
    /// ```
    /// # use polargram::vectors::SearchOptions;
    /// # use polargram::{KeyedVectors, Progress};
    /// let wv = KeyedVectors::from_rows(["east", "north", "west"], 2, &[1.0, 0.0, 0.0, 1.0, -1.0, 0.0])?;
    /// let options = SearchOptions { topn: 1, rows: 0..wv.len(), excluded: &[] };
    /// let found = wv.search(&[2.0, 0.1, 0.1, 2.0], &options, &Progress::default())?;
    /// assert_eq!((found[0][0].0, found[1][0].0), (0, 1));
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] if the values are not whole vectors, or the rows not in the table; [`Error::Interrupted`].
    pub fn search(&self, queries: &[f32], options: &SearchOptions<'_>, progress: &Progress) -> Result<Neighbours> {
        let size = self.vector_size();
        if size == 0 || !queries.len().is_multiple_of(size) {
            let reason = format!("are {} values; the vectors have {size} each", queries.len());
            return Err(Error::parameter("queries", reason));
        }
        self.search_directions(queries.chunks_exact(size).flat_map(direction).collect(), options, progress)
    }

    /// [`search`](Self::search) for vectors of length 1.
    pub(crate) fn search_directions(
        &self,
        values: Vec<f32>,
        options: &SearchOptions<'_>,
        progress: &Progress,
    ) -> Result<Neighbours> {
        if options.rows.start > options.rows.end || options.rows.end > self.len() {
            return Err(Error::parameter("rows", format!("{:?} are not among the {}", options.rows, self.len())));
        }
        let queries = Directions { values, size: self.vector_size(), options };
        // Vectors without dimensions have no directions.
        let count = queries.values.len().checked_div(queries.size).unwrap_or(0);
        // A process that never started the threads can be forked.
        let is_large = options.rows.len().saturating_mul(count) > ROWS_PER_TASK;
        let threads = if is_large && can_use_thread_pools() { rayon::current_num_threads() } else { 1 };
        let prepared = self.prepared();
        if count < LEAST_QUERIES {
            return (0..count).map(|i| self.search_one(&queries, i, &prepared, threads, progress)).collect();
        }
        let tasks = tasks(count, &options.rows, threads);
        let search = |(queries_of, rows): &(Range<usize>, Range<usize>)| {
            self.search_panels(&queries, queries_of.clone(), rows.clone(), &prepared.norms, progress)
        };
        let found: Vec<_> = match threads {
            1 => tasks.iter().map(search).collect::<Result<_>>()?,
            _ => tasks.par_iter().with_max_len(1).map(search).collect::<Result<_>>()?,
        };
        let mut nearest: Vec<_> = (0..count).map(|query| queries.nearest(query)).collect();
        for ((queries, _), found) in tasks.into_iter().zip(found) {
            for (query, found) in queries.zip(found) {
                let before = std::mem::replace(&mut nearest[query], Nearest::new(0, &[]));
                nearest[query] = before.merge(found);
            }
        }
        Ok(nearest.into_iter().map(Nearest::into_sorted).collect())
    }

    fn search_one(
        &self,
        queries: &Directions<'_>,
        query: usize,
        prepared: &Prepared,
        threads: usize,
        progress: &Progress,
    ) -> Result<Vec<(usize, f32)>> {
        progress.check()?;
        let (rows, direction) = (&queries.options.rows, queries.query(query));
        let coded = prepared.codes.as_ref().map(|_| CodedQueries::new(direction, queries.size));
        let spans = AtomicUsize::new(rows.start / ROWS_PER_SPAN);
        // Each thread takes the next rows until there are none.
        let scan = || {
            let mut scan = Scan { vectors: self, direction, coded: coded.as_ref(), nearest: queries.nearest(query) };
            loop {
                let span = spans.fetch_add(1, Ordering::Relaxed);
                let rows = rows.start.max(span * ROWS_PER_SPAN)..rows.end.min((span + 1) * ROWS_PER_SPAN);
                if rows.is_empty() {
                    return scan.nearest;
                }
                scan.span(span, rows, prepared);
            }
        };
        let helpers = threads.min(rows.len().div_ceil(LEAST_ROWS)).saturating_sub(1);
        if helpers == 0 {
            return Ok(scan().into_sorted());
        }
        let found = Mutex::new(Vec::new());
        // This thread does not wait for the others to wake up.
        let own = rayon::in_place_scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|_| {
                    let nearest = scan();
                    found.lock().unwrap_or_else(PoisonError::into_inner).push(nearest);
                });
            }
            scan()
        });
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(found.into_iter().fold(own, Nearest::merge).into_sorted())
    }

    /// The nearest of a range of rows to a range of queries.
    fn search_panels<'a>(
        &self,
        all: &Directions<'a>,
        queries: Range<usize>,
        rows: Range<usize>,
        norms: &[f32],
        progress: &Progress,
    ) -> Result<Vec<Nearest<'a>>> {
        let first = queries.start;
        let mut nearest: Vec<_> = queries.clone().map(|query| all.nearest(query)).collect();
        let values = &all.values[first * all.size..queries.end * all.size];
        let mut filter = Filter::new(values, all.size);
        let thresholds_of = |filter: &Filter, nearest: &[Nearest<'_>]| -> Vec<f32> {
            nearest.iter().enumerate().map(|(i, nearest)| filter.threshold(i, nearest.limit())).collect()
        };
        let mut thresholds = thresholds_of(&filter, &nearest);
        let (mut found, mut passed, mut panels) = (Vec::new(), 0, 0usize);
        let mut row = rows.start;
        while row < rows.end {
            if panels.is_multiple_of(PANELS_PER_LOOK) {
                progress.check()?;
                if filter.is_of_codes() && passed / queries.len() > most_passed(panels, filter.room(), all.options.topn)
                {
                    filter = Filter::of_values(values, all.size);
                    thresholds = thresholds_of(&filter, &nearest);
                }
                passed = 0;
            }
            panels += 1;
            let panel = row..rows.end.min(row + filter.room());
            let with_factors = panel.clone().map(|row| (self.rows().row(row), factor(norms[row])));
            filter.find(with_factors, &thresholds, &mut found);
            for (i, bits) in found.drain(..) {
                passed += bits.count_ones() as usize;
                for row in ones(bits).map(|bit| row + bit) {
                    nearest[i].offer(row, self.cosine_to(all.query(first + i), row, norms[row]));
                }
                thresholds[i] = filter.threshold(i, nearest[i].limit());
            }
            row = panel.end;
        }
        // A query that is NaN is above no limit.
        for (i, nearest) in nearest.iter_mut().enumerate() {
            if all.query(first + i)[0].is_nan() {
                let excluded = all.options.excluded.get(first + i).map_or(0, Vec::len);
                let enough = all.options.topn.saturating_add(excluded);
                *nearest = all.nearest(first + i);
                rows.clone().take(enough).for_each(|row| nearest.offer(row, f32::NAN));
            }
        }
        Ok(nearest)
    }

    /// The `topn` rows nearest to a vector by cosine, without the `excluded` ones, nearest first; rows of equal cosine in
    /// row order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the query does not have as many values as a vector.
    pub fn nearest(&self, query: &[f32], topn: usize, excluded: &[usize]) -> Result<Vec<(usize, f32)>> {
        self.nearest_among(query, topn, excluded, 0..self.len())
    }

    /// [`nearest`](Self::nearest) among a range of rows.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the query does not have as many values as a vector, or the rows are not in the table.
    pub fn nearest_among(
        &self,
        query: &[f32],
        topn: usize,
        excluded: &[usize],
        rows: Range<usize>,
    ) -> Result<Vec<(usize, f32)>> {
        self.ensure_size(query)?;
        let excluded = [excluded.to_vec()];
        let options = SearchOptions { topn, rows, excluded: &excluded };
        let found = self.search(query, &options, &Progress::default())?;
        Ok(found.into_iter().next().unwrap_or_default())
    }
}

/// A search for one query, by one thread.
struct Scan<'a> {
    vectors: &'a KeyedVectors,
    /// Of length 1.
    direction: &'a [f32],
    /// The same in codes, if the vectors have codes that tell rows apart.
    coded: Option<&'a CodedQueries>,
    nearest: Nearest<'a>,
}

impl Scan<'_> {
    /// Looks at rows, which lie in a span.
    fn span(&mut self, span: usize, rows: Range<usize>, prepared: &Prepared) {
        match (&prepared.codes, self.coded) {
            (Some(codes), Some(query)) => self.codes(&codes[span], query, span * ROWS_PER_SPAN, rows, &prepared.norms),
            _ => self.values(rows, &prepared.norms),
        }
    }

    /// Looks at rows by their codes, the first of which is that of row `start`.
    fn codes(&mut self, codes: &Codes, query: &CodedQueries, start: usize, rows: Range<usize>, norms: &[f32]) {
        let (mut found, mut passed) = (Vec::with_capacity(1), 0);
        let mut threshold = query.threshold(0, self.nearest.limit());
        for panel in (rows.start - start) / PANEL..(rows.end - start).div_ceil(PANEL) {
            find_above_in_codes(codes, panel, query, &[threshold], &mut found);
            for (_, bits) in found.drain(..) {
                passed += bits.count_ones() as usize;
                for row in ones(bits).map(|bit| start + panel * PANEL + bit).filter(|row| rows.contains(row)) {
                    self.nearest.offer(row, self.vectors.cosine_to(self.direction, row, norms[row]));
                }
                threshold = query.threshold(0, self.nearest.limit());
            }
        }
        if passed > self.nearest.topn().saturating_mul(2).saturating_add(rows.len() / PASSED_BY_CODES_OF_ONE) {
            self.coded = None;
        }
    }

    fn values(&mut self, rows: Range<usize>, norms: &[f32]) {
        let all = self.vectors.rows();
        let mut limit = self.nearest.limit();
        let mut sums = [0.0; ROWS_AT_ONCE];
        for first in rows.clone().step_by(ROWS_AT_ONCE) {
            let block = first..rows.end.min(first + ROWS_AT_ONCE);
            dots(self.direction, all.span(block.clone()), all.stride(), &mut sums[..block.len()]);
            for (row, &product) in block.zip(&sums) {
                // As `cosine_to` says.
                let is_ordinary = norms[row] > 0.0;
                let cosine =
                    if is_ordinary { product / norms[row] } else { self.vectors.cosine_to(self.direction, row, 0.0) };
                if cosine >= limit || cosine.is_nan() {
                    self.nearest.offer(row, cosine);
                    limit = self.nearest.limit();
                }
            }
        }
    }
}

/// How many rows of the last panels codes may let pass for a query, after so many panels in all: those that are nearer than
/// what was near before, and some for want of precision.
fn most_passed(panels: usize, room: usize, topn: usize) -> usize {
    let nearer = match panels.checked_sub(PANELS_PER_LOOK) {
        None | Some(0) => usize::MAX,
        Some(before) => topn.saturating_mul(2 * PANELS_PER_LOOK) / before,
    };
    nearer.saturating_add(PANELS_PER_LOOK * room / PASSED_BY_CODES)
}

/// The positions of the ones among bits.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = bits.trailing_zeros() as usize;
        let is_left = bits != 0;
        bits &= bits.wrapping_sub(1);
        is_left.then_some(bit)
    })
}

/// Rows in ranges of about the same length, at most two for each thread.
fn spans(rows: &Range<usize>, threads: usize) -> Vec<Range<usize>> {
    let most = if threads > 1 { 2 * threads } else { 1 };
    let length = rows.len().div_ceil(most).max(LEAST_ROWS);
    rows.clone().step_by(length).map(|start| start..rows.end.min(start + length)).collect()
}

/// Queries and rows of each task. The fewer parts the rows have, the sooner the nearest are known, so the queries are
/// divided first.
fn tasks(queries: usize, rows: &Range<usize>, threads: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let parts = queries.div_ceil(QUERIES_PER_TASK).next_multiple_of(threads).min(queries.div_ceil(64)).max(1);
    let length = queries.div_ceil(parts).max(1);
    let spans = match parts >= threads {
        true => vec![rows.clone()],
        false => spans(rows, threads.div_ceil(parts)),
    };
    let parts = (0..queries).step_by(length).map(|start| start..queries.min(start + length));
    parts.flat_map(|part| spans.iter().map(move |span| (part.clone(), span.clone())).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::has_codes;
    use crate::vocab::Key;

    fn table(rows: usize, size: usize, value: impl Fn(usize) -> f32) -> KeyedVectors {
        let words: Vec<String> = (0..rows).map(|i| format!("w{i}")).collect();
        let values: Vec<f32> = (0..rows * size).map(value).collect();
        KeyedVectors::from_rows(words.iter().map(String::as_str), size, &values).unwrap()
    }

    /// What [`KeyedVectors::search`] must give, query by query.
    fn one_by_one(wv: &KeyedVectors, queries: &[f32], options: &SearchOptions<'_>) -> Neighbours {
        let excluded = |query: usize| options.excluded.get(query).cloned().unwrap_or_default();
        let queries = queries.chunks(wv.vector_size()).enumerate();
        queries
            .map(|(i, query)| {
                let all = wv.nearest(query, wv.len(), &excluded(i)).unwrap().into_iter();
                all.filter(|(row, _)| options.rows.contains(row)).take(options.topn).collect()
            })
            .collect()
    }

    fn bits(found: &Neighbours) -> Vec<Vec<(usize, u32)>> {
        // Any NaN is like any other.
        let bits = |cosine: f32| if cosine.is_nan() { f32::NAN.to_bits() } else { cosine.to_bits() };
        found.iter().map(|found| found.iter().map(|&(row, cosine)| (row, bits(cosine))).collect()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn many_queries_find_what_each_finds_alone_bit_by_bit(
            // Few distinct values give many rows of equal cosine; the scales reach those whose squares vanish.
            values in prop::collection::vec((-2i8..3, prop_oneof![8 => Just(0i32), 1 => Just(-40), 1 => Just(38)]), 7 * 90),
            queries in prop::collection::vec((-2i8..3).prop_map(f32::from), 7 * 30),
            odd in prop_oneof![Just(1.0), Just(f32::NAN), Just(f32::INFINITY), Just(1e-42)],
            (topn, start, end) in (0usize..100, 0usize..90, 0usize..91),
        ) {
            let wv = table(90, 7, |i| f32::from(values[i].0) * 10f32.powi(values[i / 7 * 7].1));
            let mut queries = queries;
            queries[7] = odd;
            let excluded: Vec<Vec<usize>> = (0..30).map(|query| vec![query * 3, 5]).collect();
            for (excluded, rows) in [(&[][..], 0..90), (&excluded[..], start.min(end)..end)] {
                let options = SearchOptions { topn, rows, excluded };
                let got = wv.search(&queries, &options, &Progress::default()).unwrap();
                prop_assert_eq!(bits(&got), bits(&one_by_one(&wv, &queries, &options)));
            }
        }

        #[test]
        fn a_search_by_kept_codes_finds_the_same_bit_by_bit(
            values in prop::collection::vec((-2i8..3, prop_oneof![8 => Just(0i32), 1 => Just(-40), 1 => Just(38)]), 7 * 90),
            query in prop::collection::vec((-2i8..3).prop_map(f32::from), 7),
            (topn, start, end) in (0usize..100, 0usize..90, 0usize..91),
        ) {
            let wv = table(90, 7, |i| f32::from(values[i].0) * 10f32.powi(values[i / 7 * 7].1));
            let excluded = [vec![3, 50]];
            let options = SearchOptions { topn, rows: start.min(end)..end, excluded: &excluded };
            let want = wv.search(&query, &options, &Progress::default()).unwrap();
            wv.fill_norms();
            let got = wv.search(&query, &options, &Progress::default()).unwrap();
            prop_assert_eq!(bits(&got), bits(&want));
        }
    }

    #[test]
    fn rows_that_codes_do_not_tell_apart_are_found_without_them() {
        // One large value, the same in all rows: the rest lies below the precision of the codes.
        let wv =
            table(3 * LEAST_ROWS, 8, |i| if i % 8 == 0 { 1000.0 } else { ((i * 7919 + 13) % 1009) as f32 / 1009.0 });
        let queries: Vec<f32> = (0..8).flat_map(|query| wv.rows().row(query * 1000).to_vec()).collect();
        for topn in [1, 50] {
            let options = SearchOptions { topn, rows: 1..wv.len(), excluded: &[] };
            let want = one_by_one(&wv, &queries, &options);
            wv.fill_norms();
            assert_eq!(bits(&one_by_one(&wv, &queries, &options)), bits(&want));
            assert_eq!(bits(&wv.search(&queries, &options, &Progress::default()).unwrap()), bits(&want));
            wv.forget_norms();
        }
    }

    #[test]
    fn codes_are_kept_until_the_vectors_change() {
        let mut wv = table(5000, 4, |i| ((i * 7919 + 13) % 1009) as f32 - 500.0);
        wv.fill_norms();
        assert_eq!(wv.prepared().codes.is_some(), has_codes(4));
        wv.put(&[Key::Text("w4999")], &[1.0, 2.0, 3.0, 4.0], true).unwrap();
        assert!(wv.prepared().codes.is_none());
        wv.fill_norms();
        assert_eq!(wv.nearest(&[1.0, 2.0, 3.0, 4.0], 1, &[]).unwrap()[0].0, 4999);
    }

    #[test]
    fn rows_and_queries_of_several_tasks_are_put_together() {
        let wv = table(3 * LEAST_ROWS, 3, |i| ((i * 7919 + 13) % 1009) as f32 - 500.0);
        for count in [1, 5, 6, 70] {
            let mut queries: Vec<f32> = (0..count * 3).map(|i| ((i * 31 + 7) % 101) as f32 - 50.0).collect();
            queries[0] = f32::NAN;
            for (topn, excluded) in [(9, vec![]), (9, vec![vec![11, 12]; count]), (30_000, vec![])] {
                let options = SearchOptions { topn, rows: 11..wv.len() - 5, excluded: &excluded };
                let got = wv.search(&queries, &options, &Progress::default()).unwrap();
                assert!(got.iter().all(|found| found.len() == topn.min(options.rows.len())));
                assert_eq!(bits(&got), bits(&one_by_one(&wv, &queries, &options)), "{count}");
            }
        }
    }

    #[test]
    fn every_query_meets_every_row_once() {
        for (queries, rows, threads) in [(1, 100_000, 8), (1000, 82_746, 2), (5, 10, 64), (3000, 20_000, 3), (65, 1, 2)]
        {
            let tasks = tasks(queries, &(0..rows), threads);
            assert_eq!(tasks.iter().map(|(queries, rows)| queries.len() * rows.len()).sum::<usize>(), queries * rows);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_a_search_is_interrupted() {
        let (wv, progress) = (table(50, 4, |i| i as f32), Progress::default());
        let options = SearchOptions { topn: 3, rows: 0..50, excluded: &[] };
        let error = wv.search(&[1.0; 7], &options, &progress).unwrap_err().to_string();
        assert!(error.contains("queries") && error.contains("7 values"), "{error}");
        for rows in [0..51, 60..70] {
            wv.search(&[1.0; 8], &SearchOptions { rows, ..options.clone() }, &progress).unwrap_err();
        }
        assert!(wv.search(&[], &options, &progress).unwrap().is_empty());
        progress.cancel();
        for queries in [4, 40] {
            assert!(matches!(wv.search(&vec![1.0; queries], &options, &progress), Err(Error::Interrupted)));
        }
    }
}
