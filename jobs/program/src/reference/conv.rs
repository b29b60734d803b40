//! Reference semantics of [`Conv`]: the sum of its documentation, cell by cell, in 64 bits.

use crate::{operation::Conv, program::Program, tensor::Cells};

/// The accumulators of one row, one for each output cell.
///
/// # Panics
/// As [`super::matmul::accumulators`].
#[must_use]
pub fn accumulators(program: &Program, op: &Conv, input: &Cells) -> Vec<i32> {
    let product = &op.product;
    let weights = program.constant(product.weights);
    let window = op.window(program);
    let (kernel, plane) = (window.kernel_cells(), window.plane());
    let mut accumulators = Vec::new();
    for oc in 0..weights.columns() {
        let first = op.first_channel(&window, weights.columns(), oc);
        for y in 0..window.output[0] {
            for x in 0..window.output[1] {
                let mut sum = product.bias.map_or(0, |bias| i64::from(program.constant(bias).get(0, oc)));
                for c in 0..weights.rows() / kernel {
                    for (k, place) in window.cells(y, x) {
                        let a = i64::from(input.get((first + c) * plane + place));
                        let b = i64::from(weights.get(c * kernel + k, oc));
                        sum += (a - i64::from(product.input_zero))
                            * (b - i64::from(product.weight_zero.get(oc)));
                    }
                }
                let sum = i32::try_from(sum).expect("the program's accumulators were proven to fit 32 bits");
                accumulators.push(sum);
            }
        }
    }
    accumulators
}

/// The result for one row.
pub(super) fn run(program: &Program, op: &Conv, input: &Cells) -> Vec<i32> {
    let positions = op.window(program).positions();
    let accumulators = accumulators(program, op, input);
    accumulators.into_iter().enumerate().map(|(cell, acc)| op.product.finish(cell / positions, acc)).collect()
}
