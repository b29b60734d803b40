//! How many rows are computed together, by the memory that there is.

use janction_program::commitment::Scheme;
use janction_program::commitment::sketch::{SKETCH_BYTES, polynomials};
use janction_program::{Operation, Program, Step};

use super::prepared::Prepared;
use super::sketch::Multipliers;
use super::tensor::pitch;
use crate::ExecutorError;

/// Kernels count the cells of a tensor in 32 bits.
const MOST_CELLS: usize = 1 << 31;
/// Bytes of a leaf.
const DIGEST: u64 = 32;
/// Rows are computed in parts of which this many are on the device: one is computed while the one before it is hashed and
/// copied.
pub(super) const PARTS: u64 = 2;

/// What a program takes on the device.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// Bytes of the program's constants.
    pub constants: u64,
    /// What its sketches are made with: constants of the scheme, which programs share.
    pub multipliers: usize,
    /// Rows of a leaf: they are computed together.
    block_rows: usize,
    /// Bytes of a row in all tensors.
    row: u64,
    /// Bytes of a block's leaves in all tensors.
    leaves: u64,
    /// Bytes of a block that its leaf takes while it is made.
    sketch: u64,
    /// Bytes of a row that some operation takes while it runs.
    scratch: u64,
    /// Whatever the rows: bytes that some product takes while it runs. It does without where there are none.
    library: u64,
    /// Cells of the widest row.
    widest: usize,
    /// The operation that takes most.
    hungriest: String,
}

/// Polynomials of the largest block of `rows` rows that a scheme sketches, for tensors of so many cells a row; none where it
/// makes no sketches.
pub(super) fn block_polynomials(scheme: Scheme, rows: usize, columns: impl Iterator<Item = usize>) -> usize {
    match scheme {
        Scheme::Rows => 0,
        Scheme::Sketch { .. } => rows.min(scheme.block_rows()) * columns.map(polynomials).max().unwrap_or(0),
    }
}

/// Bytes that a leaf takes while it is made. Leaves are made on one stream, so that what the one before took is free by then.
const fn sketch_bytes(scheme: Scheme) -> u64 {
    match scheme {
        Scheme::Rows => 0,
        Scheme::Sketch { .. } => SKETCH_BYTES as u64,
    }
}

/// Rows of a tensor of `columns` cells a row to make the leaves of together, when `free` bytes are left: whole blocks, one at
/// least.
pub(super) fn rows_to_commit(scheme: Scheme, columns: usize, free: u64, most: usize) -> usize {
    let rows = scheme.block_rows();
    let block = PARTS * (rows as u64 * pitch(columns) as u64 + DIGEST) + sketch_bytes(scheme);
    let fitting = usize::try_from(free / block).unwrap_or(usize::MAX);
    fitting.clamp(1, (most / rows).max(1)) * rows
}

/// Whether the result of `step` is a tensor of its own on the device: other views than reshapes are.
fn has_tensor(step: &Step) -> bool {
    !matches!(step.operation, Operation::Reshape(_))
}

impl Need {
    /// What `program` takes; `library` says what a product with so many cells in a vector and columns may take besides.
    pub fn of(program: &Program, library: impl Fn(usize, usize) -> u64) -> Self {
        let (scheme, input) = (program.scheme(), program.input().columns());
        let committed = program.committed_steps().map(|step| step.output.columns());
        let leaves = 1 + committed.len() as u64;
        let mut need = Self {
            constants: 0,
            multipliers: block_polynomials(
                scheme,
                program.max_rows(),
                committed.chain(std::iter::once(input)),
            ),
            block_rows: scheme.block_rows(),
            row: pitch(input) as u64,
            leaves: leaves * DIGEST,
            sketch: sketch_bytes(scheme),
            scratch: 0,
            library: 0,
            widest: input,
            hungriest: program.input().name.clone(),
        };
        let mut most = 0;
        for step in program.steps() {
            let columns = if has_tensor(step) { step.output.columns() } else { 0 };
            let (constants, scratch) = (Prepared::bytes(program, step), Prepared::row_bytes(program, step));
            if columns > 0 {
                need.row += pitch(columns) as u64;
            }
            need.constants += constants;
            need.scratch = need.scratch.max(scratch);
            if let Operation::MatMul(op) = &step.operation {
                let weights = program.constant(op.weights);
                need.library = need.library.max(library(weights.rows(), weights.columns()));
            }
            need.widest = need.widest.max(columns);
            let own = constants + scratch + columns as u64;
            if own > most {
                most = own;
                need.hungriest.clone_from(&step.output.name);
            }
        }
        need
    }

    /// Bytes of so many parts of one block each, side by side.
    fn block(&self, parts: u64) -> u64 {
        let rows = self.block_rows as u64;
        let part = rows.saturating_mul(self.row).saturating_add(self.leaves);
        let running = rows.saturating_mul(self.scratch).saturating_add(self.sketch);
        parts.saturating_mul(part).saturating_add(running)
    }

    /// Bytes of the program's constants and the scheme's.
    fn all_constants(&self) -> u64 {
        self.constants.saturating_add(Multipliers::bytes(self.multipliers))
    }

    /// What a job of `rows` rows takes at least: one block of them is computed at a time, and while it is, the part before it may
    /// still be there.
    pub fn least(&self, rows: usize) -> u64 {
        let block = self.block_rows as u64;
        let rows = (rows as u64).clamp(1, PARTS * block);
        let there = rows.saturating_mul(self.row).saturating_add(rows.div_ceil(block) * self.leaves);
        let running = rows.min(block).saturating_mul(self.scratch).saturating_add(self.sketch);
        self.all_constants().saturating_add(there).saturating_add(running)
    }

    /// Refuses a program of which `rows` rows do not fit `limit` bytes, not even one block at a time.
    ///
    /// # Errors
    /// [`ExecutorError::TooLittleMemory`].
    pub fn check(&self, program: &Program, rows: usize, limit: u64) -> Result<(), ExecutorError> {
        let needed = self.least(rows);
        if needed <= limit {
            return Ok(());
        }
        Err(ExecutorError::TooLittleMemory {
            program: program.name().to_owned(),
            operation: self.hungriest.clone(),
            constants: self.all_constants(),
            needed,
            given: limit,
        })
    }

    /// Rows to compute together of `rows`, when the constants are there and `free` bytes are left: all, or as many as leave
    /// room for the part before them. Whole blocks, and at least one, even where that will not fit: then the device says so.
    pub fn rows_at_once(&self, rows: usize, free: u64, most: usize) -> usize {
        // Half of what is left in any case: a library's sums must not drive the rows away.
        let free = free.saturating_sub(self.library.min(free / 2));
        let most = (most.min(MOST_CELLS / self.widest) / self.block_rows).max(1);
        let fitting = |parts: u64| usize::try_from(free / self.block(parts)).unwrap_or(usize::MAX);
        let blocks = rows.div_ceil(self.block_rows);
        let at_once = if fitting(1) >= blocks && blocks <= most { blocks } else { fitting(PARTS) };
        at_once.clamp(1, most) * self.block_rows
    }
}

#[cfg(test)]
mod tests {
    use janction_program::test_utils::random_program;

    use super::*;

    fn need() -> Need {
        Need {
            constants: 0,
            multipliers: 0,
            block_rows: 1,
            row: 68,
            leaves: 32,
            sketch: 0,
            scratch: 50,
            library: 1000,
            widest: 60,
            hungriest: "y".into(),
        }
    }

    #[test]
    fn parts_fit_beside_each_other() {
        let need = need();
        assert_eq!(need.rows_at_once(10, 1000 + 10 * 150, 100), 10, "all at once");
        assert_eq!(need.rows_at_once(11, 1000 + 10 * 150, 100), 6, "two parts");
        assert_eq!(need.rows_at_once(1000, 1 << 30, 100), 100);
        assert_eq!(need.rows_at_once(5, 0, 100), 1);
        assert_eq!(need.rows_at_once(10, 1500, 100), 3, "half of it, in two parts");
        let wide = Need { widest: MOST_CELLS / 3, ..need };
        assert_eq!(wide.rows_at_once(1000, u64::MAX, 100), 3);
    }

    #[test]
    fn parts_are_whole_blocks() {
        // A block of 8 rows takes 8 * 68 + 32 bytes, 8 * 50 more while an operation runs and 1024 while it is sketched.
        let need = Need { block_rows: 8, sketch: 1024, library: 0, ..need() };
        assert_eq!([5, 8, 9, 16].map(|rows| need.least(rows)), [1646, 2000, 2100, 2576]);
        assert_eq!(need.rows_at_once(40, 5 * 2000, 100), 40, "all at once");
        assert_eq!(need.rows_at_once(37, 5 * 2000, 100), 40, "the last one short");
        assert_eq!(need.rows_at_once(50, 5 * 2576, 100), 40, "two parts");
        assert_eq!(need.rows_at_once(50, 5 * 2576 - 1, 100), 32);
        assert_eq!(need.rows_at_once(1000, 1 << 30, 100), 96);
        assert_eq!(need.rows_at_once(1000, 1 << 30, 3), 8, "one block");
        assert_eq!(need.rows_at_once(5, 0, 100), 8);
    }

    #[test]
    fn rows_to_commit_are_whole_blocks() {
        let sketch = Scheme::Sketch { block_bits: 2 };
        assert_eq!(rows_to_commit(Scheme::Rows, 17, 10 * 2 * 64, 100), 10);
        assert_eq!(rows_to_commit(Scheme::Rows, 17, 1 << 30, 100), 100);
        assert_eq!(rows_to_commit(Scheme::Rows, 17, 0, 100), 1);
        // 4 rows of 32 bytes and a leaf, twice, and a sketch.
        let block = 2 * (4 * 32 + 32) + 1024;
        assert_eq!(rows_to_commit(sketch, 17, 3 * block, 100), 12);
        assert_eq!(rows_to_commit(sketch, 17, 3 * block - 1, 100), 8);
        assert_eq!(rows_to_commit(sketch, 17, 1 << 30, 99), 96);
        assert_eq!(rows_to_commit(sketch, 17, 0, 3), 4);
    }

    #[test]
    fn multipliers_are_those_of_the_widest_tensor_and_the_largest_block() {
        let of = |scheme, rows, columns: &[usize]| block_polynomials(scheme, rows, columns.iter().copied());
        assert_eq!(of(Scheme::Rows, 100, &[5000]), 0);
        let sketch = Scheme::Sketch { block_bits: 3 };
        assert_eq!(of(sketch, 100, &[512, 513, 1]), 16);
        assert_eq!(of(sketch, 5, &[512, 513, 1]), 10);
        assert_eq!(of(sketch, 5, &[]), 0);
    }

    #[test]
    fn the_least_is_one_block() {
        let program = random_program(3);
        for scheme in [Scheme::Rows, Scheme::Sketch { block_bits: 1 }] {
            let program = program.clone().with_scheme(scheme).unwrap();
            let need = Need::of(&program, |_, _| 7);
            assert!(need.check(&program, 1, need.least(1)).is_ok());
            let error = need.check(&program, 1, need.least(1) - 1).unwrap_err().to_string();
            let rows = scheme.block_rows();
            let more = (rows as u64 - 1) * (need.row + need.scratch);
            assert_eq!((need.least(0), need.least(rows)), (need.least(1), need.least(1) + more));
            assert_eq!(need.least(rows + 1), need.least(rows) + need.row + need.leaves);
            let part = rows as u64 * need.row + need.leaves;
            assert_eq!(need.least(2 * rows), need.least(rows) + part, "a part, and the part before it");
            assert_eq!(need.least(2 * rows), need.least(1000));
            assert!(error.contains(&need.hungriest) && error.contains("vram_mib"), "{error}");
        }
    }
}
