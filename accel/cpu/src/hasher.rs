use plonky2::plonk::config::Hasher;

use crate::F;
use crate::columns::Columns;

/// Plonky2's hasher `H` on many inputs at once, for provers: what takes their time.
///
/// Results are those of `H`, hash by hash. Methods spread their work over the threads of the current pool.
///
/// The trait stands here because circuits, which define hashers, and the engine, which needs them fast, may not know
/// each other.
pub trait TreeHasher<H: Hasher<F>>: Send + Sync {
    /// `hash_or_noop` of each row.
    fn rows(&self, rows: &Columns) -> Vec<H::Hash>;

    /// `two_to_one` of each pair of neighbours; a last one without neighbour is left out.
    fn pairs(&self, children: &[H::Hash]) -> Vec<H::Hash>;

    /// The last of the elements that the sponge yields when the element at `position` is set to a nonce and the state
    /// permuted, for each of the nonces `first..first + count`: what Plonky2's proof of work looks at.
    fn responses(&self, sponge: &H::Permutation, position: usize, first: u64, count: usize) -> Vec<F>;
}
