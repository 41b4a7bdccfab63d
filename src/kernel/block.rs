//! The block update, over any [`Lanes`].

use super::buffer::AlignedBuffer;
use super::dispatch::dispatched;
use super::lanes::Lanes;
use super::matrix::MAX_WIDTH;
use super::prefetch::prefetch;

/// One block. Each row has `stride` floats and is aligned to 64 bytes, as the rows of a [`Matrix`](super::Matrix) are.
pub struct Block<'a> {
    /// X: pointers to n different rows.
    pub inputs: &'a [*mut f32],
    /// Y: pointers to t different rows.
    pub targets: &'a [*mut f32],
    /// A, n × t, input after input, padded to whole registers: at least `n · t` floats, rounded up to [`MAX_WIDTH`].
    pub positive: &'a [f32],
    /// B, with the shape and the padding of A.
    pub total: &'a [f32],
    /// Rows of the next block, in two lists. The cache is asked for one line of each between the multiply-adds: it
    /// takes only a few requests at a time, and more would wait.
    pub next: [&'a [*mut f32]; 2],
    /// Floats in a row, a multiple of [`MAX_WIDTH`].
    pub stride: usize,
    /// The learning rate.
    pub rate: f32,
}

dispatched! {
    /// Trains one block in place.
    ///
    /// # Safety
    /// `isa` is available; every row pointer is valid for `stride` floats and 64-byte aligned; `stride` is a multiple
    /// of [`MAX_WIDTH`]; A and B are as long as [`Block`] says. Other threads may update the same rows at the same
    /// time: see [`Matrix`](super::Matrix) for why that is accepted.
    pub fn train_block(block: &Block<'_>, scratch: &mut Scratch) = train
}

/// Pairs whose product lies outside ±6 are not trained, as in word2vec.c and gensim: the model is sure about them, or so
/// wrong that a step would overshoot. At high learning rates this keeps the vectors finite.
const SATURATED: f32 = 6.0;

/// Memory that a worker reuses for every block.
#[derive(Default)]
pub struct Scratch {
    /// Accumulators of the dot products, one register for each, input after input.
    partial: AlignedBuffer,
    /// X·Yᵀ, n × t.
    dots: AlignedBuffer,
    /// G, n × t.
    gains: AlignedBuffer,
    /// Copies of the passing rows, needed where the held rows take more than one tile.
    old: AlignedBuffer,
    old_rows: Vec<*mut f32>,
}

// SAFETY: `old_rows` points into `old`, which moves with it.
unsafe impl Send for Scratch {}

impl Scratch {
    /// The negative log-likelihood of the last block, from before its update: Σ −A·ln σ(x·y) − (B − A)·ln σ(−x·y).
    pub(crate) fn loss(&self, block: &Block<'_>) -> f64 {
        let pairs = block.inputs.len() * block.targets.len();
        let terms = self.dots.first(pairs).iter().zip(block.positive).zip(block.total);
        terms
            .map(|((&dot, &positive), &total)| {
                // −ln σ(−x) = ln(1 + eˣ), without overflow; −ln σ(x) is less by x.
                let x = f64::from(dot);
                let softplus = x.max(0.0) + (-x.abs()).exp().ln_1p();
                f64::from(total) * softplus - f64::from(positive) * x
            })
            .sum()
    }
}

/// Evaluates an expression with a tile of rows as an array, so that the compiler knows its length.
macro_rules! for_tile {
    ($slice:ident, $rows:ident, $most:expr => $call:expr) => {
        for_tile!(@ $slice, $rows, $most => $call;
            [a], [a b], [a b c], [a b c d], [a b c d e], [a b c d e f], [a b c d e f g], [a b c d e f g h], [a b c d e f g h i],
            [a b c d e f g h i j], [a b c d e f g h i j k], [a b c d e f g h i j k l])
    };
    (@ $slice:ident, $rows:ident, $most:expr => $call:expr; $([$($row:ident)*]),*) => {
        match *$slice {
            // A path with few registers does not compile the long tiles.
            $([$($row),*] if const { [$(stringify!($row)),*].len() <= $most } => {
                let $rows = [$($row),*];
                $call
            })*
            _ => {}
        }
    };
}

/// # Safety
/// As for [`train_block`].
#[inline(always)]
unsafe fn train<L: Lanes>(block: &Block<'_>, scratch: &mut Scratch) {
    let (n, t) = (block.inputs.len(), block.targets.len());
    let registers = (n * t).next_multiple_of(L::WIDTH);
    let partial = scratch.partial.at_least(registers * L::WIDTH);
    let dots = scratch.dots.at_least(registers);
    let gains = scratch.gains.at_least(registers);
    let chunks = block.stride / L::WIDTH;
    // SAFETY: the rows are the caller's promise; `partial`, `dots` and `gains` were just sized for n × t registers and
    // floats.
    unsafe {
        let tile_size = tile_size(t, L::TILE);
        for (tile, targets) in block.targets.chunks(tile_size).enumerate() {
            let out = partial.add(tile * tile_size * L::WIDTH);
            for_tile!(targets, rows, L::TILE => dots_of_tile::<L, _>(block.inputs, rows, chunks, out, t));
        }
        gains_of::<L>(block, partial, dots, gains, registers);
        // The update is the same for inputs and targets. The side with fewer rows is held in registers, while the rows
        // of the other side pass by.
        let gains = Gains { of: gains, targets: t };
        if n < t {
            update_all::<L, true>(block.inputs, block.targets, gains, block, scratch);
        } else {
            update_all::<L, false>(block.targets, block.inputs, gains, block, scratch);
        }
    }
}

/// The number of rows in a tile, at most `most`, so that all tiles have about the same size: not full tiles and a rest.
#[inline(always)]
fn tile_size(rows: usize, most: usize) -> usize {
    rows.div_ceil(rows.div_ceil(most).max(1)).max(1)
}

/// G, n × t.
#[derive(Clone, Copy)]
struct Gains {
    of: *const f32,
    targets: usize,
}

impl Gains {
    /// The gain of the i-th passing row and the j-th held row. The held rows are the inputs if `INPUTS_HELD`, else the
    /// targets.
    #[inline(always)]
    unsafe fn splat<L: Lanes, const INPUTS_HELD: bool>(self, i: usize, j: usize) -> L {
        // SAFETY: the caller gives the indices of a pair.
        unsafe { L::splat(*self.of.add(if INPUTS_HELD { j * self.targets + i } else { i * self.targets + j })) }
    }

    /// The gains of the held rows from the j-th on.
    #[inline(always)]
    unsafe fn from<const INPUTS_HELD: bool>(self, j: usize) -> Self {
        // SAFETY: as above.
        Self { of: unsafe { self.of.add(if INPUTS_HELD { j * self.targets } else { j }) }, ..self }
    }
}

/// Adds G·Y to the inputs and Gᵀ·X_old to the targets.
#[inline(always)]
unsafe fn update_all<L: Lanes, const INPUTS_HELD: bool>(
    held: &[*mut f32],
    passing: &[*mut f32],
    gains: Gains,
    block: &Block<'_>,
    scratch: &mut Scratch,
) {
    let chunks = block.stride / L::WIDTH;
    // SAFETY: passed on to the caller; `old` has room for a copy of each passing row.
    unsafe {
        if held.len() <= L::HELD {
            let next = block.next;
            for_tile!(held, rows, L::HELD => update::<L, _, INPUTS_HELD>(passing, passing, rows, gains, chunks, next));
            return;
        }
        let old = scratch.old.at_least(passing.len() * block.stride);
        scratch.old_rows.clear();
        for (i, &row) in passing.iter().enumerate() {
            let copy = old.add(i * block.stride);
            for c in 0..chunks {
                L::load(row.add(c * L::WIDTH)).store(copy.add(c * L::WIDTH));
            }
            scratch.old_rows.push(copy);
        }
        let tile_size = tile_size(held.len(), L::HELD);
        for (tile, held) in held.chunks(tile_size).enumerate() {
            let gains = gains.from::<INPUTS_HELD>(tile * tile_size);
            let next = if tile == 0 { block.next } else { [&[][..], &[]] };
            let old = &scratch.old_rows;
            for_tile!(held, rows, L::HELD => update::<L, _, INPUTS_HELD>(passing, old, rows, gains, chunks, next));
        }
    }
}

/// All inputs against one tile of targets. The accumulators of input i go to `out` from register `i · t` on.
#[inline(always)]
unsafe fn dots_of_tile<L: Lanes, const T: usize>(
    inputs: &[*mut f32],
    targets: [*mut f32; T],
    chunks: usize,
    out: *mut f32,
    t: usize,
) {
    let at_once = const { inputs_at_once::<L>(T) };
    let mut i = 0;
    // SAFETY: `out` has room for t registers of every input.
    unsafe {
        while i < inputs.len() {
            // Groups of about the same size: not full groups and a rest.
            let left = inputs.len() - i;
            let take = left.div_ceil(left.div_ceil(at_once));
            let out = out.add(i * t * L::WIDTH);
            match *inputs.get_unchecked(i..i + take) {
                [a] => dots::<L, 1, T>([a], targets, chunks, out, t),
                [a, b] if const { inputs_at_once::<L>(T) >= 2 } => dots::<L, 2, T>([a, b], targets, chunks, out, t),
                [a, b, c] if const { inputs_at_once::<L>(T) >= 3 } => {
                    dots::<L, 3, T>([a, b, c], targets, chunks, out, t);
                }
                [a, b, c, d] if const { inputs_at_once::<L>(T) >= 4 } => {
                    dots::<L, 4, T>([a, b, c, d], targets, chunks, out, t);
                }
                _ => {}
            }
            i += take;
        }
    }
}

/// Inputs whose dot products with `tile` targets are accumulated in registers at the same time. One more than fits costs
/// dozens of moves in each round.
const fn inputs_at_once<L: Lanes>(tile: usize) -> usize {
    // A register for each pair, one for each input and one for a target.
    let fit = (L::REGISTERS - 1) / (tile + 1);
    if fit > 4 { 4 } else { fit }
}

/// Lane-wise products of R inputs with T targets, summed over the chunks of a row but not over the lanes.
#[inline(always)]
unsafe fn dots<L: Lanes, const R: usize, const T: usize>(
    inputs: [*mut f32; R],
    targets: [*mut f32; T],
    chunks: usize,
    out: *mut f32,
    t: usize,
) {
    // SAFETY: rows hold `chunks` registers; `out` has room for R · t.
    unsafe {
        let mut sums = [[L::splat(0.0); T]; R];
        for c in 0..chunks {
            let mut x = [L::splat(0.0); R];
            for i in 0..R {
                x[i] = L::load(inputs[i].add(c * L::WIDTH));
            }
            for j in 0..T {
                let y = L::load(targets[j].add(c * L::WIDTH));
                for i in 0..R {
                    sums[i][j] = x[i].mul_add(y, sums[i][j]);
                }
            }
        }
        for i in 0..R {
            for j in 0..T {
                sums[i][j].store(out.add((i * t + j) * L::WIDTH));
            }
        }
    }
}

/// X·Yᵀ from the accumulators, and G = (A − B·σ(X·Yᵀ)) · rate, 0 where σ is saturated.
#[inline(always)]
unsafe fn gains_of<L: Lanes>(
    block: &Block<'_>,
    partial: *const f32,
    dots: *mut f32,
    gains: *mut f32,
    registers: usize,
) {
    debug_assert!(block.positive.len() >= registers && block.total.len() >= registers);
    // SAFETY: all five hold `registers`, a multiple of the width.
    unsafe {
        let (rate, zero) = (L::splat(block.rate), L::splat(0.0));
        for k in (0..registers).step_by(L::WIDTH) {
            let products = L::sum_each(partial.add(k * L::WIDTH));
            products.store(dots.add(k));
            let positive = L::load_unaligned(block.positive.as_ptr().add(k)).mul_add(rate, zero);
            let total = L::load_unaligned(block.total.as_ptr().add(k)).mul_add(rate, zero);
            let gain = products.sigmoid().neg_mul_add(total, positive);
            gain.where_within(products, L::splat(SATURATED)).store(gains.add(k));
        }
    }
}

/// Updates a tile of held rows and all passing rows. Reads and writes each row once.
#[inline(always)]
unsafe fn update<L: Lanes, const T: usize, const INPUTS_HELD: bool>(
    passing: &[*mut f32],
    old: &[*mut f32],
    held: [*mut f32; T],
    gains: Gains,
    chunks: usize,
    next: [&[*mut f32]; 2],
) {
    // SAFETY: rows hold `chunks` registers; `gains` has a float for every pair.
    unsafe {
        let mut c = 0;
        // Two chunks of the held rows, of their updates and of one passing row, if there are registers for them.
        if const { 4 * T + 6 <= L::REGISTERS } {
            while c + 2 <= chunks {
                update_chunks::<L, T, INPUTS_HELD, 2>(passing, old, held, gains, c, next);
                c += 2;
            }
        }
        while c < chunks {
            update_chunks::<L, T, INPUTS_HELD, 1>(passing, old, held, gains, c, next);
            c += 1;
        }
    }
}

#[inline(always)]
unsafe fn update_chunks<L: Lanes, const T: usize, const INPUTS_HELD: bool, const C: usize>(
    passing: &[*mut f32],
    old: &[*mut f32],
    held: [*mut f32; T],
    gains: Gains,
    chunk: usize,
    next: [&[*mut f32]; 2],
) {
    // SAFETY: as for `update`; `old` is as long as `passing`.
    unsafe {
        for c in 0..C {
            if ((chunk + c) * L::WIDTH).is_multiple_of(MAX_WIDTH) {
                for rows in next {
                    for &row in rows {
                        prefetch(row.add((chunk + c) * L::WIDTH));
                    }
                }
            }
        }
        let mut y = [[L::splat(0.0); C]; T];
        for j in 0..T {
            for c in 0..C {
                y[j][c] = L::load(held[j].add((chunk + c) * L::WIDTH));
            }
        }
        let mut y_new = y;
        for i in 0..passing.len() {
            let (row, old_row) = (*passing.get_unchecked(i), *old.get_unchecked(i));
            let mut x = [L::splat(0.0); C];
            let mut x_old = x;
            for c in 0..C {
                x[c] = L::load(row.add((chunk + c) * L::WIDTH));
                x_old[c] = L::load(old_row.add((chunk + c) * L::WIDTH));
            }
            for j in 0..T {
                let gain = gains.splat::<L, INPUTS_HELD>(i, j);
                for c in 0..C {
                    // Where registers are few, the held row is read again: its update is not stored yet.
                    let y = if const { 2 * T + 4 <= L::REGISTERS } {
                        y[j][c]
                    } else {
                        L::load(held[j].add((chunk + c) * L::WIDTH))
                    };
                    x[c] = gain.mul_add(y, x[c]);
                    y_new[j][c] = gain.mul_add(x_old[c], y_new[j][c]);
                }
            }
            for c in 0..C {
                x[c].store(row.add((chunk + c) * L::WIDTH));
            }
        }
        for j in 0..T {
            for c in 0..C {
                y_new[j][c].store(held[j].add((chunk + c) * L::WIDTH));
            }
        }
    }
}
