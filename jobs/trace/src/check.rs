//! The row check, natively: what the audit circuits prove of one row, with an error that says what is wrong.

use janction_program::{Cells, Operation, Program, Tensor, reference};
use thiserror::Error;

use crate::{Trace, TraceError};

/// A row that is not what its operation makes of its operand's row.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "operation {operation:?} ({kind}), row {row}, column {column}: {got} was committed to, but the rule {rule} gives \
     {expected}"
)]
pub struct RowFault {
    /// Name of the operation's output.
    pub operation: String,
    /// The operation.
    pub kind: &'static str,
    /// The row.
    pub row: usize,
    /// The first wrong column.
    pub column: usize,
    /// The rule that does not hold, in words.
    pub rule: String,
    /// The right cell.
    pub expected: i32,
    /// The committed one.
    pub got: i32,
}

/// Why a row check could not be done or failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckError {
    /// The row is wrong.
    #[error(transparent)]
    Fault(#[from] RowFault),
    /// The rows are not of the operation's shape or type.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// Checks that row `row` of the `operation`-th committed operation's output, `output`, follows from the same row of
/// its operand, `input`.
///
/// # Errors
/// [`RowFault`] with the first wrong cell; [`TraceError`] when the rows do not fit the operation, or it does not exist.
pub fn check_row(
    program: &Program,
    operation: usize,
    row: usize,
    input: &Cells,
    output: &Cells,
) -> Result<(), CheckError> {
    let steps = program.committed_steps().len();
    let step = program
        .committed_steps()
        .nth(operation)
        .ok_or(TraceError::TensorCount { expected: steps, got: operation + 1 })?;
    for (cells, value) in [(input, program.value(step.operation.input())), (output, &step.output)] {
        if cells.dtype() != value.dtype || cells.len() != value.columns() {
            return Err(CheckError::Trace(TraceError::Shape {
                operation: value.name.clone(),
                expected: format!("{} cells of {} a row", value.columns(), value.dtype),
                got: format!("{} of {}", cells.len(), cells.dtype()),
            }));
        }
    }
    match &step.operation {
        Operation::MatMul(op) => {
            let tensor = Tensor::new(1, input.len(), input.clone()).map_err(TraceError::from)?;
            let accumulators = reference::matmul::accumulators(program, op, &tensor, 0);
            for (column, accumulator) in accumulators.into_iter().enumerate() {
                let (expected, got) = (op.finish(column, accumulator), output.get(column));
                if expected != got {
                    let requantise = op.requantise.get(column);
                    return Err(CheckError::Fault(RowFault {
                        operation: step.output.name.clone(),
                        kind: step.operation.kind().name(),
                        row,
                        column,
                        rule: format!(
                            "clamp(round({accumulator} * {} / 2^{}) + {}, {}, {})",
                            requantise.multiplier, requantise.shift, op.output_zero, op.clamp.0, op.clamp.1
                        ),
                        expected,
                        got,
                    }));
                }
            }
            Ok(())
        }
        // A view is never among the committed operations.
        Operation::Reshape(_) => Ok(()),
    }
}

impl Trace {
    /// Checks row `row` of the `operation`-th committed operation against the trace's own rows.
    ///
    /// # Errors
    /// As [`check_row`].
    ///
    /// # Panics
    /// When the trace has no such row, or `program` is not the traced one.
    pub fn check_row(&self, program: &Program, operation: usize, row: usize) -> Result<(), CheckError> {
        let steps = program.committed_steps().len();
        let step = program
            .committed_steps()
            .nth(operation)
            .ok_or(TraceError::TensorCount { expected: steps, got: operation + 1 })?;
        let input = self.value(program, step.operation.input()).tensor().row(row);
        check_row(program, operation, row, &input, &self.tensors()[operation].tensor().row(row))
    }
}
