//! Execution on the host's processor, all cores.

pub mod matmul;
pub mod reshape;

use janction_program::{Operation, Program, Source, Tensor, commitment::row_digest};
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

    fn run(&self, program: &Program, input: Tensor) -> Result<Trace, ExecutorError> {
        program.check_input(&input)?;
        let mut tensors: Vec<Tensor> = Vec::new();
        for step in program.steps() {
            let operand = match program.source(step.operation.input()) {
                Source::Input => &input,
                Source::Trace(k) => &tensors[k],
            };
            match &step.operation {
                Operation::MatMul(op) => tensors.push(matmul::run(program, op, operand, step.output.dtype)),
                Operation::Reshape(_) => reshape::check(operand, &step.output),
            }
        }
        let committed = tensors.into_iter().map(|t| commit(t, program.depth())).collect::<Result<_, _>>()?;
        Ok(Trace::of(program, commit(input, program.depth())?, committed)?)
    }
}
