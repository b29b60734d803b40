//! The dimensions of a row in another order, on the CPU.

use janction_program::{Program, Transpose};

use super::arrangement::Arrangement;

/// Where the cells of a row come from.
pub(super) fn arrangement(program: &Program, op: &Transpose) -> Arrangement {
    let order = op.order(&program.value(op.input).shape);
    Arrangement::new(order.into_iter().map(|place| (0, place)))
}
