//! Every path against a plain f64 reference written from the formula.

use proptest::prelude::*;

use super::*;

fn dot(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// X, Y after one block, in f64.
fn reference(
    x: &[Vec<f32>],
    y: &[Vec<f32>],
    positive: &[f32],
    total: &[f32],
    rate: f32,
) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let wide = |m: &[Vec<f32>]| m.iter().map(|r| r.iter().map(|&v| f64::from(v)).collect()).collect::<Vec<Vec<f64>>>();
    let (x_old, y_old) = (wide(x), wide(y));
    let (mut x_new, mut y_new) = (x_old.clone(), y_old.clone());
    for i in 0..x.len() {
        for j in 0..y.len() {
            let dot = dot(&x[i], &y[j]);
            let (a, b) = (f64::from(positive[i * y.len() + j]), f64::from(total[i * y.len() + j]));
            if dot.abs() >= 6.0 {
                continue;
            }
            let gain = (a - b / (1.0 + (-dot).exp())) * f64::from(rate);
            for d in 0..x[i].len() {
                x_new[i][d] += gain * y_old[j][d];
                y_new[j][d] += gain * x_old[i][d];
            }
        }
    }
    (x_new, y_new)
}

/// Σ −A·ln σ(x·y) − (B − A)·ln σ(−x·y), in f64.
fn reference_loss(x: &[Vec<f32>], y: &[Vec<f32>], positive: &[f32], total: &[f32]) -> f64 {
    let log_sigmoid = |v: f64| -(-v).exp().ln_1p();
    let mut loss = 0.0;
    for i in 0..x.len() {
        for j in 0..y.len() {
            let dot = dot(&x[i], &y[j]);
            let (a, b) = (f64::from(positive[i * y.len() + j]), f64::from(total[i * y.len() + j]));
            loss -= a * log_sigmoid(dot) + (b - a) * log_sigmoid(-dot);
        }
    }
    loss
}

/// A and B of `count` pairs, padded to whole registers.
fn pairs(count: usize, pair: impl Fn(usize) -> (usize, usize)) -> (Vec<f32>, Vec<f32>) {
    let mut both = (vec![0.0; count.next_multiple_of(MAX_WIDTH)], vec![0.0; count.next_multiple_of(MAX_WIDTH)]);
    for i in 0..count {
        let (a, b) = pair(i);
        (both.0[i], both.1[i]) = (a as f32, b as f32);
    }
    both
}

fn matrix(rows: &[Vec<f32>]) -> Matrix {
    let mut m = Matrix::zeros(rows.len(), rows[0].len()).unwrap();
    rows.iter().enumerate().for_each(|(i, row)| m.values(i).copy_from_slice(row));
    m
}

fn pointers(m: &Matrix) -> Vec<*mut f32> {
    (0..m.rows() as u32).map(|i| m.row(i)).collect()
}

fn assert_close(m: &mut Matrix, want: &[Vec<f64>], what: &str) {
    for (i, row) in want.iter().enumerate() {
        for (got, want) in m.values(i).iter().zip(row) {
            assert!((f64::from(*got) - want).abs() < 1e-5, "{what} row {i}: {got} instead of {want}");
        }
    }
}

fn rows(n: std::ops::Range<usize>, d: usize) -> impl Strategy<Value = Vec<Vec<f32>>> {
    prop::collection::vec(prop::collection::vec(-0.8f32..0.8, d), n)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 200 }))]

    #[test]
    fn one_block_equals_the_formula_on_every_path(
        (x, y) in (1usize..70).prop_flat_map(|d| (rows(1..12, d), rows(1..28, d))),
        rate in 0.0f32..0.5,
    ) {
        let (positive, total) = pairs(x.len() * y.len(), |pair| ((pair % 3 % 2).min(pair % 4), pair % 4));
        let products: Vec<f64> = x.iter().flat_map(|x| y.iter().map(|y| dot(x, y))).collect();
        prop_assume!(products.iter().all(|product| (product.abs() - 6.0).abs() > 1e-4), "rounding decides whether a pair is saturated");
        let (x_want, y_want) = reference(&x, &y, &positive, &total, rate);
        let loss_want = reference_loss(&x, &y, &positive, &total);
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let (mut x, mut y) = (matrix(&x), matrix(&y));
            let (inputs, targets) = (pointers(&x), pointers(&y));
            let stride = x.stride();
            let block = Block { inputs: &inputs, targets: &targets, positive: &positive, total: &total, next: [&[], &[]], stride, rate };
            let mut scratch = Scratch::default();
            // SAFETY: the rows are those of two matrices of equal stride.
            unsafe { train_block(isa, &block, &mut scratch) };
            prop_assert!((scratch.loss(&block) - loss_want).abs() < 1e-4 * (1.0 + loss_want), "{isa} loss");
            assert_close(&mut x, &x_want, &format!("{isa} input"));
            assert_close(&mut y, &y_want, &format!("{isa} target"));
        }
    }

    #[test]
    fn a_weighted_sum_is_that_of_double_precision(
        (rows, weights) in (1usize..300, 1usize..9)
            .prop_flat_map(|(d, n)| (rows(n..n + 1, d), prop::collection::vec(-2.0f32..2.0, n))),
    ) {
        let slices: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let mut sum = vec![7.0; rows[0].len()];
            // SAFETY: all rows have this length, and there is a weight for each.
            unsafe { weighted::weighted_sum_on(isa, &slices, &weights, 0.5, &mut sum) };
            for (column, &got) in sum.iter().enumerate() {
                let products = rows.iter().zip(&weights).map(|(row, &weight)| f64::from(weight) * f64::from(row[column]));
                let want = 0.5 * products.sum::<f64>();
                prop_assert!((f64::from(got) - want).abs() < 1e-4, "{isa}: {got} instead of {want}");
            }
        }
    }

    #[test]
    fn pooling_and_spreading_give_a_context_its_share_of_the_change(context in (1usize..40).prop_flat_map(|d| rows(1..9, d))) {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let mut m = matrix(&context);
            let (pointers, stride) = (pointers(&m), m.stride());
            let mut hidden = AlignedBuffer::default();
            let hidden = hidden.at_least(2 * stride);
            // SAFETY: the buffer has room for two rows.
            let to = Pooled { row: hidden, before: unsafe { hidden.add(stride) } };
            let share = 1.0 / context.len() as f32;
            // SAFETY: the rows are those of a matrix, and of the buffer.
            let pooled = unsafe {
                pool_rows(isa, &pointers, share, to, stride);
                let pooled = *hidden;
                *hidden += 0.5;
                spread_change(isa, to, &pointers, 0.5, stride);
                pooled
            };
            let mean: f64 = context.iter().map(|row| f64::from(row[0])).sum::<f64>() / context.len() as f64;
            prop_assert!((f64::from(pooled) - mean).abs() < 1e-5);
            for (i, row) in context.iter().enumerate() {
                prop_assert!((m.values(i)[0] - row[0] - 0.25).abs() < 1e-5);
                prop_assert_eq!(m.values(i).get(1), row.get(1));
            }
        }
    }
}

#[test]
fn pairs_with_a_saturated_sigmoid_are_left_alone() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        for a in [6.0, -6.0, 1e4, -1e4, f32::MAX] {
            let (mut x, mut y) = (matrix(&[vec![a]]), matrix(&[vec![1.0]]));
            let (inputs, targets) = (pointers(&x), pointers(&y));
            let (positive, total) = pairs(1, |_| (1, 1));
            let block = Block {
                inputs: &inputs,
                targets: &targets,
                positive: &positive,
                total: &total,
                next: [&[], &[]],
                stride: x.stride(),
                rate: 1.0,
            };
            // SAFETY: as above.
            unsafe { train_block(isa, &block, &mut Scratch::default()) };
            assert_eq!((x.values(0)[0], y.values(0)[0]), (a, 1.0), "{isa}");
        }
    }
}
