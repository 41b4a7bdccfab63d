//! Two workers on the same rows, on the portable path, which Miri and ThreadSanitizer can follow.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "only a part of each module is used here")]

mod error {
    //! The part of the crate's errors that its kernel needs.

    use std::io;
    use std::path::Path;

    pub type Result<T, E = Error> = std::result::Result<T, E>;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    pub struct Error(String);

    impl Error {
        pub fn parameter(name: &'static str, reason: impl Into<String>) -> Self {
            Self(format!("{name}: {}", reason.into()))
        }
    }

    pub trait IoContext<T> {
        fn at(self, action: &'static str, path: &Path) -> Result<T>;
    }

    impl<T> IoContext<T> for io::Result<T> {
        fn at(self, action: &'static str, path: &Path) -> Result<T> {
            self.map_err(|source| Error(format!("cannot {action} {}: {source}", path.display())))
        }
    }
}

#[path = "../../../src/kernel/mod.rs"]
mod kernel;

#[cfg(test)]
mod tests {
    use crate::kernel::{Block, Isa, Matrix, Pooled, Scratch, pool_rows, spread_change, train_block};

    const ROWS: u32 = 4;
    const COLUMNS: usize = 20;

    fn matrix() -> Matrix {
        let mut matrix = Matrix::zeros(ROWS as usize, COLUMNS).unwrap();
        (0..ROWS as usize).for_each(|row| matrix.values(row).fill(0.01 * (row + 1) as f32));
        matrix
    }

    #[test]
    fn workers_may_train_the_same_rows_at_the_same_time() {
        let (input, output) = (matrix(), matrix());
        let pairs = [[1.0; 16], [0.0; 16]];
        let work = || {
            let (mut scratch, hidden) = (Scratch::default(), Matrix::zeros(2, COLUMNS).unwrap());
            let pooled = Pooled { row: hidden.row(0), before: hidden.row(1) };
            for step in 0..if cfg!(miri) { 3 } else { 2000 } {
                let rows: Vec<*mut f32> = (0..2).map(|i| input.row((step + i) % ROWS)).collect();
                let targets: Vec<*mut f32> = (0..3).map(|i| output.row((step + i) % ROWS)).collect();
                let stride = input.stride();
                let block = Block {
                    inputs: &rows,
                    targets: &targets,
                    positive: &pairs[(step % 2) as usize],
                    total: &pairs[0],
                    next: [&targets, &[]],
                    stride,
                    rate: 0.1,
                };
                // SAFETY: rows of matrices of equal stride; the portable path is always available.
                unsafe {
                    train_block(Isa::Portable, &block, &mut scratch);
                    pool_rows(Isa::Portable, &rows, 0.5, pooled, stride);
                    spread_change(Isa::Portable, pooled, &rows, 0.5, stride);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(work);
            }
        });
        for matrix in [input, output] {
            for row in 0..ROWS {
                // SAFETY: no worker is left.
                let values = unsafe { std::slice::from_raw_parts(matrix.row(row), COLUMNS) };
                assert!(values.iter().all(|value| value.is_finite()));
            }
        }
    }

    #[test]
    fn rows_may_be_added_and_written_while_a_worker_pools_the_others() {
        let mut matrix = Matrix::growing(ROWS as usize, COLUMNS).unwrap();
        (0..ROWS as usize).for_each(|row| matrix.values(row).fill(0.5));
        let steps = if cfg!(miri) { 3 } else { 500 };
        let pool = || {
            let hidden = Matrix::zeros(2, COLUMNS).unwrap();
            let pooled = Pooled { row: hidden.row(0), before: hidden.row(1) };
            let rows: Vec<*mut f32> = (0..ROWS).map(|row| matrix.row(row)).collect();
            for _ in 0..steps {
                // SAFETY: rows of matrices of equal stride; the portable path is always available.
                let values = unsafe {
                    pool_rows(Isa::Portable, &rows, 0.25, pooled, matrix.stride());
                    std::slice::from_raw_parts(pooled.row, COLUMNS)
                };
                assert!(values.iter().all(|&value| (0.0..=0.5).contains(&value)));
            }
        };
        let grow = || {
            let mut grown = matrix.grown(ROWS as usize + 1).unwrap();
            for step in 1..steps {
                grown = grown.grown(ROWS as usize + 1 + step).unwrap();
                grown.write(grown.rows() - 1, &[1.0; COLUMNS]);
                grown.write(0, &[0.25; COLUMNS]);
            }
            grown
        };
        let grown = std::thread::scope(|scope| {
            scope.spawn(pool);
            scope.spawn(grow).join().unwrap()
        });
        assert_eq!((grown.row(0), grown.rows()), (matrix.row(0), ROWS as usize + steps));
        // SAFETY: no worker is left.
        assert_eq!(unsafe { (*matrix.row(0), *grown.row(ROWS + 1)) }, (0.25, 1.0));
    }
}
