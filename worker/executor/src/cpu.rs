//! Execution on the host's processor, all cores.
//!
//! What is prepared of programs (weights in the order in which they are read) is kept up to 4 GiB; a program that takes more is prepared
//! operation by operation in each run.

mod add;
mod arrangement;
mod averagepool;
mod bytes;
mod commit;
mod concat;
mod conv;
mod gemm;
mod instructions;
mod lookup;
mod matmul;
mod maxpool;
mod parallel;
mod requantise;
mod reshape;
mod transpose;
mod windows;

pub(crate) use commit::{commit, with_leaves};
pub use instructions::Instructions;

use std::{borrow::Cow, convert::Infallible};

use janction_accel_cpu::Backend;
use janction_program::{Operation, Program, Step, Tensor, Value};
use janction_trace::Trace;

use crate::{Device, Executor, ExecutorError, prepared::PreparedCache};
use arrangement::Arrangement;

/// Most bytes of prepared programs that are kept: 4 GiB.
const PREPARED_BYTES: u64 = 4 << 30;

/// The executor.
pub struct Cpu {
    /// Those that it was told to use; otherwise those of the process.
    instructions: Option<Instructions>,
    prepared: PreparedCache<Vec<Prepared>>,
}

/// An operation with its constants as they are read.
enum Prepared {
    MatMul(matmul::Prepared),
    Conv(Box<conv::Prepared>),
    Add(add::Prepared),
    Lookup(Box<lookup::Prepared>),
    MaxPool(maxpool::Prepared),
    AveragePool(Box<averagepool::Prepared>),
    /// Transposition or concatenation.
    Arranged(Arrangement),
    Reshape,
}

impl Prepared {
    fn new(program: &Program, step: &Step) -> Self {
        match &step.operation {
            Operation::MatMul(op) => Self::MatMul(matmul::Prepared::new(program, op)),
            Operation::Conv(op) => Self::Conv(Box::new(conv::Prepared::new(program, op))),
            Operation::Add(op) => Self::Add(add::Prepared::new(program, op)),
            Operation::Lookup(op) => Self::Lookup(Box::new(lookup::Prepared::new(program, op))),
            Operation::MaxPool(op) => Self::MaxPool(maxpool::Prepared::new(program, op)),
            Operation::AveragePool(op) => {
                Self::AveragePool(Box::new(averagepool::Prepared::new(program, op)))
            }
            Operation::Transpose(op) => Self::Arranged(transpose::arrangement(program, op)),
            Operation::Concat(op) => Self::Arranged(concat::arrangement(program, op)),
            Operation::Reshape(_) => Self::Reshape,
        }
    }

    /// Bytes that it takes, at most.
    fn bytes(program: &Program, step: &Step) -> u64 {
        let bytes = match &step.operation {
            Operation::MatMul(op) => matmul::Prepared::bytes(program, op),
            Operation::Conv(op) => conv::Prepared::bytes(program, op),
            Operation::MaxPool(op) => maxpool::Prepared::bytes(program, op),
            Operation::AveragePool(op) => averagepool::Prepared::bytes(program, op),
            Operation::Transpose(_) => Arrangement::bytes_of_one(step.output.columns()),
            Operation::Concat(op) => concat::bytes(program, op),
            Operation::Add(_) => step.output.columns(),
            Operation::Lookup(_) => size_of::<lookup::Prepared>(),
            Operation::Reshape(_) => 0,
        };
        (bytes + size_of::<Self>()) as u64
    }

    /// The result for `operands`; `None` when it is the operand as it is.
    fn run(&self, instructions: Instructions, operands: &[&Tensor], output: &Value) -> Option<Tensor> {
        let first = operands[0];
        Some(match self {
            Self::MatMul(prepared) => prepared.run(instructions, first, output),
            Self::Conv(prepared) => prepared.run(instructions, first, output),
            Self::Add(prepared) => prepared.run(instructions, operands, output),
            Self::Lookup(prepared) => prepared.run(first, output),
            Self::MaxPool(prepared) => prepared.run(instructions, first, output),
            Self::AveragePool(prepared) => prepared.run(instructions, first, output),
            Self::Arranged(arrangement) => arrangement.run(operands, output),
            Self::Reshape => {
                reshape::check(first, output);
                return None;
            }
        })
    }
}

impl Cpu {
    /// An executor on all cores.
    #[must_use]
    pub const fn new() -> Self {
        Self { instructions: None, prepared: PreparedCache::new(PREPARED_BYTES) }
    }

    /// The same with certain instructions, not the fastest that the processor has.
    #[must_use]
    pub fn with(instructions: Instructions) -> Self {
        Self { instructions: Some(instructions), ..Self::new() }
    }

    /// The same, keeping at most `bytes` bytes of prepared programs from one run to the next; without this it is 4 GiB.
    #[must_use]
    pub fn keeping(self, bytes: u64) -> Self {
        Self { prepared: PreparedCache::new(bytes), ..self }
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for Cpu {
    fn device(&self) -> Device {
        Device::Cpu { threads: rayon::current_num_threads() }
    }

    fn execute(&self, program: &Program, input: &Tensor) -> Result<Vec<Tensor>, ExecutorError> {
        program.check_input(input)?;
        let instructions = match self.instructions {
            Some(instructions) => instructions,
            None => Instructions::current()?,
        };
        let steps = program.steps();
        let size = steps.iter().map(|step| Prepared::bytes(program, step)).sum();
        // What is too large to be kept is prepared one operation at a time, so that a run has no more of it at once.
        let prepared = self.prepared.fits(size).then(|| {
            let prepare = || Ok(steps.iter().map(|step| Prepared::new(program, step)).collect());
            let Ok(prepared) = self.prepared.get_or_prepare::<Infallible>(program, size, prepare);
            prepared
        });
        // The input and the results of the steps in order, but for reshapes, which are their operand. Views that are none
        // have tensors of their own here, so that whoever reads them finds rows.
        let mut tensors = vec![Cow::Borrowed(input)];
        let mut is_committed = vec![false];
        let mut places = vec![0];
        for (index, step) in steps.iter().enumerate() {
            let inputs = step.operation.inputs();
            let operands: Vec<&Tensor> = inputs.iter().map(|id| &*tensors[places[id.0]]).collect();
            let result = match &prepared {
                Some(prepared) => prepared[index].run(instructions, &operands, &step.output),
                None => Prepared::new(program, step).run(instructions, &operands, &step.output),
            };
            match result {
                None => places.push(places[inputs[0].0]),
                Some(result) => {
                    places.push(tensors.len());
                    tensors.push(Cow::Owned(result));
                    is_committed.push(!step.operation.kind().is_view());
                }
            }
        }
        let tensors = tensors.into_iter().zip(is_committed);
        Ok(tensors.filter(|(_, is_committed)| *is_committed).map(|(tensor, _)| tensor.into_owned()).collect())
    }

    fn commit(&self, program: &Program, input: Tensor, tensors: Vec<Tensor>) -> Result<Trace, ExecutorError> {
        let backend = Backend::current()?;
        let commit = |tensor| commit::commit(backend, program, tensor);
        let tensors = tensors.into_iter().map(commit).collect::<Result<_, _>>()?;
        Ok(Trace::of(program, commit(input)?, tensors)?)
    }
}
