//! What the executor asks of a GPU.

use crate::{Device, cuda::CudaError};

/// One argument of a kernel.
pub enum Argument<'a, B> {
    /// Address of a buffer.
    Buffer(&'a B),
    /// A 32-bit integer; signed ones as their two's complement.
    Word(u32),
    /// A 64-bit integer.
    Long(u64),
}

/// A device that holds buffers of bytes and runs the kernels of `kernels/` on them, in the order of the calls.
pub trait Gpu: Send + Sync {
    /// Bytes on the device, aligned to at least 16.
    type Buffer;

    /// Which device.
    fn device(&self) -> Device;

    /// Free memory in bytes.
    ///
    /// # Errors
    /// When the driver fails.
    fn free_memory(&self) -> Result<u64, CudaError>;

    /// A buffer with these bytes.
    ///
    /// # Errors
    /// When memory does not suffice or the driver fails.
    fn upload(&self, bytes: &[u8]) -> Result<Self::Buffer, CudaError>;

    /// A buffer of `length` zero bytes.
    ///
    /// # Errors
    /// When memory does not suffice or the driver fails.
    fn zeros(&self, length: usize) -> Result<Self::Buffer, CudaError>;

    /// The bytes of a buffer, after all kernels before have ended.
    ///
    /// # Errors
    /// When a kernel before has failed, or the driver does.
    fn download(&self, buffer: &Self::Buffer) -> Result<Vec<u8>, CudaError>;

    /// Starts the kernel `name` on `grid` blocks of `threads` threads.
    ///
    /// # Errors
    /// When the driver does not start it.
    fn launch(
        &self,
        name: &'static str,
        grid: (u32, u32),
        threads: u32,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), CudaError>;
}
