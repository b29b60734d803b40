//! How many rows are computed together, by the memory that there is.

use janction_program::{Operation, Program, Step};

use super::prepared::Prepared;
use super::tensor::pitch;
use crate::ExecutorError;

/// Kernels count the cells of a tensor in 32 bits.
const MOST_CELLS: usize = 1 << 31;
/// Bytes of a row's digest.
const DIGEST: u64 = 32;
/// Rows are computed in parts of which this many are on the device: one is computed while the one before it is hashed and
/// copied.
pub(super) const PARTS: u64 = 2;

/// What a program takes on the device.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// Bytes of the constants.
    pub constants: u64,
    /// Bytes of a row in all tensors.
    row: u64,
    /// Bytes of a row that some operation takes while it runs.
    scratch: u64,
    /// Whatever the rows: bytes that some product takes while it runs. It does without where there are none.
    library: u64,
    /// Cells of the widest row.
    widest: usize,
    /// The operation that takes most.
    hungriest: String,
}

/// Whether the result of `step` is a tensor of its own on the device: other views than reshapes are.
fn has_tensor(step: &Step) -> bool {
    !matches!(step.operation, Operation::Reshape(_))
}

impl Need {
    /// What `program` takes; `library` says what a product with so many cells in a vector and columns may take besides.
    pub fn of(program: &Program, library: impl Fn(usize, usize) -> u64) -> Self {
        let input = program.input().columns();
        let tensor = |columns: usize| pitch(columns) as u64 + DIGEST;
        let mut need = Self {
            constants: 0,
            row: tensor(input),
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
                need.row += tensor(columns);
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

    /// What a job of `rows` rows takes at least: one row is computed at a time, and while it is, the part before it may still be
    /// there.
    pub fn least(&self, rows: usize) -> u64 {
        let parts = PARTS.min(rows as u64).max(1);
        self.constants.saturating_add(parts.saturating_mul(self.row)).saturating_add(self.scratch)
    }

    /// Refuses a program of which `rows` rows do not fit `limit` bytes, not even one at a time.
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
            constants: self.constants,
            needed,
            given: limit,
        })
    }

    /// Rows to compute together of `rows`, when the constants are there and `free` bytes are left: all, or as many as leave
    /// room for the part before them. At least one, even where that will not fit: then the device says so.
    pub fn rows_at_once(&self, rows: usize, free: u64, most: usize) -> usize {
        // Half of what is left in any case: a library's sums must not drive the rows away.
        let free = free.saturating_sub(self.library.min(free / 2));
        let most = most.min(MOST_CELLS / self.widest).max(1);
        let fitting =
            |parts: u64| usize::try_from(free / (parts * self.row + self.scratch)).unwrap_or(usize::MAX);
        let at_once = if fitting(1) >= rows && rows <= most { rows } else { fitting(PARTS) };
        at_once.clamp(1, most)
    }
}

#[cfg(test)]
mod tests {
    use janction_program::test_utils::random_program;

    use super::*;

    #[test]
    fn parts_fit_beside_each_other() {
        let need =
            Need { constants: 0, row: 100, scratch: 50, library: 1000, widest: 60, hungriest: "y".into() };
        assert_eq!(need.rows_at_once(10, 1000 + 10 * 150, 100), 10, "all at once");
        assert_eq!(need.rows_at_once(11, 1000 + 10 * 150, 100), 6, "two parts");
        assert_eq!(need.rows_at_once(1000, 1 << 30, 100), 100);
        assert_eq!(need.rows_at_once(5, 0, 100), 1);
        assert_eq!(need.rows_at_once(10, 1500, 100), 3, "half of it, in two parts");
        let wide = Need { widest: MOST_CELLS / 3, ..need };
        assert_eq!(wide.rows_at_once(1000, u64::MAX, 100), 3);
    }

    #[test]
    fn the_least_is_one_row() {
        let program = random_program(3);
        let need = Need::of(&program, |_, _| 7);
        assert!(need.check(&program, 1, need.least(1)).is_ok());
        let error = need.check(&program, 1, need.least(1) - 1).unwrap_err().to_string();
        assert_eq!((need.least(0), need.least(2)), (need.least(1), need.least(1) + need.row));
        assert_eq!(need.least(2), need.least(1000), "a part, and the part before it");
        assert!(error.contains(&need.hungriest) && error.contains("vram_mib"), "{error}");
    }
}
