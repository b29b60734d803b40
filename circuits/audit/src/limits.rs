//! Sizes that decide how a program is audited. They are part of every audit key: changing one changes the keys.

/// log2 of the rows of circuit that a piece should have: as many row checks go into one as fit.
pub(crate) const PIECE_BITS: usize = 14;
/// log2 of the rows of circuit that a piece may have when one row of one operation does not fit 2^14.
pub const MAX_PIECE_BITS: usize = 17;
/// Most tensor rows in a piece under `full`: 2^10.
pub(crate) const MAX_PIECE_ROW_BITS: usize = 10;
/// Most groups of four draws in a piece under `rows`.
pub(crate) const MAX_PIECE_BLOCKS: usize = 64;
