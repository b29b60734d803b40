//! Sizes that decide how a program is audited. They are part of every audit key: changing one changes the keys.

/// log2 of the rows of circuit that a piece should have: as many row checks go into one as fit.
pub(crate) const PIECE_BITS: usize = 14;
/// log2 of the rows of circuit of pieces that are not joined: circuits are made in a quarter of the time and memory, and fewer
/// rows of the last piece are empty.
pub(crate) const PROOF_PIECE_BITS: usize = 12;
/// log2 of the rows of circuit that a piece may have when one row of one operation does not fit 2^14. At 2^17 the weakest proof of
/// the whole would fall below 100 conjectured bits.
pub const MAX_PIECE_BITS: usize = 16;
/// Most weights of all of a program's operations: 2^26. They are held in memory while the circuits are built.
pub const MAX_AUDITED_WEIGHTS: usize = 1 << 26;
/// Most multiply-adds of a row of all operations: 2^32. A row is computed when the circuits are built.
pub const MAX_AUDITED_WORK: usize = 1 << 32;
/// Most rows of circuit that the check of a row (under scheme 2 of a block, or of four draws) of all operations takes: 2^19, which is 32 stages of the usual size. All of
/// their circuits are in memory at once, 0.2 GB each.
pub const MAX_AUDITED_ROWS: usize = 1 << 19;
/// Most cells that a row of all operations' operands has: 2^24, likewise.
pub const MAX_AUDITED_CELLS: usize = 1 << 24;
/// Most tensor rows in a piece under `full`: 2^10.
pub(crate) const MAX_PIECE_ROW_BITS: usize = 10;
/// Most groups of four draws in a piece under `rows`.
pub(crate) const MAX_PIECE_BLOCKS: usize = 64;
