//! A function of one cell, as a table, on the CPU.

use janction_program::{Lookup, Program, Tensor, Value};

use super::{
    bytes::{bytes, to_unsigned},
    parallel::by_rows,
};

/// The table, for the bytes of cells.
pub(super) struct Prepared {
    table: [u8; 256],
}

impl Prepared {
    pub(super) fn new(program: &Program, op: &Lookup) -> Self {
        let results = bytes(program.constant(op.table).cells());
        let (flip, _) = to_unsigned(program.value(op.input).dtype);
        Self { table: std::array::from_fn(|byte| results[usize::from(byte as u8 ^ flip)]) }
    }

    /// The operation's result.
    pub(super) fn run(&self, operand: &Tensor, output: &Value) -> Tensor {
        by_rows(&[operand], output, output.columns(), |inputs, cells| {
            for (cell, &input) in cells.iter_mut().zip(inputs[0]) {
                *cell = self.table[usize::from(input)];
            }
        })
    }
}
