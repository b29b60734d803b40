//! A function of one cell, as a table, on the CPU.

use janction_program::{Lookup, Program, Tensor, Value};

use super::rows::map;

/// The operation's result.
pub(super) fn run(program: &Program, op: &Lookup, operand: &Tensor, output: &Value) -> Tensor {
    let table = program.constant(op.table);
    let table: Vec<i32> = (0..table.columns()).map(|j| table.get(0, j)).collect();
    let smallest = operand.dtype().min();
    map(&[operand], output, |inputs, cells| {
        for (cell, &input) in cells.iter_mut().zip(&inputs[0]) {
            *cell = table[(input - smallest) as usize];
        }
    })
}
