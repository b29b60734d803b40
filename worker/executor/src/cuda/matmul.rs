//! Matrix product on the GPU (`kernels/matmul.cu`).
//!
//! The kernel multiplies signed cells. A uint8 cell c becomes c - 128 and its zero point moves alike, which leaves
//! (c - zero) as it was. With signed cells a, b and zero points za, zb:
//!
//! ```text
//! bias + sum (a - za)(b - zb) = sum a b - zb * sum a + [bias - za * sum b + inner * za * zb]
//! ```
//!
//! The bracket does not depend on the row and is computed here; everything is modulo 2^32.

use janction_program::{DType, MatMul, Program};

use super::{Argument, CudaError, Gpu, OnDevice, pitch};

/// Outputs of a block, in each direction.
const TILE: usize = 64;
/// Threads of a block.
const THREADS: u32 = 256;

/// Constants of an operation on the device.
pub(super) struct Prepared<G: Gpu> {
    /// Signed weights, transposed: a row for each output column, `weight_pitch` bytes apart.
    weights: G::Buffer,
    weight_pitch: usize,
    bias: G::Buffer,
    weight_zero: G::Buffer,
    multiplier: G::Buffer,
    shift: G::Buffer,
    inner: usize,
    columns: usize,
}

/// What a cell or zero point of type `dtype` becomes when cells are signed.
const fn signed(dtype: DType, value: i32) -> i32 {
    match dtype {
        DType::U8 => value - 128,
        _ => value,
    }
}

fn words(values: impl Iterator<Item = u32>) -> Vec<u8> {
    values.flat_map(u32::to_le_bytes).collect()
}

impl<G: Gpu> Prepared<G> {
    pub fn new(gpu: &G, program: &Program, op: &MatMul) -> Result<Self, CudaError> {
        let weights = program.constant(op.weights);
        let (inner, columns) = (weights.rows(), weights.columns());
        let weight_pitch = pitch(inner);
        let input_zero = signed(program.value(op.input).dtype, op.input_zero);
        let mut transposed = vec![0u8; columns * weight_pitch];
        let mut bias = Vec::with_capacity(columns);
        let mut weight_zero = Vec::with_capacity(columns);
        for j in 0..columns {
            let zero = signed(weights.dtype(), op.weight_zero.get(j));
            let mut sum = 0i32;
            for k in 0..inner {
                let weight = signed(weights.dtype(), weights.get(k, j));
                transposed[j * weight_pitch + k] = weight as i8 as u8;
                sum = sum.wrapping_add(weight);
            }
            let own = op.bias.map_or(0, |id| program.constant(id).get(0, j));
            let zeros = (inner as i32).wrapping_mul(input_zero).wrapping_mul(zero);
            bias.push(own.wrapping_sub(input_zero.wrapping_mul(sum)).wrapping_add(zeros) as u32);
            weight_zero.push(zero as u32);
        }
        let requantise = |j| op.requantise.get(j);
        let shifts: Vec<u8> = (0..columns).map(|j| requantise(j).shift).collect();
        Ok(Self {
            weights: gpu.upload(&transposed)?,
            weight_pitch,
            bias: gpu.upload(&words(bias.into_iter()))?,
            weight_zero: gpu.upload(&words(weight_zero.into_iter()))?,
            multiplier: gpu.upload(&words((0..columns).map(|j| requantise(j).multiplier)))?,
            shift: gpu.upload(&shifts)?,
            inner,
            columns,
        })
    }

    /// The operation's result for the rows of `input`.
    pub fn run(
        &self,
        gpu: &G,
        op: &MatMul,
        input: &OnDevice<G>,
        dtype: DType,
    ) -> Result<OnDevice<G>, CudaError> {
        let (rows, columns) = (input.rows, self.columns);
        let pitch = pitch(columns);
        let buffer = gpu.zeros(rows * pitch)?;
        let flip = if input.dtype == DType::U8 { 0x8080_8080 } else { 0 };
        let arguments = [
            Argument::Buffer(&input.buffer),
            Argument::Word(input.pitch as u32),
            Argument::Word(flip),
            Argument::Buffer(&self.weights),
            Argument::Word(self.weight_pitch as u32),
            Argument::Buffer(&self.bias),
            Argument::Buffer(&self.weight_zero),
            Argument::Buffer(&self.multiplier),
            Argument::Buffer(&self.shift),
            Argument::Buffer(&buffer),
            Argument::Word(pitch as u32),
            Argument::Word(rows as u32),
            Argument::Word(self.inner as u32),
            Argument::Word(columns as u32),
            Argument::Word(op.output_zero as u32),
            Argument::Word(op.clamp.0 as u32),
            Argument::Word(op.clamp.1 as u32),
        ];
        let grid = (rows.div_ceil(TILE) as u32, columns.div_ceil(TILE) as u32);
        gpu.launch("matmul", grid, THREADS, &arguments)?;
        Ok(OnDevice { buffer, dtype, rows, columns, pitch })
    }
}
