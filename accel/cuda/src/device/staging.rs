//! Copies by way of page-locked memory: the card reads and writes it by itself, several times as fast. What is uploaded may go
//! away as soon as it was copied there (of other memory the driver does not say when it has been read), and of what is
//! downloaded one piece is on its way while the one before it is used.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::{CudaContext, CudaEvent, CudaStream, DriverError, PinnedHostSlice, result};

/// Bytes of a piece.
const PIECE: usize = 16 << 20;
/// Pieces: one is filled while the other is read.
const PIECES: usize = 2;
/// Threads that fill a piece. One does not keep up with the bus.
const THREADS: usize = 4;
/// Bytes for which it is worth to start one.
const PART: usize = 1 << 20;

/// Page-locked memory of a stream.
pub struct Staging {
    pieces: Vec<Piece>,
    place: Place,
}

struct Piece {
    memory: PinnedHostSlice<u8>,
    /// Recorded behind the last copy that reads or writes the piece.
    copied: CudaEvent,
}

/// What streams that are gone have left: making page-locked memory takes milliseconds.
#[derive(Clone, Default)]
pub struct Idle(Arc<Mutex<Vec<Staging>>>);

impl Idle {
    /// Memory for one stream more. Nothing reads or writes it any more.
    pub fn take(&self, context: &Arc<CudaContext>) -> Result<Staging, DriverError> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut staging) = idle else { return Staging::new(context) };
        staging.settle()?;
        Ok(staging)
    }

    /// From a stream that ends. Copies of it may still be under way.
    pub fn give(&self, staging: Staging) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(staging);
    }
}

impl Staging {
    fn new(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        let piece = || {
            // SAFETY: nothing of it is read before it has been written.
            let memory = unsafe { context.alloc_pinned::<u8>(PIECE) }?;
            Ok(Piece { memory, copied: context.new_event(None)? })
        };
        Ok(Self { pieces: (0..PIECES).map(|_| piece()).collect::<Result<_, _>>()?, place: Place::default() })
    }

    /// Waits until the card neither reads nor writes the pieces, and begins anew with the first one.
    ///
    /// A piece's event says when *one* stream has done its copies. Were another stream to go on in the middle of a piece, its event
    /// would be recorded there, and nobody would know any more of what the stream before still has to read.
    fn settle(&mut self) -> Result<(), DriverError> {
        self.place = Place::default();
        self.pieces.iter().try_for_each(|piece| piece.copied.synchronize())
    }

    /// Sends bytes to the card. When this returns they have been copied from where they were, though not all of them may
    /// have arrived.
    ///
    /// # Safety
    /// `to` must be the address of as many bytes of the card that outlive what is asked of the stream.
    pub unsafe fn send(&mut self, stream: &CudaStream, to: u64, bytes: &[u8]) -> Result<(), DriverError> {
        let mut sent = 0;
        while sent < bytes.len() {
            let (within, begins) = self.place.next(bytes.len() - sent);
            let piece = &mut self.pieces[self.place.piece];
            if begins {
                piece.copied.synchronize()?;
            }
            let filled = &mut piece.memory.as_mut_slice()?[within.clone()];
            fill(filled, &bytes[sent..sent + within.len()]);
            // SAFETY: the caller's promise; this part of the piece is not written again before the piece begins anew,
            // when the event has said that everything in it was read.
            let copied = unsafe { result::memcpy_htod_async(to + sent as u64, filled, stream.cu_stream()) };
            if let Err(error) = copied.and_then(|()| piece.copied.record(stream)) {
                // Without the event nothing would hold the piece until it was read.
                stream.synchronize()?;
                return Err(error);
            }
            sent += within.len();
        }
        Ok(())
    }

    /// Fetches bytes of the card and hands them to `take` in order, in parts of at most a piece.
    ///
    /// # Safety
    /// `from` must be the address of as many bytes of the card that live until this returns.
    pub unsafe fn receive(
        &mut self,
        stream: &CudaStream,
        from: u64,
        bytes: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), DriverError> {
        // Uploads may still read them. Nor must a later one go on in the middle of what is received here: should `take` panic,
        // a copy is still under way.
        self.settle()?;
        let parts: Vec<Range<usize>> =
            (0..bytes).step_by(PIECE).map(|first| first..bytes.min(first + PIECE)).collect();
        let received = (|| {
            for next in 0..=parts.len() {
                if let Some(part) = parts.get(next) {
                    let piece = &mut self.pieces[next % PIECES];
                    let to = &mut piece.memory.as_mut_slice()?[..part.len()];
                    // SAFETY: the caller's promise; the piece was taken from two parts ago, and is read only behind the event.
                    unsafe { result::memcpy_dtoh_async(to, from + part.start as u64, stream.cu_stream()) }?;
                    piece.copied.record(stream)?;
                }
                if let Some(before) = next.checked_sub(1) {
                    let piece = &self.pieces[before % PIECES];
                    piece.copied.synchronize()?;
                    take(&piece.memory.as_slice()?[..parts[before].len()]);
                }
            }
            Ok(())
        })();
        if received.is_err() {
            // Nothing may be written to the pieces any more. An error is one of the context, which then writes nothing.
            let _ = stream.synchronize();
        }
        received
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        for piece in &self.pieces {
            // The memory is given back next. An error is one of the context, which then reads nothing any more.
            let _ = piece.copied.synchronize();
        }
    }
}

/// Where the next bytes go: behind those before them, so that small uploads wait for nothing.
#[derive(Debug, Default)]
struct Place {
    piece: usize,
    filled: usize,
}

impl Place {
    /// The part of the piece that takes up to `left` bytes, at least one; and whether the piece begins anew with it, so
    /// that all that was sent from it must have been read.
    fn next(&mut self, left: usize) -> (Range<usize>, bool) {
        if self.filled == PIECE {
            *self = Self { piece: (self.piece + 1) % PIECES, filled: 0 };
        }
        let part = self.filled..PIECE.min(self.filled + left);
        self.filled = part.end;
        let begins = part.start == 0;
        (part, begins)
    }
}

/// Copies with several threads.
fn fill(to: &mut [u8], from: &[u8]) {
    let part = from.len().div_ceil(THREADS).max(PART);
    if from.len() <= part {
        return to.copy_from_slice(from);
    }
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
        for length in [0, 1, PART - 1, PART, PART + 1, 5 * PART + 3] {
            let from: Vec<u8> = (0..length).map(|i: usize| (i % 251) as u8).collect();
            let mut to = vec![0; length];
            fill(&mut to, &from);
            assert!(to == from);
        }
    }

    /// Uploads of all lengths, one behind the other: no byte is written over before its piece begins anew.
    #[test]
    fn parts_lie_one_behind_the_other() {
        let mut place = Place::default();
        let mut before = (0, 0);
        for upload in [1, 8, PIECE - 9, 1, 3, 2 * PIECE, PIECE / 2, PIECE, PIECE, 5 * PIECE + 7, 1] {
            let mut left = upload;
            if upload == PIECE / 2 {
                // As when it has been settled: the first piece begins anew, though there was room in the one before.
                place = Place::default();
                before = (0, 0);
            }
            while left > 0 {
                let (part, begins) = place.next(left);
                assert!(!part.is_empty() && part.len() <= left && part.end <= PIECE);
                if before.1 == PIECE {
                    before = ((before.0 + 1) % PIECES, 0);
                }
                assert_eq!((place.piece, part.start, begins), (before.0, before.1, before.1 == 0));
                before.1 = part.end;
                left -= part.len();
            }
        }
    }
}
