//! What the ledger is: accounts, jobs, the ledger state over their trees, and the run state between two steps.

mod account;
mod job;
mod key;
mod ledger_state;
mod run;

pub use account::{ACCOUNT_ELEMENTS, Account, AccountKind};
pub use job::{JOB_ELEMENTS, Job, JobStatus};
pub use key::Key;
pub use ledger_state::{LEDGER_ELEMENTS, LedgerState};
pub use run::{RUN_ELEMENTS, RunState};

use crate::{Digest, F};

/// Depth of both trees; an index is below 2^24.
pub const TREE_DEPTH: usize = 24;

/// An index of a leaf: below 2^24. Zero means none.
pub type Index = u32;

/// Times are unix seconds. A batch's time is below 2^39, so that a deadline, a time plus windows of 24 bits each,
/// stays below 2^40.
pub const TIME_BITS: usize = 39;

/// A leaf of one of the trees.
pub trait Leaf: Clone + Default + PartialEq {
    /// The tag of the tree's inner nodes.
    const NODE_TAG: u64;

    /// The leaf's hash.
    fn hash(&self) -> Digest;
}

/// Fills element tables in order, so that the table in the documentation reads like the code.
struct Elements<const N: usize> {
    elements: [F; N],
    filled: usize,
}

impl<const N: usize> Elements<N> {
    fn new() -> Self {
        Self { elements: [<F as plonky2::field::types::Field>::ZERO; N], filled: 0 }
    }

    fn push(mut self, element: F) -> Self {
        self.elements[self.filled] = element;
        self.filled += 1;
        self
    }

    fn int(self, value: impl Into<u64>) -> Self {
        self.push(<F as plonky2::field::types::Field>::from_canonical_u64(value.into()))
    }

    fn all(self, elements: &[F]) -> Self {
        elements.iter().fold(self, |table, &e| table.push(e))
    }

    /// The rest is zero; `filled` says how many elements the table must hold by now.
    fn finish(self, filled: usize) -> [F; N] {
        debug_assert_eq!(self.filled, filled);
        self.elements
    }
}
