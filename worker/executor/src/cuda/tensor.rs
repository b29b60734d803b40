//! Tensors on the device: up, down, and what kernels want to know of their cells.

use std::ops::Range;

use janction_accel_cuda::{Argument, Buffer, CudaError, Device, Grid, bytes as as_bytes};
use janction_program::{Cells, DType, Tensor, Value, Window};
use rayon::prelude::*;

use super::Cuda;

/// Threads of a block where a thread makes a cell.
const THREADS: u32 = 256;

/// Bytes of a window on the device.
pub(super) const WINDOW_BYTES: u64 = 13 * 4;

/// A tensor of 8-bit cells on the device; rows lie `pitch` bytes apart. What lies between them may be anything.
pub(super) struct OnDevice {
    pub buffer: Buffer<u8>,
    pub dtype: DType,
    pub rows: usize,
    pub columns: usize,
    pub pitch: usize,
}

/// Bytes from row to row: whole 16-byte words, so that every row begins aligned.
pub(super) const fn pitch(columns: usize) -> usize {
    columns.next_multiple_of(16)
}

/// What a byte is xored with to become the cell's distance from the smallest value of its type.
pub(super) const fn flip(dtype: DType) -> u32 {
    if matches!(dtype, DType::I8) { 0x80 } else { 0 }
}

/// The cell `value` of type `dtype`, for example a zero point, as its distance from the smallest value of the type.
pub(super) const fn distance(dtype: DType, value: i32) -> u32 {
    (value - dtype.min()) as u32
}

/// 8-bit cells as bytes.
pub(super) fn bytes(cells: &Cells, range: Range<usize>) -> &[u8] {
    match cells {
        Cells::U8(cells) => &cells[range],
        Cells::I8(cells) => as_bytes(&cells[range]),
        Cells::I32(_) => unreachable!(
            "activations, tables and rows that are added are of 8 bits: a program's check has made sure"
        ),
    }
}

/// Windows as `kernels/window.cu` reads them.
pub(super) fn upload_window(cuda: &Cuda, w: &Window) -> Result<Buffer<u32>, CudaError> {
    let pairs = [w.input, w.output, w.kernel, w.strides, w.dilations, [w.pads[0], w.pads[1]]];
    let words: Vec<u32> =
        [w.channels].iter().chain(pairs.iter().flatten()).map(|&number| number as u32).collect();
    cuda.device.upload(&words)
}

impl OnDevice {
    /// Rows `rows` of `tensor`, on a stream of `device`.
    pub fn upload(device: &Device, tensor: &Tensor, rows: Range<usize>) -> Result<Self, CudaError> {
        let (columns, count) = (tensor.columns(), rows.len());
        let pitch = pitch(columns);
        let cells = bytes(tensor.cells(), rows.start * columns..rows.end * columns);
        let buffer = if pitch == columns {
            device.upload(cells)?
        } else {
            let mut lines = vec![0; count * pitch];
            let rows = lines.par_chunks_exact_mut(pitch).zip(cells.par_chunks_exact(columns));
            rows.for_each(|(line, row)| line[..columns].copy_from_slice(row));
            device.upload(&lines)?
        };
        Ok(Self { buffer, dtype: tensor.dtype(), rows: count, columns, pitch })
    }

    /// Room for `rows` rows of `value`, with anything in it.
    pub fn room(cuda: &Cuda, value: &Value, rows: usize) -> Result<Self, CudaError> {
        let columns = value.columns();
        let pitch = pitch(columns);
        let buffer = cuda.device.allocate::<u8>(rows * pitch)?;
        Ok(Self { buffer, dtype: value.dtype, rows, columns, pitch })
    }

    /// Appends the cells, without the space between rows, to `to`. `device` is one of those that the tensor is open to.
    pub fn read(&self, device: &Device, to: &mut Vec<u8>) -> Result<(), CudaError> {
        // Where in a row the next byte lies.
        let mut place = 0;
        device.read_pieces(self.buffer.all(), |mut piece| {
            if self.pitch == self.columns {
                return to.extend_from_slice(piece);
            }
            while !piece.is_empty() {
                let line = piece.len().min(self.pitch - place);
                let cells = line.min(self.columns.saturating_sub(place));
                to.extend_from_slice(&piece[..cells]);
                piece = &piece[line..];
                place = (place + line) % self.pitch;
            }
        })
    }

    /// One thread for each cell.
    pub fn grid(&self) -> Result<Grid, CudaError> {
        Grid::over(self.rows * self.columns, THREADS)
    }

    /// Address and pitch, as kernels take them.
    pub fn place(&self) -> [Argument<'_>; 2] {
        [(&self.buffer).into(), Argument::Word(self.pitch as u32)]
    }
}
