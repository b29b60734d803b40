//! How tensors are committed to: a Merkle tree over the digests of rows, or of sketches of blocks of rows. `docs/jobs.md` is
//! the normative text.

pub(crate) mod pack;
mod scheme;
pub mod sketch;
mod tree;

pub use pack::{CELLS_PER_ELEMENT, pack_row, row_digest, row_digests, row_header};
pub use scheme::Scheme;
pub use tree::{EMPTY, RowTree, TreeError, fold_path};

use janction_protocol::Digest;

use crate::tensor::Tensor;

/// Depth of the smallest tree with room for `rows` rows.
#[must_use]
pub const fn depth_for(rows: usize) -> u8 {
    // At most 64, and 0 for one row (or none).
    rows.next_power_of_two().trailing_zeros() as u8
}

/// Root over the rows of a constant: a tree just deep enough for its rows.
#[must_use]
pub fn constant_root(tensor: &Tensor) -> Digest {
    RowTree::of_fitting(row_digests(tensor), depth_for(tensor.rows())).root()
}
