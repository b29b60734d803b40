//! The dimensions of a row in another order, on the GPU (`kernels/transpose.cu`).

use janction_accel_cuda::{Argument, Buffer};
use janction_program::{Program, Transpose, Value};

use super::{Cuda, CudaError, tensor::OnDevice};

/// For each output cell the input cell that it is, on the device.
pub(super) struct Prepared(Buffer<u32>);

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &Transpose) -> Result<Self, CudaError> {
        let order: Vec<u32> =
            op.order(&program.value(op.input).shape).into_iter().map(|cell| cell as u32).collect();
        Ok(Self(cuda.device.upload(&order)?))
    }

    /// The view of the rows of `input`, as a tensor of its own.
    pub fn run(&self, cuda: &Cuda, input: &OnDevice, output: &Value) -> Result<OnDevice, CudaError> {
        let result = OnDevice::room(cuda, output, input.rows)?;
        let arguments = [
            &input.place()[..],
            &[(&self.0).into()],
            &result.place(),
            &[input.rows, input.columns].map(|size| Argument::Word(size as u32)),
        ]
        .concat();
        cuda.launch("transpose", result.grid()?, &arguments)?;
        Ok(result)
    }
}
