//! Rows of several values, one behind the other along a dimension, on the CPU.

use janction_program::{Concat, Program};

use super::arrangement::Arrangement;

/// Where the cells of a row come from.
pub(super) fn arrangement(program: &Program, op: &Concat) -> Arrangement {
    let shapes: Vec<&[u32]> = op.inputs.iter().map(|&id| &program.value(id).shape[..]).collect();
    Arrangement::new(op.order(&shapes).into_iter())
}
