//! Reference semantics of [`Add`].

use crate::{
    operation::{Add, Operand},
    program::Program,
    tensor::Cells,
};

/// The weighted sums of one row, one for each output cell. `right` is the right operand's row when that is a value.
///
/// # Panics
/// When the rows are not of the operands.
#[must_use]
pub fn accumulators(program: &Program, op: &Add, left: &Cells, right: Option<&Cells>) -> Vec<i64> {
    let right = match op.right {
        Operand::Value(_) => right.expect("the right operand is a value, so its row is given"),
        Operand::Constant(id) => program.constant(id).cells(),
    };
    (0..left.len()).map(|i| op.accumulator(left.get(i), right.get(i))).collect()
}

/// The result for one row.
pub(super) fn run(program: &Program, op: &Add, left: &Cells, right: Option<&Cells>) -> Vec<i32> {
    accumulators(program, op, left, right).into_iter().map(|acc| op.finish(acc)).collect()
}
