//! Averages of windows on the GPU (`kernels/averagepool.cu`).

use janction_accel_cuda::{Argument, Buffer};
use janction_program::{AveragePool, Program, Value};

use super::{
    Cuda, CudaError,
    tensor::{OnDevice, distance, flip, upload_window},
};

/// Constants of an operation on the device.
pub(super) struct Prepared {
    window: Buffer<u32>,
    /// For each position of a plane.
    multiplier: Buffer<u32>,
    shift: Buffer<u8>,
}

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &AveragePool) -> Result<Self, CudaError> {
        let window = op.window(program);
        let entries: Vec<_> = (0..window.positions()).map(|position| op.requantise.get(position)).collect();
        let multipliers: Vec<u32> = entries.iter().map(|entry| entry.multiplier).collect();
        let shifts: Vec<u8> = entries.iter().map(|entry| entry.rounding.code(entry.shift)).collect();
        Ok(Self {
            window: upload_window(cuda, &window)?,
            multiplier: cuda.device.upload(&multipliers)?,
            shift: cuda.device.upload(&shifts)?,
        })
    }

    /// The operation's result for the rows of `input`.
    pub fn run(
        &self,
        cuda: &Cuda,
        op: &AveragePool,
        input: &OnDevice,
        output: &Value,
    ) -> Result<OnDevice, CudaError> {
        let result = OnDevice::room(cuda, output, input.rows)?;
        let arguments = [
            &input.place()[..],
            &[Argument::Word(flip(input.dtype)), Argument::Word(distance(input.dtype, op.input_zero))],
            &[(&self.window).into(), (&self.multiplier).into(), (&self.shift).into()],
            &result.place(),
            &[Argument::Word(input.rows as u32)],
            &[op.output_zero, op.clamp.0, op.clamp.1].map(|number| Argument::Word(number as u32)),
        ]
        .concat();
        cuda.launch("averagepool", result.grid()?, &arguments)?;
        Ok(result)
    }
}
