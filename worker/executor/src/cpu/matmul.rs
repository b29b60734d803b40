//! Matrix product on the CPU: blocks of rows in parallel, panels of columns that stay in registers and cache.

use janction_program::{Cells, DType, MatMul, Program, Tensor, Value};
use rayon::prelude::*;

use super::product::{COLUMNS, ROWS, multiply};

/// The weights minus their zero points, as panels of [`COLUMNS`] columns: panel p holds, for each inner index k in
/// order, its columns' weights. The last panel is filled up with zeros.
fn panels(program: &Program, op: &MatMul) -> Vec<i16> {
    let weights = program.constant(op.weights);
    let (inner, columns) = (weights.rows(), weights.columns());
    let mut panels = vec![0; columns.div_ceil(COLUMNS) * inner * COLUMNS];
    for k in 0..inner {
        for j in 0..columns {
            // Both are 8-bit values, so the difference is below 2^8.
            let weight = (weights.get(k, j) - op.weight_zero.get(j)) as i16;
            panels[((j / COLUMNS) * inner + k) * COLUMNS + j % COLUMNS] = weight;
        }
    }
    panels
}

/// One output cell type.
trait Cell: Copy + Send + Sync + Default {
    /// From a value that the clamp has put in range.
    fn from_clamped(value: i32) -> Self;
}

impl Cell for i8 {
    fn from_clamped(value: i32) -> Self {
        value as Self
    }
}

impl Cell for u8 {
    fn from_clamped(value: i32) -> Self {
        value as Self
    }
}

/// All output cells, row-major: of every last-dimension vector of every row, as if each were a row.
fn product<T: Cell>(program: &Program, op: &MatMul, input: &Tensor) -> Vec<T> {
    let weights = program.constant(op.weights);
    let (inner, columns) = (weights.rows(), weights.columns());
    let panels = panels(program, op);
    let bias: Vec<i32> = match op.bias {
        Some(id) => (0..columns).map(|j| program.constant(id).get(0, j)).collect(),
        None => vec![0; columns],
    };
    let mut output = vec![T::default(); input.cells().len() / inner * columns];
    output.par_chunks_mut(ROWS * columns).enumerate().for_each(|(block, output)| {
        let first = block * ROWS;
        let rows = output.len() / columns;
        // Rows beyond the last one are zeros; nothing of them is stored.
        let cell = |row: usize, k: usize| {
            let cell = |row: usize| (input.cells().get((first + row) * inner + k) - op.input_zero) as i16;
            if row < rows { cell(row) } else { 0 }
        };
        let a: Vec<[i16; ROWS]> = (0..inner).map(|k| std::array::from_fn(|row| cell(row, k))).collect();
        for (p, panel) in panels.chunks_exact(inner * COLUMNS).enumerate() {
            let acc = multiply(&a, panel);
            let start = p * COLUMNS;
            let end = columns.min(start + COLUMNS);
            for (row, acc) in acc.iter().enumerate().take(rows) {
                for j in start..end {
                    let total = acc[j - start].wrapping_add(bias[j]);
                    output[row * columns + j] = T::from_clamped(op.finish(j, total));
                }
            }
        }
    });
    output
}

/// The operation's result.
pub(super) fn run(program: &Program, op: &MatMul, operand: &Tensor, output: &Value) -> Tensor {
    let cells = match output.dtype {
        DType::I8 => Cells::I8(product(program, op, operand)),
        _ => Cells::U8(product(program, op, operand)),
    };
    Tensor::new(operand.rows(), output.columns(), cells)
        .expect("a cell was computed for every row and column")
}
