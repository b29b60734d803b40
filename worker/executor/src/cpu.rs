//! Execution on the host's processor, all cores.

mod add;
mod averagepool;
mod concat;
mod conv;
mod lookup;
mod matmul;
mod maxpool;
mod product;
mod reshape;
mod rows;
mod transpose;

use janction_program::{Operation, Program, Tensor, commitment::row_digest};
use janction_protocol::Digest;
use janction_trace::{CommittedTensor, Trace};
use rayon::prelude::*;

use crate::{Device, Executor, ExecutorError};

/// The executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

impl Cpu {
    /// An executor on all cores.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// Commits to a tensor with all cores.
pub(crate) fn commit(tensor: Tensor, depth: u8) -> Result<CommittedTensor, ExecutorError> {
    let digests: Vec<Digest> =
        (0..tensor.rows()).into_par_iter().map(|i| row_digest(&tensor.row(i))).collect();
    Ok(CommittedTensor::with_digests(tensor, digests, depth)?)
}

impl Executor for Cpu {
    fn device(&self) -> Device {
        Device::Cpu { threads: rayon::current_num_threads() }
    }

    fn execute(&self, program: &Program, input: &Tensor) -> Result<Vec<Tensor>, ExecutorError> {
        program.check_input(input)?;
        let mut tensors: Vec<Tensor> = vec![input.clone()];
        // Views that are no reshapes have tensors of their own here, so that whoever reads them finds rows.
        let mut places = vec![0];
        let mut is_view = vec![false];
        for step in program.steps() {
            let inputs = step.operation.inputs();
            let operands: Vec<&Tensor> = inputs.iter().map(|id| &tensors[places[id.0]]).collect();
            let (first, output) = (operands[0], &step.output);
            let result = match &step.operation {
                Operation::MatMul(op) => matmul::run(program, op, first, output),
                Operation::Conv(op) => conv::run(program, op, first, output),
                Operation::Add(op) => add::run(program, op, &operands, output),
                Operation::Lookup(op) => lookup::run(program, op, first, output),
                Operation::MaxPool(op) => maxpool::run(program, op, first, output),
                Operation::AveragePool(op) => averagepool::run(program, op, first, output),
                Operation::Transpose(op) => transpose::run(program, op, first, output),
                Operation::Concat(op) => concat::run(program, op, &operands, output),
                Operation::Reshape(_) => {
                    reshape::check(first, output);
                    places.push(places[inputs[0].0]);
                    continue;
                }
            };
            is_view.push(step.operation.kind().is_view());
            places.push(tensors.len());
            tensors.push(result);
        }
        let committed = tensors.into_iter().zip(is_view).skip(1).filter(|(_, is_view)| !is_view);
        Ok(committed.map(|(tensor, _)| tensor).collect())
    }

    fn commit(&self, program: &Program, input: Tensor, tensors: Vec<Tensor>) -> Result<Trace, ExecutorError> {
        let depth = program.depth();
        let tensors = tensors.into_iter().map(|t| commit(t, depth)).collect::<Result<_, _>>()?;
        Ok(Trace::of(program, commit(input, depth)?, tensors)?)
    }
}
