//! A function of one cell, as a table, on the GPU (`kernels/lookup.cu`).

use janction_accel_cuda::{Argument, Buffer};
use janction_program::{Lookup, Program, Value};

use super::{
    Cuda, CudaError,
    tensor::{OnDevice, bytes, flip},
};

/// The table on the device.
pub(super) struct Prepared(Buffer<u8>);

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &Lookup) -> Result<Self, CudaError> {
        let table = program.constant(op.table);
        Ok(Self(cuda.device.upload(bytes(table.cells(), 0..table.columns()))?))
    }

    /// The operation's result for the rows of `input`.
    pub fn run(&self, cuda: &Cuda, input: &OnDevice, output: &Value) -> Result<OnDevice, CudaError> {
        let result = OnDevice::room(cuda, output, input.rows)?;
        let arguments = [
            &input.place()[..],
            &[Argument::Word(flip(input.dtype)), (&self.0).into()],
            &result.place(),
            &[input.rows, input.columns].map(|size| Argument::Word(size as u32)),
        ]
        .concat();
        cuda.launch("lookup", result.grid()?, &arguments)?;
        Ok(result)
    }
}
