//! Cells of 8 bits as bytes.

use janction_program::{Cells, DType, Tensor, Value};

/// What makes an int8 cell, as a byte, an unsigned number in the same order, and the other way round.
pub(super) const SIGN: u8 = 0x80;

/// The cells as bytes: int8 in two's complement.
///
/// # Panics
/// When they are of 32 bits: activations and weights never are.
#[allow(unsafe_code)]
pub(super) fn bytes(cells: &Cells) -> &[u8] {
    match cells {
        // SAFETY: both types take one byte, and any byte is a value of either.
        Cells::I8(cells) => unsafe { std::slice::from_raw_parts(cells.as_ptr().cast(), cells.len()) },
        Cells::U8(cells) => cells,
        Cells::I32(_) => unreachable!("a program's check lets only cells of 8 bits through here"),
    }
}

/// What must be exclusively or'ed to the bytes of cells of type `dtype` to make them unsigned; what that adds to them.
pub(super) const fn to_unsigned(dtype: DType) -> (u8, i32) {
    if matches!(dtype, DType::I8) { (SIGN, 128) } else { (0, 0) }
}

/// The same to make them signed.
pub(super) const fn to_signed(dtype: DType) -> (u8, i32) {
    if matches!(dtype, DType::I8) { (0, 0) } else { (SIGN, -128) }
}

/// The tensor of `rows` rows of `output` whose bytes `fill` sets.
#[allow(unsafe_code)]
pub(super) fn tensor(rows: usize, output: &Value, fill: impl FnOnce(&mut [u8])) -> Tensor {
    let columns = output.columns();
    let cells = match output.dtype {
        DType::I8 => {
            let mut cells = vec![0i8; rows * columns];
            // SAFETY: both types take one byte, and any byte is a value of either.
            fill(unsafe { std::slice::from_raw_parts_mut(cells.as_mut_ptr().cast(), cells.len()) });
            Cells::I8(cells)
        }
        _ => {
            let mut cells = vec![0; rows * columns];
            fill(&mut cells);
            Cells::U8(cells)
        }
    };
    Tensor::new(rows, columns, cells).expect("there is a cell for every row and column")
}
