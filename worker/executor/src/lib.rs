//! Executes tensor programs and commits to what was computed.
//!
//! [`Executor`] has two implementations with identical results, bit for bit those of
//! `janction_program::reference`: [`cpu::Cpu`] and [`cuda::Cuda`]. [`open`] picks one. Each operation has one file
//! in each of them, named like the operation.

pub mod cpu;
pub mod cuda;
mod error;
pub mod prepared;

pub use error::ExecutorError;

use std::path::Path;
use std::sync::Arc;

use janction_program::{Program, Tensor};
use janction_trace::Trace;

/// What an executor runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// The host's processor.
    Cpu {
        /// Threads used.
        threads: usize,
    },
    /// An NVIDIA GPU.
    Cuda {
        /// Number of the GPU.
        ordinal: usize,
        /// What the driver calls it.
        name: String,
        /// Memory in bytes.
        memory: u64,
        /// Compute capability, major and minor.
        capability: (i32, i32),
    },
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu { threads } => write!(f, "CPU, {threads} threads"),
            Self::Cuda { ordinal, name, memory, capability: (major, minor) } => {
                write!(f, "GPU {ordinal}: {name}, {} MiB, compute capability {major}.{minor}", memory >> 20)
            }
        }
    }
}

/// Runs programs.
pub trait Executor: Send + Sync {
    /// What it runs on.
    fn device(&self) -> Device;

    /// Runs `program` on `input`: the results of [`Program::committed_steps`], in order. Nothing is committed to.
    ///
    /// What is made of the program first (weights in the device's order) is kept for the next run of it.
    ///
    /// # Errors
    /// When the input does not fit the program, or the device fails.
    fn execute(&self, program: &Program, input: &Tensor) -> Result<Vec<Tensor>, ExecutorError>;

    /// Commits to `input` and to `tensors`, what [`Self::execute`] gave for it.
    ///
    /// # Errors
    /// When the tensors are no trace of the program, or the device fails.
    fn commit(&self, program: &Program, input: Tensor, tensors: Vec<Tensor>) -> Result<Trace, ExecutorError>;

    /// An executor on the same device, beside this one, that takes at most `bytes` of the device's memory: every allocation
    /// counts, and one too many is refused. Nothing where the device has no memory of its own.
    ///
    /// # Errors
    /// When the device fails.
    fn share(&self, bytes: u64) -> Result<Option<Arc<dyn Executor>>, ExecutorError> {
        let _ = bytes;
        Ok(None)
    }

    /// Whether the device's memory, or the share of it that this executor may take, holds `program` on `rows` rows: what
    /// [`Self::execute`] and [`Self::run`] refuse for that is refused here, before anything is run. That others use the same device is
    /// not known here. Always, where the device has no memory of its own.
    ///
    /// # Errors
    /// [`ExecutorError::TooLittleMemory`] with the bytes that are needed and given.
    fn fits(&self, program: &Program, rows: usize) -> Result<(), ExecutorError> {
        let _ = (program, rows);
        Ok(())
    }

    /// Runs `program` on `input` and commits to the input and to every tensor that was computed.
    ///
    /// # Errors
    /// When the input does not fit the program, or the device fails.
    fn run(&self, program: &Program, input: Tensor) -> Result<Trace, ExecutorError> {
        let tensors = self.execute(program, &input)?;
        self.commit(program, input, tensors)
    }
}

/// Which executor to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first GPU if there is a working one, otherwise the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// This GPU; an error when it cannot be used.
    Cuda(usize),
}

/// An executor, and why it is not a GPU's when [`Choice::Auto`] found none.
pub struct Opened {
    /// The executor.
    pub executor: Box<dyn Executor>,
    /// Why no GPU is used, when one was looked for.
    pub no_gpu: Option<cuda::CudaError>,
}

/// Opens the executor of `choice`. Kernels that are compiled for a GPU are kept in the folder `kernels`, where one is given.
///
/// # Errors
/// When a GPU was asked for by number and cannot be used.
pub fn open(choice: Choice, kernels: Option<&Path>) -> Result<Opened, ExecutorError> {
    let on_cpu = |no_gpu| Opened { executor: Box::new(cpu::Cpu::new()), no_gpu };
    let on_gpu = |gpu| Opened { executor: Box::new(gpu), no_gpu: None };
    match choice {
        Choice::Cpu => Ok(on_cpu(None)),
        Choice::Cuda(ordinal) => Ok(cuda::Cuda::open(ordinal, kernels).map(on_gpu)?),
        Choice::Auto => Ok(cuda::Cuda::open(0, kernels).map_or_else(|error| on_cpu(Some(error)), on_gpu)),
    }
}
