//! Reference semantics of [`MatMul`]: the three lines of its documentation, cell by cell, in 64 bits.

use crate::{operation::MatMul, program::Program, tensor::Cells};

/// The accumulators of one row, one for each output cell. They are not committed to; the audit needs them as a witness.
///
/// # Panics
/// When `input` is not a row of the operand. An accumulator outside 32 bits would contradict the check made by
/// [`Program::new`] and panics too.
#[must_use]
pub fn accumulators(program: &Program, op: &MatMul, input: &Cells) -> Vec<i32> {
    let weights = program.constant(op.weights);
    let inner = weights.rows();
    let mut accumulators = Vec::new();
    for vector in 0..input.len() / inner {
        for j in 0..weights.columns() {
            let mut sum = op.bias.map_or(0, |bias| i64::from(program.constant(bias).get(0, j)));
            for k in 0..inner {
                let a = i64::from(input.get(vector * inner + k)) - i64::from(op.input_zero);
                let b = i64::from(weights.get(k, j)) - i64::from(op.weight_zero.get(j));
                sum += a * b;
            }
            let sum = i32::try_from(sum).expect("the program's accumulators were proven to fit 32 bits");
            accumulators.push(sum);
        }
    }
    accumulators
}

/// The result for one row.
pub(super) fn run(program: &Program, op: &MatMul, input: &Cells) -> Vec<i32> {
    let columns = program.constant(op.weights).columns();
    let accumulators = accumulators(program, op, input);
    accumulators.into_iter().enumerate().map(|(cell, acc)| op.finish(cell % columns, acc)).collect()
}
