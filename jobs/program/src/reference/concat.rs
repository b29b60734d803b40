//! Reference semantics of [`Concat`]: coordinate i along the axis is in the operand that it falls into, when the operands
//! are laid one behind the other.

use crate::{operation::Concat, program::Program, tensor::Cells};

/// The result for one row.
pub(super) fn run(program: &Program, op: &Concat, operands: &[Cells]) -> Vec<i32> {
    let axis = usize::from(op.axis);
    let extents: Vec<usize> = op.inputs.iter().map(|&id| program.value(id).shape[axis] as usize).collect();
    let shape = &program.value(op.inputs[0]).shape;
    let product = |dimensions: &[u32]| dimensions.iter().map(|&d| d as usize).product::<usize>();
    let (outer, inner) = (product(&shape[..axis]), product(&shape[axis + 1..]));
    let mut output = Vec::new();
    for o in 0..outer {
        for (operand, &extent) in operands.iter().zip(&extents) {
            for i in 0..extent {
                output.extend((0..inner).map(|n| operand.get((o * extent + i) * inner + n)));
            }
        }
    }
    output
}
