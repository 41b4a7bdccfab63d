//! What a worker counts while it trains.

/// Sums over the batches that a worker has trained.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WorkerStats {
    /// In-vocabulary tokens read.
    pub(crate) tokens: u64,
    /// Tokens that subsampling kept.
    pub(crate) kept: u64,
    /// The loss of all examples; 0 unless [`Config::compute_loss`](crate::Config::compute_loss).
    pub(crate) loss: f64,
    /// Examples: in skip-gram pairs of a centre and a context word, in CBOW centres.
    pub(crate) examples: u64,
}
