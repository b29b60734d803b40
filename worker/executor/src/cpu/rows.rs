//! Rows as 32-bit numbers: what operations that work row by row share.

use janction_program::{Cells, Tensor, Value};
use rayon::prelude::*;

/// Writes row `row` of `tensor` to `cells`.
fn load(tensor: &Tensor, row: usize, cells: &mut Vec<i32>) {
    let range = row * tensor.columns()..(row + 1) * tensor.columns();
    cells.clear();
    match tensor.cells() {
        Cells::I8(all) => cells.extend(all[range].iter().map(|&c| i32::from(c))),
        Cells::U8(all) => cells.extend(all[range].iter().map(|&c| i32::from(c))),
        Cells::I32(all) => cells.extend(&all[range]),
    }
}

/// A thread's rows: those of the operands, and the result's.
type Scratch = (Vec<Vec<i32>>, Vec<i32>);

fn fill<T: Copy + Default + Send>(
    operands: &[&Tensor],
    rows: usize,
    columns: usize,
    row: impl Fn(&[Vec<i32>], &mut [i32]) + Sync,
    narrow: impl Fn(i32) -> T + Sync,
) -> Vec<T> {
    let mut output = vec![T::default(); rows * columns];
    let scratch = || -> Scratch { (vec![Vec::new(); operands.len()], vec![0; columns]) };
    output.par_chunks_mut(columns).enumerate().for_each_init(scratch, |(inputs, result), (index, cells)| {
        for (tensor, input) in operands.iter().zip(inputs.iter_mut()) {
            load(tensor, index, input);
        }
        row(inputs, result);
        for (cell, &value) in cells.iter_mut().zip(&*result) {
            *cell = narrow(value);
        }
    });
    output
}

/// The tensor of `output` whose rows `row` makes of the operands' rows, on all cores. `row` sets every cell, to a value that
/// the output's type has.
pub(super) fn map(
    operands: &[&Tensor],
    output: &Value,
    row: impl Fn(&[Vec<i32>], &mut [i32]) + Sync,
) -> Tensor {
    let (rows, columns) = (operands[0].rows(), output.columns());
    // The casts cannot truncate: the values are cells of the type.
    let cells = match output.dtype {
        janction_program::DType::I8 => Cells::I8(fill(operands, rows, columns, row, |v| v as i8)),
        _ => Cells::U8(fill(operands, rows, columns, row, |v| v as u8)),
    };
    Tensor::new(rows, columns, cells).expect("a cell was computed for every row and column")
}
