//! Comparison with what the Python scripts wrote.

use std::path::Path;

use janction_program::{Tensor, npy};

/// The tensor in the file at `path`.
pub fn read(path: &Path) -> Tensor {
    npy::decode(&std::fs::read(path).expect("the file is checked in")).expect("the file holds a tensor")
}

/// Shares of equal cells, and the greatest difference.
pub fn compare(got: &Tensor, expected: &Tensor) -> (f64, i32) {
    assert_eq!(
        (got.rows(), got.columns(), got.dtype()),
        (expected.rows(), expected.columns(), expected.dtype())
    );
    let cells = got.rows() * got.columns();
    let differences: Vec<i32> =
        (0..cells).map(|i| (got.cells().get(i) - expected.cells().get(i)).abs()).collect();
    let equal = differences.iter().filter(|d| **d == 0).count();
    (equal as f64 / cells as f64, differences.into_iter().max().unwrap_or(0))
}
