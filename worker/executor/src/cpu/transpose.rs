//! The dimensions of a row in another order, on the CPU.

use janction_program::{Program, Tensor, Transpose, Value};

use super::rows::map;

/// The view as a tensor of its own.
pub(super) fn run(program: &Program, op: &Transpose, operand: &Tensor, output: &Value) -> Tensor {
    let order = op.order(&program.value(op.input).shape);
    map(&[operand], output, |inputs, cells| {
        for (cell, &place) in cells.iter_mut().zip(&order) {
            *cell = inputs[0][place];
        }
    })
}
