//! Limits of a tensor program. They keep a hostile job binary from exhausting memory and keep every
//! statement that the audit circuits make within the field.

/// Longest name of a program, value or constant, in bytes.
pub const MAX_NAME: usize = 64;
/// Most dimensions of a row.
pub const MAX_RANK: usize = 8;
/// Most cells in a row of any tensor: 2^20.
pub const MAX_COLUMNS: usize = 1 << 20;
/// Most rows of a constant: 2^20.
pub const MAX_CONSTANT_ROWS: usize = 1 << 20;
/// Most cells in all constants together: 2^30.
pub const MAX_CONSTANT_CELLS: usize = 1 << 30;
/// Most constants.
pub const MAX_CONSTANTS: usize = 8192;
/// Most operations.
pub const MAX_OPERATIONS: usize = 4096;
/// Most operands of a concatenation.
pub const MAX_OPERANDS: usize = 64;
/// Most committed tensors that the rows of one value, or all operands of one operation, lie in.
pub const MAX_SOURCES: usize = 64;
/// Most views besides reshapes that stand on one another, so that finding a cell takes few steps.
pub const MAX_VIEWS: usize = 32;
/// Largest depth of an activation's row tree: at most 2^24 rows in a job.
pub const MAX_DEPTH: u8 = 24;
/// Largest log2 of the rows in a block of commitment scheme 2.
pub const MAX_BLOCK_BITS: u8 = 10;
/// Most polynomials of 512 cells in a block of commitment scheme 2: 2^21 cells.
pub const MAX_BLOCK_POLYNOMIALS: usize = 1 << 12;
/// Largest encoded graph (everything but the constants' cells), in bytes.
pub const MAX_GRAPH_BYTES: usize = 1 << 26;
/// Accumulators are proven to stay at or below this in absolute value: 2^31 - 1.
pub const MAX_ACCUMULATOR: i64 = i32::MAX as i64;
/// Requantisation multipliers are at least 1 and below this: 2^31.
pub const MULTIPLIER_END: u32 = 1 << 31;
/// Requantisation shifts are at least 1 and at most this.
pub const MAX_SHIFT: u8 = 62;
