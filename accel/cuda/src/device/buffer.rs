//! Memory on a device, with the type of what is in it.
#![allow(unsafe_code)] // Elements as bytes; each block says why it is sound.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::allocation;
use super::budget::Taken;
#[cfg(feature = "host")]
use super::host;

mod sealed {
    pub trait Sealed {}
}

/// What a buffer can hold: integers of one size, in the byte order of host and card.
pub trait Word: sealed::Sealed + Copy + Default + Send + Sync + 'static {}

macro_rules! words {
    ($($t:ty)*) => { $(
        impl sealed::Sealed for $t {}
        impl Word for $t {}
    )* };
}
words!(u8 i8 u32 i32 u64);

/// Elements as bytes.
#[must_use]
pub fn bytes<T: Word>(elements: &[T]) -> &[u8] {
    // SAFETY: the types of `Word` are integers, without padding; the length is that of the slice.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

/// Elements as bytes, to be written.
pub(super) fn bytes_mut<T: Word>(elements: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and every pattern of bits is an element.
    unsafe { std::slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), size_of_val(elements)) }
}

/// An allocation and who may use it.
#[derive(Debug)]
pub(super) struct Memory {
    allocation: Allocation,
    /// The stream that it belongs to.
    stream: u64,
    /// Whether all streams may read it.
    shared: AtomicBool,
    /// Streams that it was lent to.
    borrowers: Mutex<Vec<u64>>,
    /// What it takes of a budget; given back behind the memory.
    _taken: Option<Taken>,
}

#[derive(Debug)]
pub(super) enum Allocation {
    Card(allocation::Allocation),
    #[cfg(feature = "host")]
    Host(host::Allocation),
}

impl Memory {
    pub fn new(allocation: Allocation, stream: u64, taken: Option<Taken>) -> Self {
        Self {
            allocation,
            stream,
            shared: AtomicBool::new(false),
            borrowers: Mutex::default(),
            _taken: taken,
        }
    }

    fn address(&self) -> u64 {
        match &self.allocation {
            Allocation::Card(allocation) => allocation.address(),
            #[cfg(feature = "host")]
            Allocation::Host(allocation) => allocation.address(),
        }
    }

    pub fn allocation(&self) -> &Allocation {
        &self.allocation
    }

    /// Whether it belongs to this stream.
    pub fn is_of(&self, stream: u64) -> bool {
        self.stream == stream
    }

    /// Whether this stream may use it.
    pub fn is_open_to(&self, stream: u64) -> bool {
        self.is_of(stream)
            || self.shared.load(Ordering::Acquire)
            || self.borrowers.lock().unwrap_or_else(PoisonError::into_inner).contains(&stream)
    }

    /// Opens it to all streams.
    pub fn share(&self) {
        match &self.allocation {
            Allocation::Card(allocation) => allocation.share(),
            #[cfg(feature = "host")]
            Allocation::Host(_) => {}
        }
        self.shared.store(true, Ordering::Release);
    }

    /// Opens it to one more stream.
    pub fn lend(&self, stream: u64) {
        let mut borrowers = self.borrowers.lock().unwrap_or_else(PoisonError::into_inner);
        if !borrowers.contains(&stream) {
            borrowers.push(stream);
        }
    }
}

/// Elements on a device; given back when dropped.
///
/// A buffer is written through `&`: it is memory of the device, of which the host only ever sees copies.
#[derive(Debug)]
pub struct Buffer<T: Word = u64> {
    memory: Memory,
    length: usize,
    elements: PhantomData<T>,
}

/// A part of a [`Buffer`].
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a, T: Word = u64> {
    memory: &'a Memory,
    first: usize,
    length: usize,
    elements: PhantomData<T>,
}

impl<T: Word> Buffer<T> {
    pub(super) fn new(memory: Memory, length: usize) -> Self {
        Self { memory, length, elements: PhantomData }
    }

    /// Its number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All of it.
    #[must_use]
    pub fn all(&self) -> Slice<'_, T> {
        Slice { memory: &self.memory, first: 0, length: self.length, elements: PhantomData }
    }

    /// A part of it.
    ///
    /// # Panics
    /// When the range does not lie within.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Slice<'_, T> {
        self.all().slice(range)
    }
}

impl<'a, T: Word> Slice<'a, T> {
    /// Its number of elements.
    #[must_use]
    pub fn len(self) -> usize {
        self.length
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// A part of it.
    ///
    /// # Panics
    /// When the range does not lie within.
    #[must_use]
    pub fn slice(self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.length,
            "{range:?} of {} elements",
            self.length
        );
        Self { first: self.first + range.start, length: range.end - range.start, ..self }
    }

    pub(super) fn memory(self) -> &'a Memory {
        self.memory
    }

    pub(super) fn address(self) -> u64 {
        self.memory.address() + (self.first * size_of::<T>()) as u64
    }

    pub(super) fn bytes(self) -> u64 {
        (self.length * size_of::<T>()) as u64
    }
}
