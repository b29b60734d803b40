//! Largest cells of windows on the CPU.

use janction_program::{MaxPool, Program, Tensor, Value};

use super::rows::map;

/// The operation's result.
pub(super) fn run(program: &Program, op: &MaxPool, operand: &Tensor, output: &Value) -> Tensor {
    let window = op.window(program);
    let smallest = operand.dtype().min();
    map(&[operand], output, |inputs, cells| {
        let planes = inputs[0].chunks_exact(window.plane());
        for (plane, results) in planes.zip(cells.chunks_exact_mut(window.positions())) {
            for (position, result) in results.iter_mut().enumerate() {
                let (y, x) = (position / window.output[1], position % window.output[1]);
                *result = window.cells(y, x).fold(smallest, |most, (_, place)| most.max(plane[place]));
            }
        }
    })
}
