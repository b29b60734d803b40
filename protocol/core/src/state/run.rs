//! The run state: all that goes from one step to the next; 72 elements.

use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};

use super::{Elements, Index, LedgerState};
use crate::hash::{Sponge, hash, tag};
use crate::{Amount, Digest, F};

/// Elements of the run state, padding included: nine permutations.
pub const RUN_ELEMENTS: usize = 72;

/// The run state, in the order of its elements. Between two batches (`open` false) everything that belongs to the
/// open batch, elements 20..47, is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    /// 0..20: the ledger state.
    pub ledger: LedgerState,
    /// 20: fees collected in the open batch.
    pub fees: Amount,
    /// 21: who is credited with them at `Close`.
    pub fee_account: Index,
    /// 22: whether a batch is open.
    pub open: bool,
    /// 23: blocks consumed.
    pub position: u64,
    /// 24: position where the L2 part ends.
    pub l2_end: u64,
    /// 25: position where the L1 operations end.
    pub l1_end: u64,
    /// 26: blocks in the stream.
    pub end: u64,
    /// 27: events that are still expected.
    pub events: u64,
    /// 28: the L1 cursor that `Close` demands.
    pub batch_l1_end: u64,
    /// 29: the beacon cursor that `Close` demands.
    pub batch_beacon_end: u64,
    /// 30: every L1 operation and beacon record made before this time has been consumed: the previous batch's time.
    pub l1_time: u64,
    /// 31..43: the sponge over the stream.
    pub stream: Sponge,
    /// 43..45: the stream's fingerprint so far.
    pub f: [F; 2],
    /// 45..47: the point at which it is taken.
    pub r: [F; 2],
    /// 47..59: the sponge over the list of batches.
    pub list: Sponge,
    /// 59: batches in the list.
    pub list_len: u64,
    /// 60..62: the list's fingerprint so far.
    pub f_star: [F; 2],
    /// 62..64: the point at which it is taken.
    pub r_star: [F; 2],
    /// 64..68: the chain of claims.
    pub claims: Digest,
    /// 68: claims in it.
    pub claim_count: u64,
}

impl RunState {
    /// The start of a range of batches: nothing open, an empty list, no claims.
    pub fn start(ledger: LedgerState, r_star: [F; 2]) -> Self {
        Self {
            ledger,
            fees: Amount::ZERO,
            fee_account: 0,
            open: false,
            position: 0,
            l2_end: 0,
            l1_end: 0,
            end: 0,
            events: 0,
            batch_l1_end: 0,
            batch_beacon_end: 0,
            l1_time: 0,
            stream: Sponge([F::ZERO; 12]),
            f: [F::ZERO; 2],
            r: [F::ZERO; 2],
            list: Sponge::list(),
            list_len: 0,
            f_star: [F::ZERO; 2],
            r_star,
            claims: Digest::ZERO,
            claim_count: 0,
        }
    }

    /// The same range with nothing open: elements 20..47 zero.
    pub fn closed(&self) -> Self {
        Self {
            list: self.list,
            list_len: self.list_len,
            f_star: self.f_star,
            claims: self.claims,
            claim_count: self.claim_count,
            ..Self::start(self.ledger, self.r_star)
        }
    }

    /// The 72 elements; the last three are zero.
    pub fn elements(&self) -> [F; RUN_ELEMENTS] {
        Elements::<RUN_ELEMENTS>::new()
            .all(&self.ledger.elements())
            .push(self.fees.element())
            .int(self.fee_account)
            .int(self.open)
            .int(self.position)
            .int(self.l2_end)
            .int(self.l1_end)
            .int(self.end)
            .int(self.events)
            .int(self.batch_l1_end)
            .int(self.batch_beacon_end)
            .int(self.l1_time)
            .all(&self.stream.0)
            .all(&self.f)
            .all(&self.r)
            .all(&self.list.0)
            .int(self.list_len)
            .all(&self.f_star)
            .all(&self.r_star)
            .all(&self.claims.0)
            .int(self.claim_count)
            .finish(69)
    }

    /// Whether all counters are within the bounds of the protocol; see [`LedgerState::is_bounded`].
    pub fn is_bounded(&self) -> bool {
        let counters =
            [self.position, self.l2_end, self.l1_end, self.end, self.events, self.list_len, self.claim_count];
        let times = [self.batch_l1_end, self.batch_beacon_end, self.l1_time];
        self.ledger.is_bounded() && counters.iter().chain(&times).all(|x| x >> 48 == 0)
    }

    /// `H(RUN, elements)`: what neighbouring segments must agree on.
    pub fn digest(&self) -> Digest {
        hash(tag::RUN, &self.elements())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Deployment};

    fn state() -> RunState {
        let n = |i: u64| F::from_canonical_u64(i);
        let digest = |i: u64| Digest([n(i), n(i + 1), n(i + 2), n(i + 3)]);
        let sponge = |i: u64| Sponge(core::array::from_fn(|j| n(i + j as u64)));
        RunState {
            ledger: LedgerState {
                accounts_root: digest(0),
                jobs_root: digest(4),
                deployment: Deployment::new(8, Address::from_limbs([9, 10, 11]).unwrap()).unwrap(),
                time: 12,
                batch: 13,
                next_account: 14,
                next_job: 15,
                burned: Amount::new(16).unwrap(),
                l1_cursor: 17,
                beacon_cursor: 18,
            },
            fees: Amount::new(20).unwrap(),
            fee_account: 21,
            open: true,
            position: 23,
            l2_end: 24,
            l1_end: 25,
            end: 26,
            events: 27,
            batch_l1_end: 28,
            batch_beacon_end: 29,
            l1_time: 30,
            stream: sponge(31),
            f: [n(43), n(44)],
            r: [n(45), n(46)],
            list: sponge(47),
            list_len: 59,
            f_star: [n(60), n(61)],
            r_star: [n(62), n(63)],
            claims: digest(64),
            claim_count: 68,
        }
    }

    #[test]
    fn element_table() {
        let elements = state().elements();
        for (i, e) in elements.iter().enumerate() {
            let expected = match i {
                19 | 69.. => 0,
                22 => 1,
                _ => i as u64,
            };
            assert_eq!(*e, F::from_canonical_u64(expected), "element {i}");
        }
        assert_eq!(state().ledger.elements(), elements[..20]);
    }

    #[test]
    fn closing_clears_what_belongs_to_the_batch() {
        let (open, closed) = (state(), state().closed());
        assert!(closed.elements()[20..47].iter().all(|e| *e == F::ZERO));
        assert_eq!(closed.elements()[..20], open.elements()[..20]);
        assert_eq!(closed.elements()[47..], open.elements()[47..]);
    }
}
