//! What a kernel is started with.

use super::buffer::{Buffer, Memory, Slice, Word};
use crate::error::CudaError;

/// How many threads run a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Blocks in x, y and z.
    pub blocks: (u32, u32, u32),
    /// Threads of a block, in x.
    pub threads: u32,
}

impl Grid {
    /// As many blocks of `threads` threads as `count` items need, one thread an item.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for more blocks than a grid takes.
    pub fn over(count: usize, threads: u32) -> Result<Self, CudaError> {
        let blocks = u32::try_from(count.div_ceil(threads as usize))
            .ok()
            .filter(|blocks| *blocks <= i32::MAX as u32)
            .ok_or_else(|| CudaError::Misfit(format!("{count} threads are more than a grid takes")))?;
        Ok(Self { blocks: (blocks, 1, 1), threads })
    }

    /// With `y` blocks in the second direction.
    #[must_use]
    pub const fn by(self, y: u32) -> Self {
        Self { blocks: (self.blocks.0, y, self.blocks.2), ..self }
    }
}

/// One argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    /// The address of a slice of a buffer. Made with `From`.
    Address(Address<'a>),
    /// A 32-bit integer; signed ones as their two's complement.
    Word(u32),
    /// A 64-bit integer.
    Long(u64),
}

/// Where a slice begins.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    pub(super) memory: &'a Memory,
    pub(super) address: u64,
}

impl<'a, T: Word> From<Slice<'a, T>> for Argument<'a> {
    fn from(slice: Slice<'a, T>) -> Self {
        Self::Address(Address { memory: slice.memory(), address: slice.address() })
    }
}

impl<'a, T: Word> From<&'a Buffer<T>> for Argument<'a> {
    fn from(buffer: &'a Buffer<T>) -> Self {
        buffer.all().into()
    }
}

impl From<u32> for Argument<'_> {
    fn from(word: u32) -> Self {
        Self::Word(word)
    }
}

impl From<u64> for Argument<'_> {
    fn from(long: u64) -> Self {
        Self::Long(long)
    }
}
