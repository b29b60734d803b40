//! Why a program could not be run.

use janction_accel_cpu::AccelError;
use janction_program::ProgramError;
use janction_trace::TraceError;
use thiserror::Error;

use crate::cuda::CudaError;

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExecutorError {
    /// The input does not fit the program.
    #[error(transparent)]
    Input(#[from] ProgramError),
    /// The results could not be committed to.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The instructions that `JANCTION_SIMD` asks for cannot be used.
    #[error(transparent)]
    Instructions(#[from] AccelError),
    /// Even one row (or one block of rows under commitment scheme 2) at a time, the program does not fit the GPU's memory, or the share
    /// of it that the executor may take.
    #[error(
        "program {program:?} takes at least {needed} bytes of GPU memory, {constants} of them for its constants and most for \
         operation {operation:?}, and there are {given}: raise `worker.vram_mib` if the GPU has more, or use a larger GPU or \
         the CPU"
    )]
    TooLittleMemory {
        /// Name of the program.
        program: String,
        /// Name of the operation that takes most.
        operation: String,
        /// Bytes of all constants.
        constants: u64,
        /// Bytes of the constants, of as many rows as must be there together in all tensors, and of what operations take while they
        /// run.
        needed: u64,
        /// Bytes that there are.
        given: u64,
    },
    /// The GPU cannot be used or failed.
    #[error(transparent)]
    Cuda(#[from] CudaError),
}
