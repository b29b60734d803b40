//! Large uploads by way of page-locked memory, which the card reads by itself and several times as fast.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaEvent, CudaStream, DriverError, PinnedHostSlice, result};

/// Uploads from so many bytes on go this way.
pub const LARGE: usize = 1 << 20;
/// Bytes that are sent at once.
const PIECE: usize = 16 << 20;
/// Pieces: one is filled while the other is read.
const PIECES: usize = 2;
/// Threads that fill a piece. One does not keep up with the bus.
const THREADS: usize = 4;

/// Page-locked memory of a stream.
pub struct Staging {
    pieces: Vec<Piece>,
    next: usize,
}

struct Piece {
    memory: PinnedHostSlice<u8>,
    /// Recorded behind the copy that reads the piece.
    read: CudaEvent,
}

impl Staging {
    pub fn new(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        let piece = || {
            // SAFETY: nothing of it is read before it has been written.
            let memory = unsafe { context.alloc_pinned::<u8>(PIECE) }?;
            Ok(Piece { memory, read: context.new_event(None)? })
        };
        Ok(Self { pieces: (0..PIECES).map(|_| piece()).collect::<Result<_, _>>()?, next: 0 })
    }

    /// Sends bytes to the card. When this returns they have been copied from where they were, though not all of them may
    /// have arrived.
    ///
    /// # Safety
    /// `to` must be the address of as many bytes of the card that outlive what is asked of the stream.
    pub unsafe fn send(&mut self, stream: &CudaStream, to: u64, bytes: &[u8]) -> Result<(), DriverError> {
        for (i, from) in bytes.chunks(PIECE).enumerate() {
            let piece = &mut self.pieces[self.next];
            self.next = (self.next + 1) % PIECES;
            piece.read.synchronize()?;
            let filled = &mut piece.memory.as_mut_slice()?[..from.len()];
            fill(filled, from);
            // SAFETY: the caller's promise; the piece is not written again before the event says that it was read.
            let sent =
                unsafe { result::memcpy_htod_async(to + (i * PIECE) as u64, filled, stream.cu_stream()) };
            if let Err(error) = sent.and_then(|()| piece.read.record(stream)) {
                // Without the event nothing would hold the piece until it was read.
                stream.synchronize()?;
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        for piece in &self.pieces {
            // The memory is given back next. An error is one of the context, which then reads nothing any more.
            let _ = piece.read.synchronize();
        }
    }
}

/// Copies with several threads.
fn fill(to: &mut [u8], from: &[u8]) {
    let part = from.len().div_ceil(THREADS).max(1 << 20);
    std::thread::scope(|scope| {
        let mut parts = to.chunks_mut(part).zip(from.chunks(part));
        let own = parts.next();
        for (to, from) in parts {
            scope.spawn(|| to.copy_from_slice(from));
        }
        if let Some((to, from)) = own {
            to.copy_from_slice(from);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_all_of_a_piece() {
        for length in [0, 1, (1 << 20) - 1, (1 << 20) + 1, (5 << 20) + 3] {
            let from: Vec<u8> = (0..length).map(|i: usize| (i % 251) as u8).collect();
            let mut to = vec![0; length];
            fill(&mut to, &from);
            assert!(to == from);
        }
    }
}
