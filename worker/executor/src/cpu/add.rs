//! Weighted sum of two rows on the CPU.

use janction_program::{Add, Operand, Program, Tensor, Value};

use super::rows::map;

/// The operation's result. The second operand is there when it is a value.
pub(super) fn run(program: &Program, op: &Add, operands: &[&Tensor], output: &Value) -> Tensor {
    let constant: Vec<i32> = match op.right {
        Operand::Value(_) => Vec::new(),
        Operand::Constant(id) => {
            let row = program.constant(id);
            (0..row.columns()).map(|j| row.get(0, j)).collect()
        }
    };
    map(operands, output, |inputs, cells| {
        let right = inputs.get(1).unwrap_or(&constant);
        for ((cell, &left), &right) in cells.iter_mut().zip(&inputs[0]).zip(right) {
            *cell = op.finish(op.accumulator(left, right));
        }
    })
}
