//! The block kernel against the machine's peak of fused multiply-adds: `cargo bench --bench kernel`.
//!
//! All rows are in the L1 cache, so this measures only the arithmetic of the kernel. Criterion's "elements" are
//! floating-point operations: its Gelem/s are GFLOP/s. A block of n inputs and t targets does 3 · n · t · d multiply-adds;
//! padding is not counted.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use polargram::kernel::{Block, Isa, Matrix, Scratch, fma_peak, train_block};

/// The mean number of context words with a window of 5, and a centre with five noise words.
const INPUTS: usize = 6;
const TARGETS: usize = 6;
const DIMENSIONS: [usize; 4] = [100, 128, 200, 300];
/// Inputs and targets of typical blocks in training: two centres of skip-gram and one of CBOW, both with negative
/// sampling, and one centre of skip-gram with hierarchical softmax.
const SHAPES: [(usize, usize); 3] = [(8, 7), (1, 6), (6, 11)];

/// So few rows that even those of 300 dimensions stay in the L1 cache.
struct Rows {
    input: Matrix,
    output: Matrix,
}

impl Rows {
    const COUNT: usize = 16;

    fn new(dimensions: usize) -> Self {
        let mut matrices =
            [Matrix::zeros(Self::COUNT, dimensions), Matrix::zeros(Self::COUNT, dimensions)].map(Result::unwrap);
        for (i, matrix) in matrices.iter_mut().enumerate() {
            for row in 0..Self::COUNT {
                let value = |d: usize| ((i + row * 31 + d * 17) % 97) as f32 / 970.0 - 0.05;
                matrix.values(row).iter_mut().enumerate().for_each(|(d, v)| *v = value(d));
            }
        }
        let [input, output] = matrices;
        Self { input, output }
    }

    /// Trains one block, whose rows start with row `at`.
    fn train(&self, isa: Isa, at: usize, (inputs, targets): (usize, usize), scratch: &mut Scratch) {
        let row = |matrix: &Matrix, i: usize| matrix.row(((at + i) % Self::COUNT) as u32);
        let x: [*mut f32; Self::COUNT] = std::array::from_fn(|i| row(&self.input, i));
        let y: [*mut f32; Self::COUNT] = std::array::from_fn(|i| row(&self.output, i));
        let stride = self.input.stride();
        let block = Block {
            inputs: &x[..inputs],
            targets: &y[..targets],
            positive: &[0.5; Self::COUNT * Self::COUNT],
            total: &[1.0; Self::COUNT * Self::COUNT],
            next: [&[], &[]],
            stride,
            rate: 1e-4,
        };
        // SAFETY: rows of two matrices of equal stride, and an available instruction set.
        unsafe { train_block(isa, &block, scratch) }
    }
}

fn flops(dimensions: usize, (inputs, targets): (usize, usize)) -> u64 {
    (2 * 3 * inputs * targets * dimensions) as u64
}

fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

fn kernel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("block");
    for isa in available() {
        for dimensions in DIMENSIONS {
            let (rows, mut scratch, mut at) = (Rows::new(dimensions), Scratch::default(), 0);
            group.throughput(Throughput::Elements(flops(dimensions, (INPUTS, TARGETS))));
            group.bench_function(BenchmarkId::new(isa.to_string(), dimensions), |bencher| {
                bencher.iter(|| {
                    at += 1;
                    rows.train(isa, black_box(at), (INPUTS, TARGETS), &mut scratch);
                });
            });
        }
    }
    group.finish();
}

/// The best GFLOP/s of a few rounds of `work`, each of which does `flops` operations.
fn best_gflops(flops: u64, mut work: impl FnMut()) -> f64 {
    let mut once = || {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let best = (0..30).map(|_| once()).min().unwrap_or(Duration::MAX);
    flops as f64 / best.as_secs_f64() / 1e9
}

/// Prints the speed of the kernel as a share of the peak, both measured in turn on one core.
fn table() {
    const BLOCKS: usize = 20_000;
    const CHAINED: u64 = 1_000_000;
    let columns = DIMENSIONS.map(|d| format!("d = {d}")).into_iter();
    let columns: Vec<String> = columns.chain(SHAPES.map(|(n, t)| format!("{n} × {t}, d = 100"))).collect();
    println!("\n| path | FMA peak, GFLOP/s | {} |", columns.join(" | "));
    println!("|---|---|{}", "---|".repeat(columns.len()));
    for isa in available() {
        let peak = best_gflops(fma_peak(isa, CHAINED), || {
            black_box(fma_peak(isa, CHAINED));
        });
        let cell = |dimensions, shape| {
            let (rows, mut scratch) = (Rows::new(dimensions), Scratch::default());
            let gflops = best_gflops(flops(dimensions, shape) * BLOCKS as u64, || {
                (0..BLOCKS).for_each(|at| rows.train(isa, black_box(at), shape, &mut scratch));
            });
            format!("{gflops:.0} ({:.0} %)", 100.0 * gflops / peak)
        };
        let cells = DIMENSIONS.map(|dimensions| cell(dimensions, (INPUTS, TARGETS)));
        let shapes = SHAPES.map(|shape| cell(100, shape));
        println!("| {isa} | {peak:.0} | {} | {} |", cells.join(" | "), shapes.join(" | "));
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    kernel(&mut criterion);
    criterion.final_summary();
    table();
}
