//! Why a program could not be run.

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
    /// The GPU cannot be used or failed.
    #[error(transparent)]
    Cuda(#[from] CudaError),
}
