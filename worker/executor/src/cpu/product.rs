//! The inner loop of products: a few rows by a panel of columns that stays in registers and cache.

/// Rows that are computed together, so that a cell that was loaded is used as often.
pub(super) const ROWS: usize = 4;
/// Columns of a panel: 4 accumulator vectors of 16 lanes for each row fit the registers of AVX-512.
pub(super) const COLUMNS: usize = 64;

/// Products of [`ROWS`] rows with one panel, summed over the inner index. `a` holds the rows' cells, inner index by inner
/// index; `panel` the columns' cells alike.
///
/// Additions and products wrap, which the compiler can vectorise: that they never do is what the program's check
/// has proven for every order of summation.
pub(super) fn multiply(a: &[[i16; ROWS]], panel: &[i16]) -> [[i32; COLUMNS]; ROWS] {
    let mut acc = [[0i32; COLUMNS]; ROWS];
    for (cells, weights) in a.iter().zip(panel.chunks_exact(COLUMNS)) {
        for (acc, &cell) in acc.iter_mut().zip(cells) {
            for (acc, &weight) in acc.iter_mut().zip(weights) {
                *acc = acc.wrapping_add(i32::from(cell).wrapping_mul(i32::from(weight)));
            }
        }
    }
    acc
}
