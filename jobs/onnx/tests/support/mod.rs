//! Reading of the .npy files that the Python scripts write.

use std::path::Path;

use janction_program::{Cells, Tensor};
use ndarray::Array2;
use ndarray_npy::read_npy;

/// The rows of int8 or uint8 cells in the file at `path`.
pub fn read_cells(path: &Path) -> Tensor {
    let (rows, columns, cells) = match read_npy::<_, Array2<u8>>(path) {
        Ok(array) => (array.nrows(), array.ncols(), Cells::U8(array.into_iter().collect())),
        Err(_) => {
            let array: Array2<i8> = read_npy(path).expect("a matrix of int8 or uint8");
            (array.nrows(), array.ncols(), Cells::I8(array.into_iter().collect()))
        }
    };
    Tensor::new(rows, columns, cells).expect("the file holds rows x columns cells")
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
