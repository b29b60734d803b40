//! Sizes that decide how a program is audited. They are part of every audit key: changing one changes the keys.

/// Largest product (weights of one operation) that is checked by recomputation: 2^17 weights, constants of the circuit.
/// Larger ones want Freivalds' check, whose cost a row is that of a row and not of the matrix.
pub(crate) const MAX_RECOMPUTED_WEIGHTS: usize = 1 << 17;
/// log2 of the rows of circuit that a piece should have: as many row checks go into one as fit.
pub(crate) const PIECE_BITS: usize = 14;
/// log2 of the rows of circuit that a piece may have: three such proofs must fit into a leaf of the tree.
pub const MAX_PIECE_BITS: usize = 14;
/// Most tensor rows in a piece under `full`: 2^8.
pub(crate) const MAX_PIECE_ROW_BITS: usize = 8;
/// Most groups of four draws in a piece under `rows`.
pub(crate) const MAX_PIECE_BLOCKS: usize = 64;
