//! Commitment scheme 2: the sketch of a block of rows, an Ajtai hash over R = Z_q\[X\] / (X^512 + 1) with q = 64513.
//!
//! A cell is its distance from the smallest value of its type, a byte. A row is cut into polynomials of 512 cells, the last one
//! filled up with zeros: C = ceil(columns / 512) of them, x_(b, 0) .. x_(b, C - 1) for the block's b-th row. Then
//!
//! ```text
//! s    = sum over b, c of a_(b C + c) x_(b, c)  in R                   512 numbers below q
//! leaf = H(SKETCH, [columns * 256 + type, rows of the block] ++ pack(s))    each number two bytes, the high one first
//! ```
//!
//! Rows that the last block has not are polynomials of zeros. The elements a_i are protocol constants: a_i has the first 512
//! numbers below q of the extendable output of BLAKE3 ([`CONTEXT`] as the context of key derivation, i as four bytes, the low
//! one first, as the material), read as numbers of two bytes, the low one first.
//!
//! Two blocks of one length with one sketch are a short solution of Ring-SIS (Lyubashevsky and Micciancio 2006, Peikert and
//! Rosen 2006; SWIFFT is the same construction with a smaller ring): `docs/security.md` says what finding one costs, and
//! `docs/estimates/sketch.py` computes it.

use std::sync::{Arc, Mutex, PoisonError};

use janction_accel_cpu::Backend;
use janction_accel_cpu::ring::{Cell, DEGREE, Element, MODULUS, Multipliers, inner_products};
use janction_protocol::{
    Digest, F,
    hash::{hash, tag},
};
use plonky2::field::types::Field;

use super::pack::{pack_bytes, row_header};
use crate::tensor::{Cells, DType, Tensor};

/// What BLAKE3 derives the ring elements from.
pub const CONTEXT: &str = "janction.network 2026-11-22 commitment scheme 2: elements of the sketch";
/// Bytes of a sketch.
pub const SKETCH_BYTES: usize = 2 * DEGREE;
/// Blocks whose sketches are computed together: as many as the widest lanes hash side by side.
pub const TOGETHER: usize = 8;

/// Polynomials of 512 cells that a row of `columns` cells is cut into.
#[must_use]
pub const fn polynomials(columns: usize) -> usize {
    columns.div_ceil(DEGREE)
}

/// The protocol constant a_i.
#[must_use]
pub fn element(i: u32) -> Element {
    let mut output = blake3::Hasher::new_derive_key(CONTEXT).update(&i.to_le_bytes()).finalize_xof();
    let mut element = [0; DEGREE];
    let mut filled = 0;
    while filled < DEGREE {
        let mut number = [0; 2];
        output.fill(&mut number);
        let number = u16::from_le_bytes(number);
        if number < MODULUS {
            element[filled] = number;
            filled += 1;
        }
    }
    element
}

/// The first `count` constants or more, ready to be multiplied with.
fn multipliers(count: usize) -> Arc<Multipliers> {
    static KNOWN: Mutex<Option<Arc<Multipliers>>> = Mutex::new(None);
    // Whoever panicked while it held the lock had not begun to change the value.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    match &*known {
        Some(known) if known.len() >= count => Arc::clone(known),
        _ => {
            // At most 2^12 by a program's limits.
            let elements: Vec<Element> = (0..count.next_power_of_two() as u32).map(element).collect();
            let made = Arc::new(Multipliers::new(backend(), &elements));
            *known = Some(Arc::clone(&made));
            made
        }
    }
}

/// The process's backend; the portable one where a forced choice cannot be served, which whoever proves or executes reports.
fn backend() -> Backend {
    Backend::current().unwrap_or(Backend::PORTABLE)
}

/// The sketches of blocks of rows; a block is its rows' cells, one row after another.
fn of_blocks<T: Cell>(backend: Backend, blocks: &[&[T]], columns: usize) -> Vec<Element> {
    let rows = blocks.iter().map(|block| block.len() / columns).max().unwrap_or(0);
    let mut cut: Vec<Vec<&[T]>> = Vec::with_capacity(blocks.len());
    for block in blocks {
        cut.push(block.chunks(columns).flat_map(|row| row.chunks(DEGREE)).collect());
    }
    inner_products(backend, &multipliers(rows * polynomials(columns)), &cut)
}

/// The sketch of these rows.
///
/// # Panics
/// When the rows are not of one length and type of 8 bits, or there is none.
#[must_use]
pub fn sketch(rows: &[&Cells]) -> Element {
    fn of<'a, T: Cell + 'a>(rows: impl Iterator<Item = &'a [T]>, columns: usize) -> Element {
        let block: Vec<T> = rows.flatten().copied().collect();
        of_blocks(backend(), &[&block], columns)[0]
    }
    let columns = rows[0].len();
    let is_alike = |row: &&&Cells| (row.len(), row.dtype()) == (columns, rows[0].dtype());
    assert!(rows.iter().all(|row| is_alike(&row)), "rows of one tensor");
    match rows[0].dtype() {
        DType::U8 => of(rows.iter().map(|row| u8_cells(row)), columns),
        _ => of(rows.iter().map(|row| i8_cells(row)), columns),
    }
}

fn u8_cells(cells: &Cells) -> &[u8] {
    match cells {
        Cells::U8(cells) => cells,
        _ => panic!("activations are of 8 bits: a program's check has made sure"),
    }
}

fn i8_cells(cells: &Cells) -> &[i8] {
    match cells {
        Cells::I8(cells) => cells,
        _ => panic!("activations are of 8 bits: a program's check has made sure"),
    }
}

/// The sketch as bytes.
#[must_use]
pub fn to_bytes(sketch: &Element) -> Vec<u8> {
    sketch.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// The elements that a leaf is the hash of.
#[must_use]
pub fn pack(sketch: &Element, dtype: DType, columns: usize, rows: usize) -> Vec<F> {
    let mut elements = vec![row_header(dtype, columns), F::from_canonical_usize(rows)];
    elements.extend(pack_bytes(&to_bytes(sketch)));
    elements
}

/// The leaf over these rows.
///
/// # Panics
/// As [`sketch`].
#[must_use]
pub fn leaf(rows: &[&Cells]) -> Digest {
    hash(tag::SKETCH, &pack(&sketch(rows), rows[0].dtype(), rows[0].len(), rows.len()))
}

/// What the leaves `first_leaf ..` of `tensor`, at most `count` of them, with `block_rows` rows each, are the hashes of.
///
/// # Panics
/// When the cells are not of 8 bits.
#[must_use]
pub fn packed(
    backend: Backend,
    tensor: &Tensor,
    block_rows: usize,
    first_leaf: usize,
    count: usize,
) -> Vec<Vec<F>> {
    fn of<T: Cell>(backend: Backend, tensor: &Tensor, cells: &[T], block_rows: usize) -> Vec<Vec<F>> {
        let columns = tensor.columns();
        let blocks: Vec<&[T]> = cells.chunks(block_rows * columns).collect();
        let sketches = blocks.chunks(TOGETHER).flat_map(|blocks| of_blocks(backend, blocks, columns));
        let pack =
            |(sketch, block): (Element, &&[T])| pack(&sketch, tensor.dtype(), columns, block.len() / columns);
        sketches.zip(&blocks).map(pack).collect()
    }
    let (rows, columns) = (tensor.rows(), tensor.columns());
    let first = (first_leaf * block_rows).min(rows);
    let end = ((first_leaf + count) * block_rows).min(rows);
    let range = first * columns..end * columns;
    match tensor.dtype() {
        DType::U8 => of(backend, tensor, &u8_cells(tensor.cells())[range], block_rows),
        _ => of(backend, tensor, &i8_cells(tensor.cells())[range], block_rows),
    }
}

/// All leaves of `tensor`, with `block_rows` rows each.
///
/// # Panics
/// When the cells are not of 8 bits.
#[must_use]
pub fn leaves(tensor: &Tensor, block_rows: usize) -> Vec<Digest> {
    let packed = packed(backend(), tensor, block_rows, 0, tensor.rows().div_ceil(block_rows));
    packed.iter().map(|elements| hash(tag::SKETCH, elements)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, with whole numbers.
    fn definition(rows: &[&Cells]) -> Element {
        let count = polynomials(rows[0].len());
        let mut sums = [0i64; DEGREE];
        for (b, row) in rows.iter().enumerate() {
            for column in 0..row.len() {
                let cell = i64::from(row.get(column) - row.dtype().min());
                let a = element((b * count + column / DEGREE) as u32);
                for (k, &coefficient) in a.iter().enumerate() {
                    let place = column % DEGREE + k;
                    let sign = if place < DEGREE { 1 } else { -1 };
                    sums[place % DEGREE] += sign * cell * i64::from(coefficient);
                }
            }
        }
        sums.map(|sum| sum.rem_euclid(MODULUS.into()) as u16)
    }

    fn tensor(rows: usize, columns: usize, dtype: DType) -> Tensor {
        let values: Vec<i64> = (0..rows * columns)
            .map(|i| (i * i * 31 + i * 7 + i / 11) as i64 % 256 + i64::from(dtype.min()))
            .collect();
        Tensor::new(rows, columns, Cells::from_values(dtype, &values).unwrap()).unwrap()
    }

    #[test]
    fn sketches_are_the_definitions() {
        for (rows, columns) in [(1, 1), (1, 512), (1, 513), (2, 300), (3, 40)] {
            for dtype in [DType::I8, DType::U8] {
                let tensor = tensor(rows, columns, dtype);
                let rows: Vec<Cells> = (0..rows).map(|i| tensor.row(i)).collect();
                let rows: Vec<&Cells> = rows.iter().collect();
                assert!(sketch(&rows) == definition(&rows), "{} x {columns} of {dtype}", rows.len());
            }
        }
    }

    #[test]
    fn leaves_are_those_of_the_blocks() {
        // More blocks than are computed together, the last one short.
        for (rows, columns, block_rows) in [(70, 5, 4), (3, 600, 4), (16, 16, 1), (37, 100, 2)] {
            let tensor = tensor(rows, columns, DType::I8);
            let all: Vec<Cells> = (0..rows).map(|i| tensor.row(i)).collect();
            let expected: Vec<Digest> =
                all.chunks(block_rows).map(|block| leaf(&block.iter().collect::<Vec<_>>())).collect();
            assert_eq!(leaves(&tensor, block_rows), expected);
            let some = packed(Backend::PORTABLE, &tensor, block_rows, 1, 2);
            let some: Vec<Digest> = some.iter().map(|elements| hash(tag::SKETCH, elements)).collect();
            assert_eq!(some, expected[1.min(expected.len())..3.min(expected.len())]);
        }
    }

    #[test]
    fn everything_changes_the_leaf() {
        let base = tensor(4, 20, DType::U8);
        let rows: Vec<Cells> = (0..4).map(|i| base.row(i)).collect();
        let leaf_of = |rows: &[Cells]| leaf(&rows.iter().collect::<Vec<_>>());
        let expected = leaf_of(&rows);
        for (row, column) in [(0, 0), (0, 19), (3, 0), (3, 19), (2, 7)] {
            let mut other = rows.clone();
            let Cells::U8(cells) = &mut other[row] else { unreachable!() };
            cells[column] ^= 1;
            assert_ne!(leaf_of(&other), expected, "{row}, {column}");
        }
        let mut swapped = rows.clone();
        swapped.swap(1, 2);
        assert_ne!(leaf_of(&swapped), expected);
        // Rows of zeros are not missing rows, zeros at the end of a row are not missing columns, and types differ.
        let mut longer = rows.clone();
        longer.push(Cells::U8(vec![0; 20]));
        assert_ne!(leaf_of(&longer), expected);
        let wider = |row: &Cells| match row {
            Cells::U8(cells) => Cells::U8([&cells[..], &[0]].concat()),
            _ => unreachable!(),
        };
        assert_ne!(leaf_of(&rows.iter().map(wider).collect::<Vec<_>>()), expected);
        let signed = |row: &Cells| match row {
            Cells::U8(cells) => Cells::I8(cells.iter().map(|&c| (c ^ 0x80) as i8).collect()),
            _ => unreachable!(),
        };
        assert_ne!(leaf_of(&rows.iter().map(signed).collect::<Vec<_>>()), expected);
    }

    /// Golden: the constants, sketches and leaves are consensus. A second implementation, of another language and written from
    /// docs/jobs.md alone, gave these constants and sketches.
    #[test]
    fn golden() {
        let first = element(0);
        let last = element(4095);
        assert_eq!(
            (first[..4].to_vec(), last[508..].to_vec()),
            (vec![20928, 62580, 46543, 52473], vec![16084, 28758, 48640, 14810])
        );
        let tensor = tensor(3, 700, DType::I8);
        let rows = [0, 1, 2].map(|i| tensor.row(i));
        let told = |rows: &[&Cells]| {
            let s = sketch(rows);
            (s[..4].to_vec(), s[508..].to_vec(), s.iter().map(|&n| u64::from(n)).sum::<u64>())
        };
        assert_eq!(
            [told(&[&rows[0], &rows[1]]), told(&[&rows[2]])],
            [
                (vec![30795, 21744, 56637, 6444], vec![5781, 4090, 2987, 45615], 15_317_762),
                (vec![10102, 14405, 32133, 52221], vec![3684, 57827, 9923, 6619], 16_465_377),
            ]
        );
        assert_eq!(
            leaves(&tensor, 2).iter().map(Digest::to_string).collect::<Vec<_>>(),
            [
                "0x16444b30a7018566822d2c21265b3b609052980b9e4d472aa6762befa375070a",
                "0x25c187e0bf85590edb45e5b61e8433b89901f0c2c8e86542840085630f9a5fce"
            ]
        );
    }

    #[test]
    fn constants_are_spread() {
        let sum: f64 = (0..16).flat_map(element).map(f64::from).sum();
        let count = 16.0 * DEGREE as f64;
        let mean = f64::from(MODULUS - 1) / 2.0;
        // The mean of 8192 uniform numbers deviates by q / sqrt(12 * 8192); five of these.
        assert!((sum / count - mean).abs() < 5.0 * f64::from(MODULUS) / (12.0 * count).sqrt());
    }
}
