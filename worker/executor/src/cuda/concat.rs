//! Rows of several values, one behind the other along a dimension, on the GPU (`kernels/concat.cu`).

use janction_accel_cuda::Argument;
use janction_program::{Concat, Program, Value};

use super::{Cuda, CudaError, tensor::OnDevice};

/// The view of the rows of `operands`, as a tensor of its own.
pub(super) fn run(
    cuda: &Cuda,
    program: &Program,
    op: &Concat,
    operands: &[&OnDevice],
    output: &Value,
) -> Result<OnDevice, CudaError> {
    let result = OnDevice::room(cuda, output, operands[0].rows)?;
    // Cells from the axis on lie together.
    let chunk = |value: &Value| -> usize {
        value.shape[usize::from(op.axis)..].iter().map(|&extent| extent as usize).product()
    };
    let stride = chunk(output);
    let mut first = 0;
    for (operand, &id) in operands.iter().zip(&op.inputs) {
        let chunk = chunk(program.value(id));
        let arguments = [
            &operand.place()[..],
            &[chunk, stride, first].map(|size| Argument::Word(size as u32)),
            &result.place(),
            &[operand.rows, operand.columns].map(|size| Argument::Word(size as u32)),
        ]
        .concat();
        cuda.launch("concat", operand.grid()?, &arguments)?;
        first += chunk;
    }
    Ok(result)
}
