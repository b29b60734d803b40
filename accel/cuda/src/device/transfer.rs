//! Memory of a device: allocated, set, written, read and copied.

use super::buffer::{self, Allocation, Memory};
#[cfg(feature = "host")]
use super::host;
use super::{Backend, Buffer, Device, Slice, Word, allocation};
use crate::error::CudaError;

impl Device {
    /// A buffer of `length` elements with anything in it.
    ///
    /// # Errors
    /// [`CudaError::OutOfMemory`], [`CudaError::OverBudget`], or what the driver says.
    pub fn allocate<T: Word>(&self, length: usize) -> Result<Buffer<T>, CudaError> {
        let bytes = (length as u64)
            .checked_mul(size_of::<T>() as u64)
            .ok_or(CudaError::OutOfMemory { bytes: u64::MAX })?;
        let taken = self.budget.as_ref().map(|budget| budget.take(bytes)).transpose()?;
        let allocation = match &self.backend {
            Backend::Card(stream) => Allocation::Card(allocation::Allocation::new(stream, bytes)?),
            #[cfg(feature = "host")]
            Backend::Host(host) => Allocation::Host(host::Allocation::new(host, bytes)?),
        };
        Ok(Buffer::new(Memory::new(allocation, self.stream, taken), length))
    }

    /// A buffer of `length` zeros.
    ///
    /// # Errors
    /// As [`Self::allocate`].
    pub fn zeros<T: Word>(&self, length: usize) -> Result<Buffer<T>, CudaError> {
        let buffer = self.allocate(length)?;
        self.clear(buffer.all())?;
        Ok(buffer)
    }

    /// A buffer with these elements.
    ///
    /// # Errors
    /// As [`Self::allocate`].
    pub fn upload<T: Word>(&self, elements: &[T]) -> Result<Buffer<T>, CudaError> {
        let buffer = self.allocate(elements.len())?;
        self.write(buffer.all(), elements)?;
        Ok(buffer)
    }

    /// Sets all elements of a slice to zero.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for a buffer of another stream, or what the driver says.
    pub fn clear<T: Word>(&self, to: Slice<'_, T>) -> Result<(), CudaError> {
        self.check(to.memory())?;
        if to.is_empty() {
            return Ok(());
        }
        match &self.backend {
            Backend::Card(stream) => stream.clear(to.address(), to.bytes()),
            #[cfg(feature = "host")]
            Backend::Host(host) => {
                host.clear(to.address(), to.bytes());
                Ok(())
            }
        }
    }

    /// Writes elements to a slice of the same length.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for another length or a buffer of another stream, or what the driver says.
    pub fn write<T: Word>(&self, to: Slice<'_, T>, elements: &[T]) -> Result<(), CudaError> {
        self.check(to.memory())?;
        same_length(elements.len(), to.len())?;
        if to.is_empty() {
            return Ok(());
        }
        match &self.backend {
            Backend::Card(stream) => stream.write(to.address(), buffer::bytes(elements)),
            #[cfg(feature = "host")]
            Backend::Host(host) => {
                host.write(to.address(), buffer::bytes(elements));
                Ok(())
            }
        }
    }

    /// The elements of a slice, after everything that was asked before.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for a buffer of another stream, or what the driver says, about work before as well.
    pub fn read<T: Word>(&self, from: Slice<'_, T>) -> Result<Vec<T>, CudaError> {
        let mut elements = vec![T::default(); from.len()];
        self.read_into(from, &mut elements)?;
        Ok(elements)
    }

    /// [`Self::read`] into a slice of the same length.
    ///
    /// # Errors
    /// As there, and [`CudaError::Misfit`] for another length.
    pub fn read_into<T: Word>(&self, from: Slice<'_, T>, to: &mut [T]) -> Result<(), CudaError> {
        self.check(from.memory())?;
        same_length(from.len(), to.len())?;
        if from.is_empty() {
            return Ok(());
        }
        match &self.backend {
            Backend::Card(stream) => stream.read(from.address(), buffer::bytes_mut(to)),
            #[cfg(feature = "host")]
            Backend::Host(host) => {
                host.read(from.address(), buffer::bytes_mut(to));
                Ok(())
            }
        }
    }

    /// Hands the bytes of a slice to `take`, piece by piece in order, after everything that was asked before. The next piece is on
    /// its way while one is taken.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_pieces(&self, from: Slice<'_, u8>, mut take: impl FnMut(&[u8])) -> Result<(), CudaError> {
        self.check(from.memory())?;
        if from.is_empty() {
            return Ok(());
        }
        match &self.backend {
            Backend::Card(stream) => stream.read_pieces(from.address(), from.bytes(), &mut take),
            #[cfg(feature = "host")]
            Backend::Host(host) => {
                host.read_pieces(from.address(), from.bytes(), &mut take);
                Ok(())
            }
        }
    }

    /// Copies between slices of one length that do not overlap.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for other slices, or what the driver says.
    pub fn copy<T: Word>(&self, from: Slice<'_, T>, to: Slice<'_, T>) -> Result<(), CudaError> {
        self.check(from.memory())?;
        self.check(to.memory())?;
        same_length(from.len(), to.len())?;
        if from.is_empty() {
            return Ok(());
        }
        if from.address() < to.address() + to.bytes() && to.address() < from.address() + from.bytes() {
            return Err(CudaError::Misfit("a copy between slices that overlap".into()));
        }
        match &self.backend {
            Backend::Card(stream) => stream.copy(from.address(), to.address(), from.bytes()),
            #[cfg(feature = "host")]
            Backend::Host(host) => {
                host.copy(from.address(), to.address(), from.bytes());
                Ok(())
            }
        }
    }
}

fn same_length(from: usize, to: usize) -> Result<(), CudaError> {
    if from == to { Ok(()) } else { Err(CudaError::Misfit(format!("{from} elements for a slice of {to}"))) }
}
