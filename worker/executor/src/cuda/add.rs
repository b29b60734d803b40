//! Weighted sum of two rows on the GPU (`kernels/add.cu`).

use janction_accel_cuda::{Argument, Buffer};
use janction_program::{Add, DType, Operand, Program, Value};

use super::{
    Cuda, CudaError,
    tensor::{OnDevice, bytes, distance, flip},
};

/// The right operand on the device, when it is a constant.
pub(super) struct Prepared(Option<(Buffer<u8>, DType)>);

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &Add) -> Result<Self, CudaError> {
        let Operand::Constant(id) = op.right else { return Ok(Self(None)) };
        let row = program.constant(id);
        let buffer = cuda.device.upload(bytes(row.cells(), 0..row.columns()))?;
        Ok(Self(Some((buffer, row.dtype()))))
    }

    /// The operation's result for the rows of `operands`, of which there are two when both are values.
    pub fn run(
        &self,
        cuda: &Cuda,
        op: &Add,
        operands: &[&OnDevice],
        output: &Value,
    ) -> Result<OnDevice, CudaError> {
        let left = operands[0];
        let result = OnDevice::room(cuda, output, left.rows)?;
        let word = |number: i32| Argument::Word(number as u32);
        let (right, right_dtype) = match &self.0 {
            // The same row for all.
            Some((row, dtype)) => ([row.into(), Argument::Word(0)], *dtype),
            None => (operands[1].place(), operands[1].dtype),
        };
        let cells = |dtype: DType, zero: i32, multiplier: i32| {
            [Argument::Word(flip(dtype)), Argument::Word(distance(dtype, zero)), word(multiplier)]
        };
        let arguments = [
            &left.place()[..],
            &cells(left.dtype, op.left_zero, op.left_multiplier),
            &right,
            &cells(right_dtype, op.right_zero, op.right_multiplier),
            &[Argument::Word(op.rounding.code(op.shift).into())],
            &result.place(),
            &[left.rows, left.columns].map(|size| Argument::Word(size as u32)),
            &[op.output_zero, op.clamp.0, op.clamp.1].map(word),
        ]
        .concat();
        cuda.launch("add", result.grid()?, &arguments)?;
        Ok(result)
    }
}
