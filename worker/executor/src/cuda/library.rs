//! Large matrix products through a library: 32-bit sums of a part of the rows at a time, which a kernel finishes.

use janction_accel_cuda::{Argument, Blas, Buffer, CudaError, Grid, Product};
use janction_program::MatMul;

use super::{
    Cuda,
    matmul::{Items, Prepared},
    product::range,
    tensor::OnDevice,
};

/// Multiply-adds from which on the library is asked: a product of 2048 x 2048 x 2048. Below, sums in memory cost too much.
pub(super) const LIBRARY_FROM: u64 = 1 << 33;
/// Bytes of the sums of a part, at most.
const MOST_SUMS: usize = 256 << 20;
/// Of the memory that there is, the part that the sums may take, at most.
const SHARE: u64 = 16;
/// A part of fewer rows would not be worth it.
const LEAST_ROWS: usize = 128;
/// Threads of a block; each finishes four sums, or moves 16 cells.
const THREADS: u32 = 256;

/// Bytes that the library's way takes besides operands and result.
pub(super) fn bytes(limit: u64) -> u64 {
    (limit / SHARE).min(MOST_SUMS as u64) + Blas::workspace() as u64
}

/// Items of a part.
fn items_at_once(cuda: &Cuda, pitch: usize) -> usize {
    let bytes = usize::try_from(cuda.device.memory_limit() / SHARE).unwrap_or(usize::MAX).min(MOST_SUMS);
    cuda.most_sums.min(bytes) / (size_of::<i32>() * pitch)
}

/// Multiplies `items` with the weights into `result`; `sums` are those of the items' cells. `false`, with nothing of use done,
/// where the library has no way for the shape or memory is short.
pub(super) fn run(
    cuda: &Cuda,
    op: &MatMul,
    prepared: &Prepared,
    items: &Items<'_>,
    sums: &Buffer<i32>,
    result: &OnDevice,
    vectors: usize,
) -> Result<bool, CudaError> {
    let Some(blas) = &cuda.blas else { return Ok(false) };
    match attempt(cuda, blas, op, prepared, items, sums, result, vectors) {
        Err(error) if error.is_out_of_memory() => Ok(false),
        done => done,
    }
}

#[allow(clippy::too_many_arguments)]
fn attempt(
    cuda: &Cuda,
    blas: &Blas,
    op: &MatMul,
    prepared: &Prepared,
    items: &Items<'_>,
    sums: &Buffer<i32>,
    result: &OnDevice,
    vectors: usize,
) -> Result<bool, CudaError> {
    let (device, columns, line) = (&cuda.device, prepared.outer, prepared.weights.pitch);
    let pitch = columns.next_multiple_of(16);
    let at_once = items_at_once(cuda, pitch).min(items.count);
    if at_once < LEAST_ROWS.min(items.count) {
        return Ok(false);
    }
    let word = |size: usize| Argument::Word(size as u32);
    let products = device.allocate::<i32>(at_once * pitch)?;
    for first in (0..items.count).step_by(at_once) {
        let count = at_once.min(items.count - first);
        let part = items.cells.slice(first * items.pitch..(first + count - 1) * items.pitch + line);
        let signed = if items.flip == 0 {
            None
        } else {
            let signed = device.allocate::<u8>((count - 1) * items.pitch + line)?;
            let arguments =
                [part.into(), Argument::Word(items.flip), (&signed).into(), word(signed.len() / 16)];
            cuda.launch("to_signed", Grid::over(signed.len() / 16, THREADS)?, &arguments)?;
            Some(signed)
        };
        let product = Product {
            left: (signed.as_ref().map_or(part, Buffer::all), items.pitch),
            right: (prepared.weights.lines.all(), line),
            sums: (products.all(), pitch),
            rows: count,
            columns: pitch,
            inner: line,
        };
        if !blas.multiply(device, &product)? {
            return Ok(false);
        }
        let arguments = [
            &[(&products).into(), word(pitch)],
            &prepared.columns.arguments()[..],
            &[sums.into()],
            &result.place(),
            &[first, count, vectors, columns].map(word),
            &range(op),
        ]
        .concat();
        cuda.launch("finish_sums", Grid::over(count * pitch / 4, THREADS)?, &arguments)?;
    }
    Ok(true)
}
