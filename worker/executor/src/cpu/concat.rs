//! Rows of several values, one behind the other along a dimension, on the CPU.

use janction_program::{Concat, Program, Tensor, Value};

use super::rows::map;

/// The view as a tensor of its own.
pub(super) fn run(program: &Program, op: &Concat, operands: &[&Tensor], output: &Value) -> Tensor {
    let shapes: Vec<&[u32]> = op.inputs.iter().map(|&id| &program.value(id).shape[..]).collect();
    let order = op.order(&shapes);
    map(operands, output, |inputs, cells| {
        for (cell, &(operand, place)) in cells.iter_mut().zip(&order) {
            *cell = inputs[operand][place];
        }
    })
}
