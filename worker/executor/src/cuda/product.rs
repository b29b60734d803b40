//! Products of cells with constant weights on the GPU: what matrix products and convolutions share.
//!
//! The kernels multiply signed cells. A uint8 cell c becomes c - 128 and its zero point moves alike, which leaves
//! (c - zero) as it was. With signed cells a, b and zero points za, zb:
//!
//! ```text
//! bias + sum (a - za)(b - zb) = sum a b - zb * sum a + [bias - za * sum b + inner * za * zb]
//! ```
//!
//! The bracket does not depend on the row and is computed here; everything is modulo 2^32. Where all zb are zero, nobody needs
//! the sums of the left side.

use janction_accel_cuda::{Argument, Buffer};
use janction_program::{Cells, DType, MatMul, Program, Tensor};
use rayon::prelude::*;

use super::{Cuda, CudaError, tensor::pitch};

/// Columns of weights that are brought into lines together: their lines' ends stay in the processor's cache.
const TOGETHER: usize = 64;

/// Lines of weights come in such multiples, the last ones of zeros: a library's products want whole vectors of columns.
const LINES: usize = 16;

/// Weights on the device: signed cells, a line for each output column.
pub(super) struct Weights {
    pub lines: Buffer<u8>,
    /// Bytes from line to line.
    pub pitch: usize,
}

/// What the sums of an output column are finished with, on the device.
pub(super) struct Columns {
    bias: Buffer<u32>,
    weight_zero: Buffer<u32>,
    multiplier: Buffer<u32>,
    shift: Buffer<u8>,
    /// Whether a weight zero point is not zero.
    pub has_zeros: bool,
}

/// What a cell or zero point of type `dtype` becomes when cells are signed.
pub(super) const fn signed(dtype: DType, value: i32) -> i32 {
    match dtype {
        DType::U8 => value - 128,
        _ => value,
    }
}

/// What a byte is xored with to become a signed cell.
pub(super) const fn to_signed(dtype: DType) -> u32 {
    if matches!(dtype, DType::U8) { 0x80 } else { 0 }
}

/// The same for four cells in a word.
pub(super) const fn words_to_signed(dtype: DType) -> u32 {
    0x0101_0101 * to_signed(dtype)
}

/// The weights as signed cells, transposed: cell k of a column at place `place(k)` of its line, zeros elsewhere.
fn lines(weights: &Tensor, pitch: usize, place: impl Fn(usize) -> usize + Sync) -> Vec<u8> {
    let columns = weights.columns();
    let mut lines = vec![0u8; columns.next_multiple_of(LINES) * pitch];
    let fill = |cell: &(dyn Fn(usize) -> u8 + Sync), lines: &mut Vec<u8>| {
        lines[..columns * pitch].par_chunks_mut(TOGETHER * pitch).enumerate().for_each(|(block, lines)| {
            for k in 0..weights.rows() {
                let (first, place) = (k * columns + block * TOGETHER, place(k));
                for (j, line) in lines.chunks_exact_mut(pitch).enumerate() {
                    line[place] = cell(first + j);
                }
            }
        });
    };
    match weights.cells() {
        Cells::I8(cells) => fill(&|i| cells[i] as u8, &mut lines),
        Cells::U8(cells) => fill(&|i| cells[i] ^ 0x80, &mut lines),
        Cells::I32(_) => unreachable!("weights are of 8 bits: a program's check has made sure"),
    }
    lines
}

impl Weights {
    /// Bytes of a line that holds `cells` cells: whole chunks, as the kernels copy them.
    pub const fn pitch(cells: usize) -> usize {
        pitch(cells)
    }

    /// Weights whose cell k lies at place `place(k)` of lines of `pitch` bytes.
    pub fn new(
        cuda: &Cuda,
        weights: &Tensor,
        pitch: usize,
        place: impl Fn(usize) -> usize + Sync,
    ) -> Result<Self, CudaError> {
        Ok(Self { lines: cuda.device.upload(&lines(weights, pitch, place))?, pitch })
    }

    /// Bytes that the weights of `columns` columns take.
    pub const fn bytes(columns: usize, pitch: usize) -> u64 {
        (columns.next_multiple_of(LINES) * pitch) as u64
    }

    /// Weights and their pitch, as kernels take them.
    pub fn place(&self) -> [Argument<'_>; 2] {
        [(&self.lines).into(), Argument::Word(self.pitch as u32)]
    }
}

impl Columns {
    pub fn new(cuda: &Cuda, program: &Program, op: &MatMul) -> Result<Self, CudaError> {
        let weights = program.constant(op.weights);
        let (inner, columns) = (weights.rows(), weights.columns());
        let input_zero = signed(program.value(op.input).dtype, op.input_zero);
        let sums = sums(weights);
        let (mut bias, mut weight_zero) = (Vec::with_capacity(columns), Vec::with_capacity(columns));
        for (j, sum) in sums.into_iter().enumerate() {
            let zero = signed(weights.dtype(), op.weight_zero.get(j));
            let own = op.bias.map_or(0, |id| program.constant(id).get(0, j));
            let zeros = (inner as i32).wrapping_mul(input_zero).wrapping_mul(zero);
            bias.push(own.wrapping_sub(input_zero.wrapping_mul(sum)).wrapping_add(zeros) as u32);
            weight_zero.push(zero as u32);
        }
        let requantise: Vec<_> = (0..columns).map(|j| op.requantise.get(j)).collect();
        let multipliers: Vec<u32> = requantise.iter().map(|entry| entry.multiplier).collect();
        let shifts: Vec<u8> = requantise.iter().map(|entry| entry.rounding.code(entry.shift)).collect();
        let device = &cuda.device;
        Ok(Self {
            bias: device.upload(&bias)?,
            has_zeros: weight_zero.iter().any(|zero| *zero != 0),
            weight_zero: device.upload(&weight_zero)?,
            multiplier: device.upload(&multipliers)?,
            shift: device.upload(&shifts)?,
        })
    }

    /// Bytes that `columns` of them take.
    pub const fn bytes(columns: usize) -> u64 {
        13 * columns as u64
    }

    /// What kernels take of it.
    pub fn arguments(&self) -> [Argument<'_>; 4] {
        [(&self.bias).into(), (&self.weight_zero).into(), (&self.multiplier).into(), (&self.shift).into()]
    }
}

/// The sum of each column's signed cells, modulo 2^32.
fn sums(weights: &Tensor) -> Vec<i32> {
    let columns = weights.columns();
    let add = |mut sums: Vec<i32>, k: usize| {
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum = sum.wrapping_add(signed(weights.dtype(), weights.get(k, j)));
        }
        sums
    };
    let both = |mut left: Vec<i32>, right: Vec<i32>| {
        left.iter_mut().zip(right).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
        left
    };
    (0..weights.rows())
        .into_par_iter()
        .with_min_len(64)
        .fold(|| vec![0; columns], add)
        .reduce(|| vec![0; columns], both)
}

/// Output zero point and clamp, as kernels take them.
pub(super) fn range(op: &MatMul) -> [Argument<'static>; 3] {
    [op.output_zero, op.clamp.0, op.clamp.1].map(|number| Argument::Word(number as u32))
}
