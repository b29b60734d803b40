//! How far a proof has come: for progress bars, logs and the seconds in a report.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The stages of proofs, in order: keys, an audit's, a range's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Circuits and keys are built or loaded.
    Keys,
    /// The reference string and the keys of the last layer and the wrap.
    WrapKeys,
    /// The circuits of a program's audit are built or loaded.
    AuditKeys,
    /// Audited rows are checked natively.
    AuditCheck,
    /// Pieces of an audit.
    Pieces,
    /// Leaves and gatherings over them.
    AuditNodes,
    /// Chunks of the ledger.
    Chunks,
    /// Leaves of the tree: up to three chunks each.
    Leaves,
    /// Inner nodes of the tree.
    Joins,
    /// Audits, each as a link of the chain of claims.
    AuditWraps,
    /// Leaves of the audits' tree.
    AuditLeaves,
    /// Its inner nodes.
    AuditJoins,
    /// The one proof of the range.
    Root,
    /// The layers that make it small, and the last one, hashed over BN254.
    LastLayer,
    /// The halo2 proof that L1 verifies.
    Wrap,
}

impl Stage {
    /// The stage's name in reports and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::WrapKeys => "wrap-keys",
            Self::AuditKeys => "audit-keys",
            Self::AuditCheck => "audit-check",
            Self::Pieces => "pieces",
            Self::AuditNodes => "audit-nodes",
            Self::Chunks => "chunks",
            Self::Leaves => "leaves",
            Self::Joins => "joins",
            Self::AuditWraps => "audit-wraps",
            Self::AuditLeaves => "audit-leaves",
            Self::AuditJoins => "audit-joins",
            Self::Root => "root",
            Self::LastLayer => "last-layer",
            Self::Wrap => "wrap",
        }
    }
}

/// Told about each proof as it is made. Calls come from the threads that prove, one after the other.
pub trait Progress: Send + Sync {
    /// `done` of `total` proofs of the stage are made (`done = 0`: the stage begins). `elapsed` is the time since the
    /// stage began.
    fn step(&self, stage: Stage, done: usize, total: usize, elapsed: Duration);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: Stage, _: usize, _: usize, _: Duration) {}
}

/// One stage under way.
pub(crate) struct Meter<'a> {
    progress: &'a dyn Progress,
    stage: Stage,
    done: Mutex<usize>,
    total: usize,
    start: Instant,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(progress: &'a dyn Progress, stage: Stage, total: usize) -> Self {
        progress.step(stage, 0, total, Duration::ZERO);
        Self { progress, stage, done: Mutex::new(0), total, start: Instant::now() }
    }

    pub(crate) fn advance(&self) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        self.progress.step(self.stage, *done, self.total, self.start.elapsed());
    }
}
