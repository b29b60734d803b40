//! Why a GPU cannot be used, and what to do about it.

use thiserror::Error;

/// A GPU that cannot be used or has failed. Whatever goes wrong becomes one of these: nothing here panics or ends
/// the process, and memory that was taken is given back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CudaError {
    /// libcuda is not there.
    #[error("no NVIDIA driver (libcuda) was found: install one (`nvidia-smi` must work), or run on the CPU")]
    NoDriver,
    /// The driver lacks something that this build needs, or does not take what the compiler makes.
    #[error(
        "the NVIDIA driver ({driver}) is too old: {reason}; install a newer driver, or a libnvrtc as old as the driver"
    )]
    DriverTooOld {
        /// The CUDA version that the driver serves, or `unknown`.
        driver: String,
        /// What is missing.
        reason: String,
    },
    /// libnvrtc is not there.
    #[error(
        "CUDA's run-time compiler (libnvrtc) was not found: install the CUDA toolkit or the Python package \
         nvidia-cuda-nvrtc and put its library folder on LD_LIBRARY_PATH"
    )]
    NoCompiler,
    /// libnvrtc lacks something that this build needs, or does not know the GPU.
    #[error(
        "CUDA's run-time compiler (libnvrtc {compiler}) does not serve this GPU: {reason}; install the Python \
         package nvidia-cuda-nvrtc and put its library folder on LD_LIBRARY_PATH"
    )]
    CompilerTooOld {
        /// Its version, or `unknown`.
        compiler: String,
        /// What is missing.
        reason: String,
    },
    /// libcublasLt is not there. Nothing needs it.
    #[error(
        "cuBLASLt (libcublasLt) was not found, so large products run on Janction's own kernels: install the CUDA toolkit or the \
         Python package nvidia-cublas and put its library folder on LD_LIBRARY_PATH"
    )]
    NoBlas,
    /// No GPU of this number.
    #[error("GPU {ordinal} does not exist: the driver sees {count}")]
    NoDevice {
        /// The number asked for.
        ordinal: usize,
        /// GPUs that there are.
        count: usize,
    },
    /// The GPU is too small for the task, whatever else runs on it.
    #[error(
        "the task needs {needed} bytes of GPU memory and {device} has {memory}: use a larger GPU, or the CPU"
    )]
    TooSmall {
        /// What the driver calls it.
        device: String,
        /// Its memory in bytes.
        memory: u64,
        /// Bytes that the task needs.
        needed: u64,
    },
    /// Not enough memory is free.
    #[error(
        "the GPU has not enough free memory for {bytes} more bytes: run fewer proofs at once, close other programs, \
         or use a larger GPU"
    )]
    OutOfMemory {
        /// Bytes that were asked for.
        bytes: u64,
    },
    /// More than the share of the GPU's memory that this user of it was given.
    #[error(
        "{bytes} more bytes of GPU memory would exceed the budget of {budget} bytes, of which {taken} are taken: raise the \
         budget (`worker.vram_mib` for a unit), or take smaller tasks"
    )]
    OverBudget {
        /// Bytes that were asked for.
        bytes: u64,
        /// Bytes that are taken already.
        taken: u64,
        /// The budget in bytes.
        budget: u64,
    },
    /// Kernels do not compile.
    #[error("the kernels of `{source_name}` do not compile for {target}: {log}")]
    Compile {
        /// Name of the source.
        source_name: String,
        /// What they were compiled for, such as `sm_90`.
        target: String,
        /// What the compiler says.
        log: String,
    },
    /// A request that does not fit the buffers or the kernel: a fault of the caller.
    #[error("a call does not fit: {0}")]
    Misfit(String),
    /// Zero has no inverse.
    #[error("an element to be inverted is zero")]
    ZeroInverse,
    /// Anything else that the driver reports.
    #[error("{action} failed on the GPU: {reason}; `nvidia-smi` and `dmesg` may say more")]
    Driver {
        /// What was tried.
        action: &'static str,
        /// The driver's words.
        reason: String,
    },
    /// The CPU that stands in for a GPU in tests.
    #[error("the host device: {0}")]
    Host(String),
}

impl CudaError {
    /// Whether the same request may succeed with more memory: later, elsewhere, or cut into smaller ones.
    #[must_use]
    pub const fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::OutOfMemory { .. } | Self::OverBudget { .. } | Self::TooSmall { .. })
    }
}
