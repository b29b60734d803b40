//! Why a GPU cannot be used.

use thiserror::Error;

/// A GPU that cannot be used or has failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CudaError {
    /// libcuda is not there.
    #[error("no NVIDIA driver (libcuda) was found: install one (`nvidia-smi` must work), or run on the CPU")]
    NoDriver,
    /// libnvrtc is not there.
    #[error(
        "CUDA's run-time compiler (libnvrtc) was not found: install the CUDA toolkit or the Python package \
         nvidia-cuda-nvrtc and put its library folder on LD_LIBRARY_PATH"
    )]
    NoCompiler,
    /// No GPU of this number.
    #[error("GPU {ordinal} does not exist: the driver sees {count}")]
    NoDevice {
        /// The number asked for.
        ordinal: usize,
        /// GPUs that there are.
        count: usize,
    },
    /// The driver or compiler is of a version that this build cannot talk to.
    #[error("the NVIDIA driver or libnvrtc is too old for this build (CUDA 13): {0}")]
    Incompatible(String),
    /// The kernels do not compile for this GPU.
    #[error("the kernels do not compile for compute capability {capability}: {log}")]
    Compile {
        /// As major.minor.
        capability: String,
        /// What the compiler says.
        log: String,
    },
    /// Not enough memory on the device.
    #[error(
        "the GPU has not enough free memory for {bytes} more bytes: close other programs or use a larger GPU"
    )]
    OutOfMemory {
        /// Bytes that were asked for.
        bytes: usize,
    },
    /// Anything else that the driver reports.
    #[error("{action} failed on the GPU: {reason}; `nvidia-smi` and `dmesg` may say more")]
    Driver {
        /// What was tried.
        action: &'static str,
        /// The driver's words.
        reason: String,
    },
}
