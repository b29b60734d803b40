//! Cells as field elements, rows as digests.

use janction_protocol::{
    Digest, F,
    hash::{hash, tag},
};
use plonky2::field::types::Field;

use crate::tensor::{Cells, DType, Tensor};

/// Cells of 8 bits in one field element: 7 bytes stay below 2^56, so an element is its bytes.
pub const CELLS_PER_ELEMENT: usize = 7;

/// First element of a row's hash: `columns * 256 + code of the type`. With the tag it makes the digest say what
/// kind of row it is of.
#[must_use]
pub fn row_header(dtype: DType, columns: usize) -> F {
    F::from_canonical_u64((columns as u64) << 8 | u64::from(dtype.code()))
}

/// Appends bytes as elements: 7 bytes an element, big-endian, the last element filled up with zero bytes.
fn push_bytes(elements: &mut Vec<F>, bytes: impl Iterator<Item = u8>) {
    let (mut element, mut filled) = (0u64, 0);
    for byte in bytes {
        element = element << 8 | u64::from(byte);
        filled += 1;
        if filled == CELLS_PER_ELEMENT {
            elements.push(F::from_canonical_u64(element));
            (element, filled) = (0, 0);
        }
    }
    if filled > 0 {
        elements.push(F::from_canonical_u64(element << (8 * (CELLS_PER_ELEMENT - filled))));
    }
}

/// A byte string as elements, in the way that rows of uint8 cells are packed.
pub(crate) fn pack_bytes(bytes: &[u8]) -> Vec<F> {
    let mut elements = Vec::with_capacity(bytes.len().div_ceil(CELLS_PER_ELEMENT));
    push_bytes(&mut elements, bytes.iter().copied());
    elements
}

/// The elements that a row's digest is the hash of: the header, then the cells.
///
/// A cell becomes an unsigned number by adding minus the smallest value of its type (int8: c + 128, uint8: c,
/// int32: c + 2^31). 8-bit cells lie 7 to an element, the first one most significant, the last element filled up
/// with zero bytes; int32 cells take an element each.
#[must_use]
pub fn pack_row(row: &Cells) -> Vec<F> {
    let mut elements = vec![row_header(row.dtype(), row.len())];
    match row {
        Cells::I8(cells) => push_bytes(&mut elements, cells.iter().map(|&c| c as u8 ^ 0x80)),
        Cells::U8(cells) => push_bytes(&mut elements, cells.iter().copied()),
        Cells::I32(cells) => {
            elements.extend(cells.iter().map(|&c| F::from_canonical_u32(c as u32 ^ 0x8000_0000)));
        }
    }
    elements
}

/// Digest of a row: `H(ROW, header ++ packed cells)`.
#[must_use]
pub fn row_digest(row: &Cells) -> Digest {
    hash(tag::ROW, &pack_row(row))
}

/// Digests of all rows of a tensor, in order.
#[must_use]
pub fn row_digests(tensor: &Tensor) -> Vec<Digest> {
    (0..tensor.rows()).map(|row| row_digest(&tensor.row(row))).collect()
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::PrimeField64;

    use super::*;

    fn packed(row: &Cells) -> Vec<u64> {
        pack_row(row).iter().map(F::to_canonical_u64).collect()
    }

    #[test]
    fn cells_are_offset_and_big_endian() {
        assert_eq!(
            packed(&Cells::U8(vec![1, 2, 3, 4, 5, 6, 7, 8])),
            [8 << 8 | 2, 0x01_02_03_04_05_06_07, 0x08_00_00_00_00_00_00]
        );
        assert_eq!(packed(&Cells::I8(vec![-128, 0, 127])), [3 << 8 | 1, 0x00_80_ff_00_00_00_00]);
        assert_eq!(
            packed(&Cells::I32(vec![i32::MIN, 0, i32::MAX])),
            [3 << 8 | 3, 0, 0x8000_0000, 0xffff_ffff]
        );
    }

    #[test]
    fn padding_length_and_type_make_different_digests() {
        let short = row_digest(&Cells::U8(vec![9]));
        assert_ne!(short, row_digest(&Cells::U8(vec![9, 0])), "a zero cell is not padding");
        assert_ne!(short, row_digest(&Cells::I8(vec![-119])), "same bytes, another type");
    }
}
