//! Rows of floats and what is done to them: the one computation that every model of the family shares.
//!
//! A block has `n` input rows X and `t` target rows Y. For each pair, A is the number of times that the target is a
//! positive example of the input, and B the number of times that it is an example at all: A = B = 1 for a positive pair,
//! A = 0 and B = 1 for a negative one. With the learning rate `lr`:
//!
//! ```text
//! G = (A − B·σ(X·Yᵀ)) · lr      (n × t)
//! X += G·Y        Y += Gᵀ·X_old
//! ```
//!
//! (Mikolov et al. 2013, equation 4 and its gradient; for a batch of inputs as in Ji et al. 2016, "Parallelizing
//! Word2Vec in Shared and Distributed Memory".) A model family decides which rows are inputs and which are targets; this
//! module knows nothing of words.
//!
//! | file | content |
//! |---|---|
//! | `matrix`, `memory`, `mapping`, `buffer` | the rows, where they lie, and scratch memory |
//! | `growing` | numbers that grow where they lie |
//! | `lanes` | what the kernel needs of a register: `x86`, `neon` and `portable` implement it |
//! | `isa`, `dispatch` | the choice of an instruction set, and one function for all of them |
//! | `block` | the block update |
//! | `pool` | several rows pooled into one, and its change given back |
//! | `weighted` | the weighted sum of rows that lie anywhere, for lookups |
//! | `dot`, `product`, `codes` | dot products, and products of many queries with many rows, in whole and in 8 bits, for search |
//! | `prefetch` | requests to the cache |
//! | `peak` | the machine's peak, for the benchmark |

// Indexed loops over arrays of known length unroll into registers. Iterators and `array::map` may not be inlined, and
// code that is not inlined is compiled without the instruction set that the caller enabled.
#[allow(clippy::needless_range_loop, reason = "see above")]
mod block;
mod buffer;
#[allow(clippy::needless_range_loop, reason = "see above")]
mod codes;
mod dispatch;
#[allow(clippy::needless_range_loop, reason = "see above")]
mod dot;
mod growing;
mod isa;
#[allow(clippy::undocumented_unsafe_blocks, reason = "the contract of every method is that of the trait")]
mod lanes;
mod mapping;
mod matrix;
mod memory;
#[cfg(target_arch = "aarch64")]
#[allow(clippy::undocumented_unsafe_blocks, reason = "the contract of every method is that of the trait")]
mod neon;
mod peak;
mod pool;
#[allow(clippy::undocumented_unsafe_blocks, reason = "the contract of every method is that of the trait")]
mod portable;
mod prefetch;
#[allow(clippy::needless_range_loop, reason = "see above")]
mod product;
#[allow(clippy::needless_range_loop, reason = "see above")]
mod weighted;
#[cfg(target_arch = "x86_64")]
#[allow(clippy::undocumented_unsafe_blocks, reason = "the contract of every method is that of the trait")]
mod x86;

pub use block::{Block, Scratch, train_block};
pub(crate) use buffer::AlignedBuffer;
pub(crate) use codes::{CodedQueries, Codes, PANEL, find_above_in_codes, has_codes};
pub(crate) use dot::{dot, dots};
pub(crate) use growing::{Growing, Number};
pub use isa::Isa;
pub(crate) use matrix::store_relaxed;
pub use matrix::{MAX_WIDTH, Matrix};
pub(crate) use memory::zeros;
pub use peak::fma_peak;
pub(crate) use pool::{Pooled, pool_rows, spread_change};
pub(crate) use prefetch::{prefetch, prefetch_row};
pub(crate) use product::{Found, Panel, Queries, find_above};
pub(crate) use weighted::weighted_sum;

#[cfg(test)]
mod tests;
