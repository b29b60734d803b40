//! Averages of windows on the CPU.

use janction_program::{AveragePool, Program, Tensor, Value};

use super::rows::map;

/// The operation's result.
pub(super) fn run(program: &Program, op: &AveragePool, operand: &Tensor, output: &Value) -> Tensor {
    let window = op.window(program);
    map(&[operand], output, |inputs, cells| {
        let planes = inputs[0].chunks_exact(window.plane());
        for (plane, results) in planes.zip(cells.chunks_exact_mut(window.positions())) {
            for (position, result) in results.iter_mut().enumerate() {
                let (y, x) = (position / window.output[1], position % window.output[1]);
                let sum = window.cells(y, x).map(|(_, place)| plane[place] - op.input_zero).sum();
                *result = op.finish(position, sum);
            }
        }
    })
}
