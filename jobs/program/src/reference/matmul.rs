//! Reference semantics of [`MatMul`]: the three lines of its documentation, cell by cell, in 64 bits.

use crate::{
    operation::MatMul,
    program::Program,
    tensor::{Cells, DType, Tensor},
};

/// The accumulators of row `row` of `input`, one for each output column. They are not committed to; the audit
/// needs them as a witness.
///
/// # Panics
/// When the row does not exist. An accumulator outside 32 bits would contradict the check made by
/// [`Program::new`] and panics too.
#[must_use]
pub fn accumulators(program: &Program, op: &MatMul, input: &Tensor, row: usize) -> Vec<i32> {
    let weights = program.constant(op.weights);
    (0..weights.columns())
        .map(|j| {
            let mut sum = op.bias.map_or(0, |bias| i64::from(program.constant(bias).get(0, j)));
            for k in 0..weights.rows() {
                let a = i64::from(input.get(row, k)) - i64::from(op.input_zero);
                let b = i64::from(weights.get(k, j)) - i64::from(op.weight_zero.get(j));
                sum += a * b;
            }
            i32::try_from(sum).expect("the program's accumulators were proven to fit 32 bits")
        })
        .collect()
}

/// The operation's result for all rows.
pub(super) fn run(program: &Program, op: &MatMul, input: &Tensor, dtype: DType) -> Tensor {
    let columns = program.constant(op.weights).columns();
    let mut values = Vec::with_capacity(input.rows() * columns);
    for row in 0..input.rows() {
        for (j, acc) in accumulators(program, op, input, row).into_iter().enumerate() {
            values.push(i64::from(op.finish(j, acc)));
        }
    }
    let cells = Cells::from_values(dtype, &values).expect("the clamp bounds lie in the type's range");
    Tensor::new(input.rows(), columns, cells).expect("as many cells as rows times columns were pushed")
}
