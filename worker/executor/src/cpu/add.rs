//! Weighted sum of two rows on the CPU.

use janction_program::{Add, Operand, Program, Tensor, Value};

use super::{
    bytes::{bytes, to_unsigned},
    instructions::{Instructions, Loop},
    parallel::by_rows,
    requantise::{Division, Range},
};

/// The sum for the unsigned bytes of two cells: both weighted, and what their zero points come to.
#[derive(Clone, Copy)]
struct Sum {
    flips: [u8; 2],
    multipliers: [i64; 2],
    offset: i64,
    division: Division,
    range: Range,
}

/// The operation, ready to be run.
pub(super) struct Prepared {
    sum: Sum,
    /// The row that is added to every row, when it is one.
    constant: Option<Vec<u8>>,
}

impl Prepared {
    pub(super) fn new(program: &Program, op: &Add) -> Self {
        let (right, constant) = match op.right {
            Operand::Value(id) => (program.value(id).dtype, None),
            Operand::Constant(id) => {
                let row = program.constant(id);
                (row.dtype(), Some(bytes(row.cells()).to_vec()))
            }
        };
        let (left_flip, left) = to_unsigned(program.value(op.left).dtype);
        let (right_flip, right) = to_unsigned(right);
        let multipliers = [op.left_multiplier, op.right_multiplier].map(i64::from);
        let zeros = [op.left_zero + left, op.right_zero + right].map(i64::from);
        // Zero points are of 8 bits: far from 64.
        let offset = -(zeros[0] * multipliers[0] + zeros[1] * multipliers[1]);
        let division = Division::new(op.shift, op.rounding);
        let range = Range::new(op.output_zero, op.clamp);
        let sum = Sum { flips: [left_flip, right_flip], multipliers, offset, division, range };
        Self { sum, constant }
    }

    /// The operation's result. The second operand is there when it is a value.
    pub(super) fn run(&self, instructions: Instructions, operands: &[&Tensor], output: &Value) -> Tensor {
        let columns = output.columns();
        by_rows(operands, output, 2 * columns, |inputs, cells| {
            let sum = self.sum;
            match (&self.constant, inputs) {
                (Some(right), inputs) => {
                    for (cells, left) in cells.chunks_exact_mut(columns).zip(inputs[0].chunks_exact(columns))
                    {
                        instructions.run(AddLines { sum, left, right, cells });
                    }
                }
                (None, inputs) => {
                    instructions.run(AddLines { sum, left: inputs[0], right: inputs[1], cells });
                }
            }
        })
    }
}

struct AddLines<'a> {
    sum: Sum,
    left: &'a [u8],
    right: &'a [u8],
    cells: &'a mut [u8],
}

impl AddLines<'_> {
    #[inline(always)]
    fn add<const PARITY: bool>(self) {
        let Self { sum: Sum { flips, multipliers, offset, division, range }, left, right, cells } = self;
        for ((cell, &left), &right) in cells.iter_mut().zip(left).zip(right) {
            let left = i64::from(left ^ flips[0]).wrapping_mul(multipliers[0]);
            let right = i64::from(right ^ flips[1]).wrapping_mul(multipliers[1]);
            let sum = left.wrapping_add(right).wrapping_add(offset);
            *cell = range.settle(division.apply::<PARITY>(sum));
        }
    }
}

impl Loop for AddLines<'_> {
    #[inline(always)]
    fn run(self) {
        if self.sum.division.is_to_parity() { self.add::<true>() } else { self.add::<false>() }
    }
}
