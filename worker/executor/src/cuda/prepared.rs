//! Operations with their constants on the device, and what memory they take.

use janction_program::{Operation, Program, Step};

use super::{
    Cuda, CudaError, add, averagepool, concat, conv, lookup, matmul, maxpool, reshape,
    tensor::{OnDevice, WINDOW_BYTES, pitch},
    transpose,
};

/// An operation with its constants on the device.
pub(super) enum Prepared {
    MatMul(Box<matmul::Prepared>),
    Conv(Box<conv::Prepared>),
    Add(Box<add::Prepared>),
    Lookup(lookup::Prepared),
    MaxPool(maxpool::Prepared),
    AveragePool(Box<averagepool::Prepared>),
    Transpose(transpose::Prepared),
    Concat,
    Reshape,
}

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, step: &Step) -> Result<Self, CudaError> {
        Ok(match &step.operation {
            Operation::MatMul(op) => Self::MatMul(Box::new(matmul::Prepared::new(cuda, program, op)?)),
            Operation::Conv(op) => Self::Conv(Box::new(conv::Prepared::new(cuda, program, op)?)),
            Operation::Add(op) => Self::Add(Box::new(add::Prepared::new(cuda, program, op)?)),
            Operation::Lookup(op) => Self::Lookup(lookup::Prepared::new(cuda, program, op)?),
            Operation::MaxPool(op) => Self::MaxPool(maxpool::Prepared::new(cuda, program, op)?),
            Operation::AveragePool(op) => {
                Self::AveragePool(Box::new(averagepool::Prepared::new(cuda, program, op)?))
            }
            Operation::Transpose(op) => Self::Transpose(transpose::Prepared::new(cuda, program, op)?),
            Operation::Concat(_) => Self::Concat,
            Operation::Reshape(_) => Self::Reshape,
        })
    }

    /// Bytes that the constants of `step` take on the device, at most.
    pub fn bytes(program: &Program, step: &Step) -> u64 {
        match &step.operation {
            Operation::MatMul(op) => matmul::Prepared::bytes(program, op),
            Operation::Conv(op) => conv::Prepared::bytes(program, op),
            Operation::Add(_) => pitch(step.output.columns()) as u64,
            Operation::Lookup(_) => 256,
            Operation::MaxPool(_) => WINDOW_BYTES,
            Operation::AveragePool(op) => WINDOW_BYTES + 5 * op.window(program).positions() as u64,
            Operation::Transpose(_) => 4 * step.output.columns() as u64,
            Operation::Concat(_) | Operation::Reshape(_) => 0,
        }
    }

    /// Bytes that `step` takes for each row besides operands and result, while it runs, at most.
    pub fn row_bytes(program: &Program, step: &Step) -> u64 {
        match &step.operation {
            Operation::MatMul(op) => matmul::Prepared::row_bytes(program, op),
            Operation::Conv(op) => conv::Prepared::row_bytes(program, op),
            _ => 0,
        }
    }

    /// The result of `step` for the rows of `operands`; nothing where it is the operand itself.
    ///
    /// # Panics
    /// When this was prepared from another step.
    pub fn run(
        &self,
        cuda: &Cuda,
        program: &Program,
        step: &Step,
        operands: &[&OnDevice],
    ) -> Result<Option<OnDevice>, CudaError> {
        let (first, output) = (operands[0], &step.output);
        match (self, &step.operation) {
            (Self::MatMul(prepared), Operation::MatMul(op)) => prepared.run(cuda, op, first, output),
            (Self::Conv(prepared), Operation::Conv(op)) => prepared.run(cuda, op, first, output),
            (Self::Add(prepared), Operation::Add(op)) => prepared.run(cuda, op, operands, output),
            (Self::Lookup(prepared), _) => prepared.run(cuda, first, output),
            (Self::MaxPool(prepared), _) => prepared.run(cuda, first, output),
            (Self::AveragePool(prepared), Operation::AveragePool(op)) => {
                prepared.run(cuda, op, first, output)
            }
            (Self::Transpose(prepared), _) => prepared.run(cuda, first, output),
            (Self::Concat, Operation::Concat(op)) => concat::run(cuda, program, op, operands, output),
            (Self::Reshape, _) => {
                reshape::check(first, output);
                return Ok(None);
            }
            _ => unreachable!("programs are cached by their digest, and prepared step by step"),
        }
        .map(Some)
    }
}
