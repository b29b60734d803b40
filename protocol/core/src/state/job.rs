//! The job leaf: 56 elements.

use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};

use super::{Elements, Index, Leaf};
use crate::hash::{hash, tag};
use crate::{Amount, Digest, F};

/// Elements of a job leaf: seven permutations.
pub const JOB_ELEMENTS: usize = 56;

/// Where a job stands. It only ever grows, except that `Settled` and `Expired` are both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[repr(u8)]
pub enum JobStatus {
    /// An unused leaf.
    #[default]
    Empty = 0,
    /// Posted: sealed, then revealed bids, then the winner's work. Nothing is submitted yet.
    Posted = 1,
    /// Submitted under a sampling policy; the beacon is not recorded yet.
    Submitted = 2,
    /// To be proven: submitted under `full`, or its beacon is recorded. The proving window runs.
    Proving = 3,
    /// Proven and paid.
    Settled = 4,
    /// Refunded; its winner, if it is to blame, slashed.
    Expired = 5,
}

impl JobStatus {
    /// Budget and fee reserve are still locked in the leaf.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Posted | Self::Submitted | Self::Proving)
    }
}

/// A job leaf, in the order of its elements. Times are unix seconds below 2^40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Job {
    /// 0: where it stands.
    pub status: JobStatus,
    /// 1: the developer's wallet.
    pub owner: Index,
    /// 2: the developer's nonce when it was posted.
    pub nonce: u32,
    /// 3..7: digest of operations and constants.
    pub program: Digest,
    /// 7..11: digest of the audit key for this job's policy.
    pub audit_key: Digest,
    /// 11..15: root over the rows of the input.
    pub input_root: Digest,
    /// 15: rows of the input, at least 1, below 2^24.
    pub input_rows: u32,
    /// 16: least GPU class.
    pub gpu_class: u16,
    /// 17: least VRAM in MiB, below 2^24.
    pub vram: u32,
    /// 18: region (0: any).
    pub region: u8,
    /// 19: least reputation, below 2^24.
    pub reputation: u32,
    /// 20: stake that a bid locks, below 2^56; at least budget + fee.
    pub stake: Amount,
    /// 21: policy: 0 is `full`, s > 0 is `rows(s)`; below 2^24.
    pub policy: u32,
    /// 22: the highest price.
    pub budget: Amount,
    /// 23: what the one unsigned step that ends the job pays (and what a `Forfeit` takes out of its bond); below 2^48.
    pub fee: Amount,
    /// 24: seals until here.
    pub bid_end: u64,
    /// 25: reveals after `bid_end`, until here.
    pub reveal_end: u64,
    /// 26: `Submit` after `reveal_end`, until here.
    pub submit_end: u64,
    /// 27: proving window in seconds, below 2^24.
    pub proving_window: u32,
    /// 28: seconds from `Submit` until a job without a beacon can be expired, below 2^24.
    pub beacon_window: u32,
    /// 29: the winner's own price (the budget before the first reveal).
    pub best_price: Amount,
    /// 30: what the winner is paid: the second price (the budget, when alone).
    pub second_price: Amount,
    /// 31: the winning unit (0: none yet).
    pub winner: Index,
    /// 32: the unit that bid the second price (0: none below the budget).
    pub runner_up: Index,
    /// 33..37: root over the execution trace.
    pub trace_root: Digest,
    /// 37..41: root over the rows of the output.
    pub output_root: Digest,
    /// 41: time of the batch that holds the `Submit`.
    pub submit_time: u64,
    /// 42: number of that batch.
    pub submit_batch: u64,
    /// 43..47: the beacon's first 28 bytes as 7-byte limbs (zero before it is recorded).
    pub beacon: [u64; 4],
    /// 47: the L1 time of the beacon's record.
    pub beacon_time: u64,
    /// 48: T: the next step of the job's life is due until here; after it `Expire` is.
    pub deadline: u64,
}

impl Job {
    /// The leaf's 56 elements.
    pub fn elements(&self) -> [F; JOB_ELEMENTS] {
        Elements::<JOB_ELEMENTS>::new()
            .int(self.status as u8)
            .int(self.owner)
            .int(self.nonce)
            .all(&self.program.0)
            .all(&self.audit_key.0)
            .all(&self.input_root.0)
            .int(self.input_rows)
            .int(self.gpu_class)
            .int(self.vram)
            .int(self.region)
            .int(self.reputation)
            .push(self.stake.element())
            .int(self.policy)
            .push(self.budget.element())
            .push(self.fee.element())
            .int(self.bid_end)
            .int(self.reveal_end)
            .int(self.submit_end)
            .int(self.proving_window)
            .int(self.beacon_window)
            .push(self.best_price.element())
            .push(self.second_price.element())
            .int(self.winner)
            .int(self.runner_up)
            .all(&self.trace_root.0)
            .all(&self.output_root.0)
            .int(self.submit_time)
            .int(self.submit_batch)
            .all(&self.beacon.map(F::from_canonical_u64))
            .int(self.beacon_time)
            .int(self.deadline)
            .finish(49)
    }

    /// Whether every row is checked; otherwise `policy` rows of each operation are drawn.
    pub fn is_full(&self) -> bool {
        self.policy == 0
    }
}

impl Leaf for Job {
    const NODE_TAG: u64 = tag::NODE_JOB;

    fn hash(&self) -> Digest {
        hash(tag::JOB, &self.elements())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(from: u64) -> Digest {
        Digest(core::array::from_fn(|i| F::from_canonical_u64(from + i as u64)))
    }

    #[test]
    fn element_table() {
        let amount = |units| Amount::new(units).unwrap();
        let job = Job {
            status: JobStatus::Expired,
            owner: 1,
            nonce: 2,
            program: digest(3),
            audit_key: digest(7),
            input_root: digest(11),
            input_rows: 15,
            gpu_class: 16,
            vram: 17,
            region: 18,
            reputation: 19,
            stake: amount(20),
            policy: 21,
            budget: amount(22),
            fee: amount(23),
            bid_end: 24,
            reveal_end: 25,
            submit_end: 26,
            proving_window: 27,
            beacon_window: 28,
            best_price: amount(29),
            second_price: amount(30),
            winner: 31,
            runner_up: 32,
            trace_root: digest(33),
            output_root: digest(37),
            submit_time: 41,
            submit_batch: 42,
            beacon: [43, 44, 45, 46],
            beacon_time: 47,
            deadline: 48,
        };
        let elements = job.elements();
        assert_eq!(elements[0], F::from_canonical_u64(5));
        assert!((1..49).all(|i| elements[i] == F::from_canonical_usize(i)));
        assert!(elements[49..].iter().all(|e| *e == F::ZERO));
    }

    #[test]
    fn an_unused_leaf_is_all_zero() {
        assert_eq!(Job::default().elements(), [F::ZERO; JOB_ELEMENTS]);
    }
}
