//! The row check, natively: what the audit circuits prove of one row, with an error that says what is wrong.

use janction_program::{Cells, Conv, Operation, Program, Requantise, Rounding, Step, Value, reference};
use thiserror::Error;

use crate::{Trace, TraceError};

/// A row that is not what its operation makes of its operands' rows.
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

/// A rounding as a function's name.
const fn round(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::HalfUp => "round",
        Rounding::HalfEven => "round_half_even",
        Rounding::HalfOdd => "round_half_odd",
        Rounding::NearHalfEven => "round_near_half_even",
        Rounding::NearHalfOdd => "round_near_half_odd",
    }
}

/// The rule that makes column `column` of the result of `step`, with its numbers. `values` are the row's cells of the values
/// that the step reads.
fn rule(program: &Program, step: &Step, values: &[Cells], column: usize) -> String {
    let scaled = |acc: i32, r: Requantise, zero: i32, (low, high): (i32, i32)| {
        let round = round(r.rounding);
        format!("clamp({round}({acc} * {} / 2^{}) + {zero}, {low}, {high})", r.multiplier, r.shift)
    };
    let first = &values[0];
    match &step.operation {
        Operation::MatMul(op) => {
            let acc = reference::matmul::accumulators(program, op, first)[column];
            let requantise = op.requantise.get(column % program.constant(op.weights).columns());
            scaled(acc, requantise, op.output_zero, op.clamp)
        }
        Operation::Conv(op) => {
            let Conv { product, .. } = op;
            let acc = reference::conv::accumulators(program, op, first)[column];
            let requantise = product.requantise.get(column / op.window(program).positions());
            scaled(acc, requantise, product.output_zero, product.clamp)
        }
        Operation::AveragePool(op) => {
            let acc = reference::averagepool::accumulators(program, op, first)[column];
            let requantise = op.requantise.get(column % op.window(program).positions());
            scaled(acc, requantise, op.output_zero, op.clamp)
        }
        Operation::Add(op) => {
            let acc = reference::add::accumulators(program, op, first, values.get(1))[column];
            let (zero, (low, high)) = (op.output_zero, op.clamp);
            let round = round(op.rounding);
            format!("clamp({round}({acc} / 2^{}) + {zero}, {low}, {high})", op.shift)
        }
        Operation::Lookup(_) => format!("table[{}]", first.get(column) - first.dtype().min()),
        Operation::MaxPool(_) => "the largest cell of the window".into(),
        // Views are never among the committed operations.
        Operation::Reshape(_) | Operation::Transpose(_) | Operation::Concat(_) => "the same cell".into(),
    }
}

/// Fails unless `cells` are of the type and length of `value`.
fn check_shape(cells: &Cells, value: &Value) -> Result<(), TraceError> {
    if cells.dtype() == value.dtype && cells.len() == value.columns() {
        return Ok(());
    }
    Err(TraceError::Shape {
        operation: value.name.clone(),
        expected: format!("{} cells of {} a row", value.columns(), value.dtype),
        got: format!("{} of {}", cells.len(), cells.dtype()),
    })
}

/// Checks that row `row` of the `operation`-th committed operation's output, `output`, follows from the same row of the
/// tensors that hold its operands, `operands`, in the order of [`Program::operands`].
///
/// # Errors
/// [`RowFault`] with the first wrong cell; [`TraceError`] when the rows do not fit the operation, or it does not exist.
pub fn check_row(
    program: &Program,
    operation: usize,
    row: usize,
    operands: &[&Cells],
    output: &Cells,
) -> Result<(), CheckError> {
    let steps = program.committed_steps().len();
    let step = program
        .committed_steps()
        .nth(operation)
        .ok_or(TraceError::TensorCount { expected: steps, got: operation + 1 })?;
    let sources = program.operands(step);
    if sources.len() != operands.len() {
        let (expected, got) = (sources.len(), operands.len());
        return Err(CheckError::Trace(TraceError::OperandCount {
            operation: step.output.name.clone(),
            expected,
            got,
        }));
    }
    for (cells, &source) in operands.iter().zip(&sources) {
        check_shape(cells, program.tensor(source))?;
    }
    check_shape(output, &step.output)?;
    let place = |source| sources.iter().position(|s| *s == source).unwrap_or_default();
    let values: Vec<Cells> = step
        .operation
        .inputs()
        .iter()
        .map(|&id| program.gather(id, |source| operands[place(source)]))
        .collect();
    let expected = reference::apply(program, step, &values);
    match (0..output.len()).find(|&column| expected.get(column) != output.get(column)) {
        None => Ok(()),
        Some(column) => Err(CheckError::Fault(RowFault {
            operation: step.output.name.clone(),
            kind: step.operation.kind().name(),
            row,
            column,
            rule: rule(program, step, &values, column),
            expected: expected.get(column),
            got: output.get(column),
        })),
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
        let rows: Vec<Cells> =
            program.operands(step).into_iter().map(|source| self.at(source).tensor().row(row)).collect();
        let rows: Vec<&Cells> = rows.iter().collect();
        check_row(program, operation, row, &rows, &self.tensors()[operation].tensor().row(row))
    }
}
