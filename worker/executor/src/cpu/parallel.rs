//! When work is worth handing to other threads, and rows that are worked on apart from each other.

use janction_program::{Tensor, Value};
use rayon::prelude::*;

use super::bytes::{bytes, tensor};

/// Turns of a processor, about: with less one thread is done before others have been woken.
const WORTH_SHARING: usize = 130_000;

/// Threads for work of about so many turns of a processor: one, or all of the pool.
pub(super) fn threads_for(turns: usize) -> usize {
    if turns < WORTH_SHARING { 1 } else { rayon::current_num_threads() }
}

/// The tensor of `output`, whose rows are made of the same rows of `operands`: `fill` takes the bytes of some rows of each operand,
/// and sets those of the same rows of the result. A row takes about `turns` turns.
pub(super) fn by_rows(
    operands: &[&Tensor],
    output: &Value,
    turns: usize,
    fill: impl Fn(&[&[u8]], &mut [u8]) + Sync,
) -> Tensor {
    let (rows, columns) = (operands[0].rows(), output.columns());
    let all: Vec<(&[u8], usize)> =
        operands.iter().map(|operand| (bytes(operand.cells()), operand.columns())).collect();
    let threads = threads_for(rows.saturating_mul(turns));
    let share = rows.div_ceil(8 * threads).max(WORTH_SHARING / 4 / turns.max(1)).max(1);
    tensor(rows, output, |cells| {
        let part = |first: usize, cells: &mut [u8]| {
            let rows = cells.len() / columns;
            let parts: Vec<&[u8]> =
                all.iter().map(|(bytes, columns)| &bytes[first * columns..][..rows * columns]).collect();
            fill(&parts, cells);
        };
        if threads == 1 {
            part(0, cells);
        } else {
            cells.par_chunks_mut(share * columns).enumerate().for_each(|(i, cells)| part(i * share, cells));
        }
    })
}
