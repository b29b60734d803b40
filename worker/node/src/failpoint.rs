//! Places where a test kills a worker.
//!
//! [`Failpoint::hit`] stands before and after every write to disk and every call that changes something at the sequencer.
//! A test lets the n-th visit fail in a way that nothing recovers from: the worker ends there as with kill -9, since no
//! destructor of it touches disk or network. Outside the tests it does nothing.

use crate::WorkerError;

/// Counts visits; shared by all units of a worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failpoint {
    #[cfg(test)]
    visits: std::sync::Arc<std::sync::atomic::AtomicU64>,
    #[cfg(test)]
    dies_at: Option<u64>,
}

impl Failpoint {
    #[cfg(not(test))]
    #[inline(always)]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub fn hit(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    #[cfg(test)]
    pub fn hit(&self) -> Result<(), WorkerError> {
        let visit = self.visits.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        match self.dies_at {
            // From then on nothing happens any more, whichever unit tries.
            Some(n) if visit >= n => Err(WorkerError::Killed),
            _ => Ok(()),
        }
    }

    /// Dies at the n-th visit.
    #[cfg(test)]
    pub fn at(n: u64) -> Self {
        Self { dies_at: Some(n), ..Self::default() }
    }

    /// Visits so far.
    #[cfg(test)]
    pub fn visits(&self) -> u64 {
        self.visits.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dies_from_the_nth_visit_on() {
        let failpoint = Failpoint::at(3);
        let alive: Vec<bool> = (0..4).map(|_| failpoint.clone().hit().is_ok()).collect();
        assert_eq!((alive, failpoint.visits()), (vec![true, true, false, false], 4));
        assert!(Failpoint::default().hit().is_ok());
    }
}
