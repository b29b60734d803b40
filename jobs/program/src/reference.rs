//! What a program means: slow and obviously right. Every executor must give these bits.

pub mod add;
pub mod averagepool;
pub mod concat;
pub mod conv;
pub mod lookup;
pub mod matmul;
pub mod maxpool;
pub mod reshape;
pub mod transpose;

use crate::{
    error::ProgramError,
    operation::Operation,
    program::{Program, Step},
    tensor::{Cells, Tensor},
};

/// What `step` makes of one row. `operands` are the row's cells of the values that the operation reads, in the order of
/// [`Operation::inputs`].
///
/// # Panics
/// When the step is not of `program`, or the operands are not of its shapes and types. An accumulator outside its bound
/// would contradict the check made by [`Program::new`] and panics too.
#[must_use]
pub fn apply(program: &Program, step: &Step, operands: &[Cells]) -> Cells {
    let first = &operands[0];
    let values = match &step.operation {
        Operation::MatMul(op) => matmul::run(program, op, first),
        Operation::Reshape(_) => reshape::run(first),
        Operation::Conv(op) => conv::run(program, op, first),
        Operation::Add(op) => add::run(program, op, first, operands.get(1)),
        Operation::Lookup(op) => lookup::run(program, op, first),
        Operation::MaxPool(op) => maxpool::run(program, op, first),
        Operation::AveragePool(op) => averagepool::run(program, op, first),
        Operation::Transpose(op) => transpose::run(program, op, first),
        Operation::Concat(op) => concat::run(program, op, operands),
    };
    let values: Vec<i64> = values.into_iter().map(i64::from).collect();
    Cells::from_values(step.output.dtype, &values).expect("every result lies in the range of its type")
}

/// All values of a program for one row of its input: the input, then the result of each step, views too.
///
/// # Panics
/// When the row does not fit the program.
#[must_use]
pub fn run_row(program: &Program, input: Cells) -> Vec<Cells> {
    let mut values = vec![input];
    for step in program.steps() {
        let operands: Vec<Cells> = step.operation.inputs().iter().map(|id| values[id.0].clone()).collect();
        values.push(apply(program, step, &operands));
    }
    values
}

/// Runs `program` on `input` and returns the committed tensors in the order of [`Program::committed_steps`].
///
/// # Errors
/// [`ProgramError::Input`] when the input does not fit the program.
pub fn run(program: &Program, input: &Tensor) -> Result<Vec<Tensor>, ProgramError> {
    program.check_input(input)?;
    let mut trace: Vec<Vec<i64>> = program.committed_steps().map(|_| Vec::new()).collect();
    for row in 0..input.rows() {
        let values = run_row(program, input.row(row));
        let steps = program.steps().iter().zip(&values[1..]);
        let committed = steps.filter(|(step, _)| !step.operation.kind().is_view());
        for (tensor, (_, cells)) in trace.iter_mut().zip(committed) {
            tensor.extend((0..cells.len()).map(|i| i64::from(cells.get(i))));
        }
    }
    let tensors = program.committed_steps().zip(&trace).map(|(step, values)| {
        let cells = Cells::from_values(step.output.dtype, values).expect("the cells were of this type");
        Tensor::new(input.rows(), step.output.columns(), cells).expect("every row was computed")
    });
    Ok(tensors.collect())
}
