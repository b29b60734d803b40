//! Reference semantics of [`AveragePool`].

use crate::{operation::AveragePool, program::Program, tensor::Cells};

/// The sums of one row, one for each output cell.
///
/// # Panics
/// When `input` is not a row of the operand.
#[must_use]
pub fn accumulators(program: &Program, op: &AveragePool, input: &Cells) -> Vec<i32> {
    let window = op.window(program);
    let mut accumulators = Vec::new();
    for c in 0..window.channels {
        for y in 0..window.output[0] {
            for x in 0..window.output[1] {
                let cells = window.cells(y, x).map(|(_, place)| input.get(c * window.plane() + place));
                accumulators.push(cells.map(|cell| cell - op.input_zero).sum());
            }
        }
    }
    accumulators
}

/// The result for one row.
pub(super) fn run(program: &Program, op: &AveragePool, input: &Cells) -> Vec<i32> {
    let positions = op.window(program).positions();
    let accumulators = accumulators(program, op, input);
    accumulators.into_iter().enumerate().map(|(cell, acc)| op.finish(cell % positions, acc)).collect()
}
