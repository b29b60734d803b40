//! Largest cells of windows on the GPU (`kernels/maxpool.cu`).

use janction_accel_cuda::{Argument, Buffer};
use janction_program::{MaxPool, Program, Value};

use super::{
    Cuda, CudaError,
    tensor::{OnDevice, flip, upload_window},
};

/// The windows on the device.
pub(super) struct Prepared(Buffer<u32>);

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &MaxPool) -> Result<Self, CudaError> {
        Ok(Self(upload_window(cuda, &op.window(program))?))
    }

    /// The operation's result for the rows of `input`.
    pub fn run(&self, cuda: &Cuda, input: &OnDevice, output: &Value) -> Result<OnDevice, CudaError> {
        let result = OnDevice::room(cuda, output, input.rows)?;
        let arguments = [
            &input.place()[..],
            &[Argument::Word(flip(input.dtype)), (&self.0).into()],
            &result.place(),
            &[Argument::Word(input.rows as u32)],
        ]
        .concat();
        cuda.launch("maxpool", result.grid()?, &arguments)?;
        Ok(result)
    }
}
