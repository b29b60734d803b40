//! Rows of several values, one behind the other along a dimension, on the CPU.

use janction_program::{Concat, Program};

use super::arrangement::Arrangement;

/// Where the cells of a row come from.
pub(super) fn arrangement(program: &Program, op: &Concat) -> Arrangement {
    let shapes: Vec<&[u32]> = op.inputs.iter().map(|&id| &program.value(id).shape[..]).collect();
    Arrangement::new(op.order(&shapes).into_iter())
}

/// Bytes that the arrangement takes, at most.
pub(super) fn bytes(program: &Program, op: &Concat) -> usize {
    let first = &program.value(op.inputs[0]).shape[..usize::from(op.axis)];
    let outer: usize = first.iter().map(|&extent| extent as usize).product();
    Arrangement::bytes_of_runs(outer * op.inputs.len())
}
