//! The order of what streams of one card are asked: moments, and buffers that one stream made and another one uses.

use cudarc::driver::CudaEvent;

use super::buffer::Allocation;
use super::{Backend, Buffer, Device, Word};
use crate::error::CudaError;

/// A moment of a stream: behind everything that it was asked before.
#[derive(Debug)]
pub struct Event {
    stream: u64,
    /// None on the host, where everything happens at once.
    mark: Option<CudaEvent>,
}

impl Device {
    /// This moment: behind everything that was asked so far.
    ///
    /// # Errors
    /// What the driver says.
    pub fn record(&self) -> Result<Event, CudaError> {
        let mark = match &self.backend {
            Backend::Card(stream) => Some(stream.record()?),
            #[cfg(feature = "host")]
            Backend::Host(_) => None,
        };
        Ok(Event { stream: self.stream, mark })
    }

    /// Uses another stream's buffer on this one, as it was at `ready`, a moment of the stream that it belongs to: what is asked
    /// from now on happens behind that moment. When the buffer is dropped, its memory is free for its own stream behind
    /// everything that this one was asked.
    ///
    /// Only a buffer that its own stream does not write any more should be borrowed: nothing orders what that one does later.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for a moment of another stream than the buffer's, or what the driver says.
    pub fn borrow<T: Word>(&self, buffer: &Buffer<T>, ready: &Event) -> Result<(), CudaError> {
        let memory = buffer.all().memory();
        if !memory.is_of(ready.stream) {
            return Err(CudaError::Misfit("a moment of another stream than the buffer's".into()));
        }
        match (&self.backend, memory.allocation()) {
            (Backend::Card(stream), Allocation::Card(allocation)) => {
                if let Some(mark) = &ready.mark {
                    stream.wait(mark)?;
                }
                allocation.lend(stream);
            }
            #[cfg(feature = "host")]
            (Backend::Host(_), Allocation::Host(_)) => {}
            #[cfg(feature = "host")]
            _ => return Err(CudaError::Misfit("a buffer of another device".into())),
        }
        memory.lend(self.stream);
        Ok(())
    }

    /// Waits until everything that was asked has happened.
    ///
    /// # Errors
    /// What went wrong meanwhile.
    pub fn synchronise(&self) -> Result<(), CudaError> {
        match &self.backend {
            Backend::Card(stream) => stream.synchronise(),
            #[cfg(feature = "host")]
            Backend::Host(_) => Ok(()),
        }
    }

    /// Opens a buffer to all streams of the card, for reading from now on. (Writing to it is not refused, but is in
    /// no order with what other streams do.)
    ///
    /// # Errors
    /// As [`Self::synchronise`].
    pub fn share<T: Word>(&self, buffer: &Buffer<T>) -> Result<(), CudaError> {
        self.check(buffer.all().memory())?;
        self.synchronise()?;
        buffer.all().memory().share();
        Ok(())
    }
}
