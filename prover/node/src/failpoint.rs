//! Places where a test kills the prover.
//!
//! [`hit`] stands before and after everything that changes a cached file, and between a file's content and its name. With
//! the feature `failpoints` a test lets the n-th visit on its thread unwind out of all that runs there. No destructor of
//! the prover touches the disk, so what is left is what kill -9 leaves. Without the feature [`hit`] is empty.

#[cfg(feature = "failpoints")]
mod plan {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// What unwinds.
    #[derive(Clone, Copy, Debug)]
    pub struct Killed;

    /// Dies at the n-th visit of this thread from now on, counted from one; never, with `None`.
    pub fn die_at(n: Option<u64>) {
        LEFT.set(n);
    }

    /// Dies here when a test says so.
    pub(crate) fn hit() {
        let left = LEFT.get().map(|n| n - 1);
        LEFT.set(left.filter(|&n| n > 0));
        if left == Some(0) {
            // Not a panic: nothing is reported.
            std::panic::resume_unwind(Box::new(Killed));
        }
    }
}

#[cfg(feature = "failpoints")]
pub(crate) use plan::hit;
#[cfg(feature = "failpoints")]
pub use plan::{Killed, die_at};

/// Nothing: the feature `failpoints` is off.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) const fn hit() {}
