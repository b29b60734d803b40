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

use janction_accel_cuda::{Argument, Buffer, Grid};
use janction_program::{DType, MatMul, Program, Value};

use super::{Cuda, CudaError, tensor::OnDevice, tensor::pitch};

/// Outputs of a block, in each direction.
pub(super) const TILE: usize = 64;
/// Threads of a block.
pub(super) const THREADS: u32 = 256;

/// Constants of an operation on the device.
pub(super) struct Prepared {
    /// Signed weights, transposed: a line for each output column, `weight_pitch` bytes apart.
    weights: Buffer<u8>,
    weight_pitch: usize,
    bias: Buffer<u32>,
    weight_zero: Buffer<u32>,
    multiplier: Buffer<u32>,
    shift: Buffer<u8>,
    pub inner: usize,
    pub columns: usize,
}

/// What a cell or zero point of type `dtype` becomes when cells are signed.
pub(super) const fn signed(dtype: DType, value: i32) -> i32 {
    match dtype {
        DType::U8 => value - 128,
        _ => value,
    }
}

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &MatMul) -> Result<Self, CudaError> {
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
        let multipliers: Vec<u32> = (0..columns).map(|j| requantise(j).multiplier).collect();
        let shifts: Vec<u8> =
            (0..columns).map(|j| requantise(j).rounding.code(requantise(j).shift)).collect();
        let device = &cuda.device;
        Ok(Self {
            weights: device.upload(&transposed)?,
            weight_pitch,
            bias: device.upload(&bias)?,
            weight_zero: device.upload(&weight_zero)?,
            multiplier: device.upload(&multipliers)?,
            shift: device.upload(&shifts)?,
            inner,
            columns,
        })
    }

    /// What kernels take of it: weights and their pitch, then each column's constants.
    pub fn arguments(&self) -> [Argument<'_>; 6] {
        [
            (&self.weights).into(),
            Argument::Word(self.weight_pitch as u32),
            (&self.bias).into(),
            (&self.weight_zero).into(),
            (&self.multiplier).into(),
            (&self.shift).into(),
        ]
    }

    /// The operation's result for the rows of `input`.
    pub fn run(
        &self,
        cuda: &Cuda,
        op: &MatMul,
        input: &OnDevice,
        output: &Value,
    ) -> Result<OnDevice, CudaError> {
        let result = OnDevice::room(cuda, output, input.rows)?;
        let (rows, vectors) = (input.rows, input.columns / self.inner);
        let flip = if input.dtype == DType::U8 { 0x8080_8080 } else { 0 };
        let sizes = [rows, vectors, self.inner, self.columns].map(|size| Argument::Word(size as u32));
        let range = [op.output_zero, op.clamp.0, op.clamp.1].map(|number| Argument::Word(number as u32));
        let arguments =
            [&input.place()[..], &[Argument::Word(flip)], &self.arguments(), &result.place(), &sizes, &range]
                .concat();
        let blocks = ((rows * vectors).div_ceil(TILE) as u32, self.columns.div_ceil(TILE) as u32, 1);
        cuda.launch("matmul", Grid { blocks, threads: THREADS }, &arguments)?;
        Ok(result)
    }
}
