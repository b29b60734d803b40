//! Programs made ready for a device, kept from one job to the next: weights in the order in which the device reads them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use janction_program::Program;
use janction_protocol::Digest;

struct Entry<T> {
    program: Digest,
    bytes: u64,
    prepared: Arc<T>,
}

/// What was made of the programs that ran last, at most `budget` bytes of it together. The longest unused goes first.
///
/// A program that is running is held by whoever runs it: its memory is free only after that.
pub struct PreparedCache<T> {
    budget: u64,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// The last used one last.
    entries: Vec<Entry<T>>,
    /// Bytes of what is being prepared and will be kept: with the entries' at most the budget.
    preparing: u64,
}

impl<T> State<T> {
    /// What was prepared for a program, which is the last used one now.
    fn find(&mut self, program: Digest) -> Option<Arc<T>> {
        let index = self.entries.iter().position(|entry| entry.program == program)?;
        self.entries[index..].rotate_left(1);
        self.entries.last().map(|entry| Arc::clone(&entry.prepared))
    }

    /// Sets bytes aside, for which the longest unused entries go; whether the budget has so many.
    fn reserve(&mut self, bytes: u64, budget: u64) -> bool {
        let Some(left) = budget.checked_sub(self.preparing).and_then(|left| left.checked_sub(bytes)) else {
            return false;
        };
        while self.entries.iter().map(|entry| entry.bytes).sum::<u64>() > left {
            self.entries.remove(0);
        }
        self.preparing += bytes;
        true
    }
}

/// Bytes that are set aside until this is dropped, by a panic too.
struct Reserved<'a, T> {
    cache: &'a PreparedCache<T>,
    bytes: u64,
}

impl<T> Drop for Reserved<'_, T> {
    fn drop(&mut self) {
        self.cache.state().preparing -= self.bytes;
    }
}

impl<T> PreparedCache<T> {
    /// An empty cache of `budget` bytes.
    #[must_use]
    pub const fn new(budget: u64) -> Self {
        Self { budget, state: Mutex::new(State { entries: Vec::new(), preparing: 0 }) }
    }

    /// Nothing is prepared while it is held, and what is done meanwhile is whole after each step.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so many bytes are kept at all.
    #[must_use]
    pub const fn fits(&self, bytes: u64) -> bool {
        bytes <= self.budget
    }

    /// What was prepared for `program`, or what `prepare` makes of it. `bytes` is the memory that it takes: so much is made
    /// room for before `prepare` is called. What exceeds the budget, alone or with what others prepare just now, is made and not
    /// kept.
    ///
    /// Nobody waits while something is prepared: a thread that prepares may meanwhile, with a pool's other work, come to this
    /// function again. Who comes for a program that is just being prepared prepares it, too; one of both results is kept.
    ///
    /// # Errors
    /// Those of `prepare`; then nothing is kept.
    pub fn get_or_prepare<E>(
        &self,
        program: &Program,
        bytes: u64,
        prepare: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let digest = program.digest();
        let reserved = {
            let mut state = self.state();
            if let Some(prepared) = state.find(digest) {
                return Ok(prepared);
            }
            state.reserve(bytes, self.budget).then(|| Reserved { cache: self, bytes })
        };
        let prepared = Arc::new(prepare()?);
        if reserved.is_none() {
            return Ok(prepared);
        }
        let mut state = self.state();
        let others = state.find(digest);
        if others.is_none() {
            state.entries.push(Entry { program: digest, bytes, prepared: Arc::clone(&prepared) });
        }
        // What was set aside is an entry's now, or nobody's; between both nobody may look.
        state.preparing -= bytes;
        std::mem::forget(reserved);
        Ok(others.unwrap_or(prepared))
    }

    /// Drops everything, for a device that has run out of memory.
    pub fn clear(&self) {
        // Dropped behind the lock: that may wait for the device.
        let entries = std::mem::take(&mut self.state().entries);
        drop(entries);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use janction_program::test_utils::random_program;

    use super::*;

    /// Runs `cache` on program `seed`; whether it had to be prepared.
    fn prepares(cache: &PreparedCache<u64>, seed: u64, bytes: u64) -> bool {
        let mut prepared = false;
        let got = cache.get_or_prepare(&random_program(seed), bytes, || {
            prepared = true;
            Ok::<_, Infallible>(seed)
        });
        assert_eq!(got.map(|seed| *seed), Ok(seed));
        prepared
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let cache = PreparedCache::new(10);
        assert!(prepares(&cache, 1, 4) && prepares(&cache, 2, 6));
        assert!(!prepares(&cache, 1, 4) && !prepares(&cache, 2, 6) && !prepares(&cache, 1, 4));
        assert!(prepares(&cache, 3, 1), "makes 2 go");
        assert!(!prepares(&cache, 1, 4) && !prepares(&cache, 3, 1) && prepares(&cache, 2, 6));
    }

    #[test]
    fn the_budget_is_kept() {
        let cache = PreparedCache::new(10);
        assert!(prepares(&cache, 1, 10) && !prepares(&cache, 1, 10));
        assert!(prepares(&cache, 2, 11) && prepares(&cache, 2, 11), "larger than the budget: not kept");
        assert!(!prepares(&cache, 1, 10), "nor does it make others go");
        cache.clear();
        assert!(prepares(&cache, 1, 10));
    }

    #[test]
    fn a_failure_keeps_nothing() {
        let cache = PreparedCache::<u64>::new(10);
        assert_eq!(cache.get_or_prepare(&random_program(1), 10, || Err("no memory")), Err("no memory"));
        let panics =
            || cache.get_or_prepare(&random_program(1), 10, || -> Result<_, Infallible> { panic!() });
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(prepares(&cache, 1, 10) && !prepares(&cache, 1, 10), "nor does it take of the budget");
    }

    /// As when a thread that prepares takes up another job of its pool: for the same program and for others.
    #[test]
    fn preparing_locks_nobody_out() {
        let cache = PreparedCache::new(10);
        let outer = cache.get_or_prepare(&random_program(1), 6, || {
            assert!(prepares(&cache, 2, 4) && !prepares(&cache, 2, 4));
            assert!(prepares(&cache, 3, 5) && prepares(&cache, 3, 5), "6 are set aside: not kept");
            assert!(!prepares(&cache, 2, 4), "nor does it make others go");
            assert!(prepares(&cache, 4, 3) && prepares(&cache, 2, 4), "3 of 4 make 2 go");
            cache.clear();
            assert!(prepares(&cache, 1, 6) && prepares(&cache, 1, 6), "the same: both at once are too much");
            Ok::<_, Infallible>(1)
        });
        assert_eq!(outer.map(|seed| *seed), Ok(1));
        assert!(!prepares(&cache, 1, 6));
        assert_eq!(cache.state().preparing, 0);
    }

    #[test]
    fn of_two_that_prepare_the_same_one_is_kept() {
        let cache = PreparedCache::new(20);
        let outer = cache.get_or_prepare(&random_program(1), 6, || {
            assert!(prepares(&cache, 1, 6));
            Ok::<_, Infallible>(77)
        });
        assert_eq!(outer.map(|seed| *seed), Ok(1), "the first one that was there");
        assert_eq!(cache.state().entries.len(), 1);
        assert_eq!(cache.state().preparing, 0);
    }
}
