//! Reference semantics of [`Transpose`]: `Y[i_0, i_1, ...] = A[j]` with `j[permutation[d]] = i_d`.

use crate::{operation::Transpose, program::Program, tensor::Cells};

/// The result for one row.
pub(super) fn run(program: &Program, op: &Transpose, input: &Cells) -> Vec<i32> {
    let shape = &program.value(op.input).shape;
    let mut output = vec![0; input.len()];
    for cell in 0..input.len() {
        // The cell's coordinates in A, then its place in Y.
        let mut coordinates = vec![0; shape.len()];
        let mut rest = cell;
        for d in (0..shape.len()).rev() {
            let extent = shape[d] as usize;
            coordinates[d] = rest % extent;
            rest /= extent;
        }
        let place = op.permutation.iter().fold(0, |place, &d| {
            let d = usize::from(d);
            place * shape[d] as usize + coordinates[d]
        });
        output[place] = input.get(cell);
    }
    output
}
