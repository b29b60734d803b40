//! Programs made ready for a device, kept from one job to the next: weights in the order in which the device reads them.

use std::sync::{Arc, Mutex, PoisonError};

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
    /// The last used one last.
    entries: Mutex<Vec<Entry<T>>>,
}

impl<T> PreparedCache<T> {
    /// An empty cache of `budget` bytes.
    #[must_use]
    pub const fn new(budget: u64) -> Self {
        Self { budget, entries: Mutex::new(Vec::new()) }
    }

    /// What was prepared for `program`, or what `prepare` makes of it. `bytes` is the memory that it takes: so much is made
    /// room for before `prepare` is called. What alone exceeds the budget is made and not kept.
    ///
    /// Others wait while something is prepared, so that nothing is there twice.
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
        // A thread that panicked while it prepared has left the entries as they were.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = entries.iter().position(|entry| entry.program == digest) {
            let entry = entries.remove(index);
            let prepared = Arc::clone(&entry.prepared);
            entries.push(entry);
            return Ok(prepared);
        }
        let fits = bytes <= self.budget;
        while fits && entries.iter().map(|entry| entry.bytes).sum::<u64>() > self.budget - bytes {
            entries.remove(0);
        }
        let prepared = Arc::new(prepare()?);
        if fits {
            entries.push(Entry { program: digest, bytes, prepared: Arc::clone(&prepared) });
        }
        Ok(prepared)
    }

    /// Drops everything, for a device that has run out of memory.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

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
        assert_eq!(cache.get_or_prepare(&random_program(1), 1, || Err("no memory")), Err("no memory"));
        assert!(prepares(&cache, 1, 1));
    }
}
