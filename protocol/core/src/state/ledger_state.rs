//! The ledger state: two roots, the deployment, the clock and the counters; 20 elements under the ledger root.

use serde::{Deserialize, Serialize};

use super::{Elements, Index, TIME_BITS, TREE_DEPTH};
use crate::hash::{hash, tag};
use crate::{Amount, Deployment, Digest, F};

/// Elements of the ledger state.
pub const LEDGER_ELEMENTS: usize = 20;

/// What the ledger root commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerState {
    /// 0..4: root of the account tree.
    pub accounts_root: Digest,
    /// 4..8: root of the job tree.
    pub jobs_root: Digest,
    /// 8..12: chain id and rollup address; constant for ever.
    pub deployment: Deployment,
    /// 12: the last batch's time (unix seconds, below 2^39).
    pub time: u64,
    /// 13: the last batch's number (0: genesis).
    pub batch: u64,
    /// 14: the next free account index.
    pub next_account: Index,
    /// 15: the next free job index.
    pub next_job: Index,
    /// 16: JCT destroyed so far.
    pub burned: Amount,
    /// 17: L1 operations consumed so far.
    pub l1_cursor: u64,
    /// 18: beacon records consumed so far.
    pub beacon_cursor: u64,
}

impl LedgerState {
    /// The 20 elements; the last is zero.
    pub fn elements(&self) -> [F; LEDGER_ELEMENTS] {
        Elements::<LEDGER_ELEMENTS>::new()
            .all(&self.accounts_root.0)
            .all(&self.jobs_root.0)
            .all(&self.deployment.elements())
            .int(self.time)
            .int(self.batch)
            .int(self.next_account)
            .int(self.next_job)
            .push(self.burned.element())
            .int(self.l1_cursor)
            .int(self.beacon_cursor)
            .finish(19)
    }

    /// Whether clock and counters are within the bounds of the protocol. What comes from outside is checked before
    /// anything is computed with it.
    pub fn is_bounded(&self) -> bool {
        self.time >> TIME_BITS == 0
            && self.batch >> 56 == 0
            && self.next_account <= 1 << TREE_DEPTH
            && self.next_job <= 1 << TREE_DEPTH
            && self.l1_cursor >> 40 == 0
            && self.beacon_cursor >> 40 == 0
    }

    /// The ledger root.
    pub fn root(&self) -> Digest {
        hash(tag::STATE, &self.elements())
    }
}
