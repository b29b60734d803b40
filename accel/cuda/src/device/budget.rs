//! How much of a card's memory a user of it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::CudaError;

/// A share of a card's memory, and how much of it is taken.
#[derive(Debug)]
pub struct Budget {
    bytes: u64,
    taken: AtomicU64,
}

impl Budget {
    pub fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self { bytes, taken: AtomicU64::new(0) })
    }

    /// What is left of it.
    pub fn left(&self) -> u64 {
        self.bytes - self.taken.load(Ordering::Acquire)
    }

    /// All of it.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes so much of it.
    ///
    /// # Errors
    /// [`CudaError::OverBudget`] when less is left.
    pub fn take(self: &Arc<Self>, bytes: u64) -> Result<Taken, CudaError> {
        let more = |taken: u64| taken.checked_add(bytes).filter(|sum| *sum <= self.bytes);
        match self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(Taken { budget: Arc::clone(self), bytes }),
            Err(taken) => Err(CudaError::OverBudget { bytes, taken, budget: self.bytes }),
        }
    }
}

/// A part of a budget, until it is dropped.
#[derive(Debug)]
pub struct Taken {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_budget() {
        let budget = Budget::new(10);
        let six = budget.take(6).unwrap();
        assert_eq!(budget.take(5).unwrap_err(), CudaError::OverBudget { bytes: 5, taken: 6, budget: 10 });
        assert!(budget.take(u64::MAX).is_err());
        let four = budget.take(4).unwrap();
        assert_eq!(budget.left(), 0);
        drop(six);
        assert_eq!(budget.left(), 6);
        drop(four);
        assert_eq!((budget.left(), budget.bytes()), (10, 10));
    }
}
