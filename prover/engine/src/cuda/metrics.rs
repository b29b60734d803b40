use std::sync::atomic::{AtomicU64, Ordering};

/// What the engine has made since it was opened, and what went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Proofs that a GPU made, all of which verify.
    pub proofs: u64,
    /// Proofs that were made on the CPU because a GPU's memory did not suffice.
    pub out_of_memory: u64,
    /// Proofs that were made on the CPU because a GPU or its driver failed.
    pub failures: u64,
    /// Proofs that a GPU computed wrongly (they do not verify, or the quotient is no polynomial), while those of the CPU
    /// verify: a sign of broken hardware.
    pub invalid: u64,
    /// Proofs that were made on the CPU because the GPU does not serve the circuit.
    pub unserved: u64,
}

/// The counters behind [`Metrics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) proofs: AtomicU64,
    pub(super) out_of_memory: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) invalid: AtomicU64,
    pub(super) unserved: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn read(&self) -> Metrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metrics {
            proofs: read(&self.proofs),
            out_of_memory: read(&self.out_of_memory),
            failures: read(&self.failures),
            invalid: read(&self.invalid),
            unserved: read(&self.unserved),
        }
    }
}
