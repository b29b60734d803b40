use janction_accel_cpu::Columns;
use rayon::prelude::*;

use crate::F;

/// Blocks of `rows` rows (the last may have fewer), each with its slice of every column, to be written by threads.
pub(crate) fn row_blocks(table: &mut Columns, rows: usize) -> Vec<Vec<&mut [F]>> {
    let mut blocks: Vec<Vec<&mut [F]>> =
        (0..table.rows().div_ceil(rows)).map(|_| Vec::with_capacity(table.columns())).collect();
    for column in columns_mut(table) {
        for (slices, slice) in blocks.iter_mut().zip(column.chunks_mut(rows)) {
            slices.push(slice);
        }
    }
    blocks
}

/// All columns, to be written at once.
pub(crate) fn columns_mut(table: &mut Columns) -> Vec<&mut [F]> {
    table.par_columns_mut().collect()
}
