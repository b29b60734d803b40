//! What a program means: slow and obviously right. Every executor must give these bits.

pub mod matmul;
pub mod reshape;

use crate::{
    error::ProgramError,
    operation::Operation,
    program::{Program, Source},
    tensor::Tensor,
};

/// Runs `program` on `input` and returns the committed tensors in the order of [`Program::committed_steps`].
/// The last one holds the output's rows.
///
/// # Errors
/// [`ProgramError::Input`] when the input does not fit the program.
pub fn run(program: &Program, input: &Tensor) -> Result<Vec<Tensor>, ProgramError> {
    program.check_input(input)?;
    let mut trace: Vec<Tensor> = Vec::new();
    for step in program.steps() {
        let operand = match program.source(step.operation.input()) {
            Source::Input => input,
            Source::Trace(k) => &trace[k],
        };
        let result = match &step.operation {
            Operation::MatMul(op) => matmul::run(program, op, operand, step.output.dtype),
            Operation::Reshape(_) => reshape::run(operand),
        };
        if !step.operation.kind().is_view() {
            trace.push(result);
        }
    }
    Ok(trace)
}
