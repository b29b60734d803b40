//! Everything in the blocks has one form. An element below 2^32 - 1 could also stand as itself plus p: the same leaves, the
//! same conditions of the rules, other bytes. Only the check of canonical halves tells the two apart.

use janction_protocol::stream::Kind;
use plonky2::field::types::{Field, PrimeField64};

use super::{Draft, n};
use crate::kind::KINDS;
use crate::layout::{Layout, PAYLOAD_LIMBS};
use crate::leaf::job;
use crate::tests::{F, STORY};

/// Payload limbs of the halves of a kind's field elements. The first one of a `RecordBeacon` is torn apart.
fn elements(kind: Kind) -> Vec<(usize, usize)> {
    let layout = Layout::of(kind);
    let apart = (kind == Kind::RecordBeacon).then_some((0, 5));
    let together = (0..PAYLOAD_LIMBS - 1).filter(|&i| layout.element(i)).map(|i| (i, i + 1));
    apart.into_iter().chain(together).collect()
}

/// A step of the kind in which nothing depends on the elements but what [`follow`] sets.
fn honest(kind: Kind) -> Draft {
    // The seventh deposit makes a wallet of whatever key it has.
    Draft::of(STORY.scene(kind, if kind == Kind::Deposit { 6 } else { 0 }))
}

/// Lets the leaf say what the block says, where a rule compares.
fn follow(draft: &mut Draft, kind: Kind, element: usize, value: F) {
    if kind == Kind::Settle {
        draft.j[job::OUTPUT_ROOT + element] = value;
    }
}

#[test]
fn every_element_of_every_kind_has_one_form() {
    let mut count = 0;
    for kind in KINDS {
        for (i, (hi, lo)) in elements(kind).into_iter().enumerate() {
            let outcome = |halves: [u32; 2]| {
                let mut draft = honest(kind);
                draft.halves(hi, lo, halves);
                let value = F::from_noncanonical_u64(u64::from(halves[0]) << 32 | u64::from(halves[1]));
                follow(&mut draft, kind, i, value);
                draft.check()
            };
            // The least element, a small one and the largest, then the first two once more, plus p.
            for halves in [[0, 0], [0, 5], [u32::MAX, 0]] {
                outcome(halves).unwrap_or_else(|e| panic!("{kind:?}, element {i}, {halves:?}: {e}"));
            }
            for halves in [[u32::MAX, 1], [u32::MAX, 6], [u32::MAX; 2]] {
                assert!(outcome(halves).is_err(), "{kind:?}, element {i}, {halves:?}");
            }
            count += 1;
        }
    }
    // Deposit, RecordBeacon, Register, PostJob, SealBid, Submit, Settle.
    assert_eq!(count, 5 + 4 + 5 + 12 + 4 + 8 + 4);
}

#[test]
fn every_value_has_one_form() {
    for kind in KINDS.into_iter().filter(|&kind| Layout::of(kind).value) {
        let mut draft = honest(kind);
        draft.check().unwrap_or_else(|e| panic!("{kind:?}: {e}"));
        let [hi, lo] = [1, 2].map(|limb| draft.limbs[0][limb].to_canonical_u64() & u64::from(u32::MAX));
        if hi == 0 {
            assert!(lo < u64::from(u32::MAX));
            draft.limbs[0][1] += n(u64::from(u32::MAX));
            draft.limbs[0][2] += F::ONE;
        } else {
            // It has no second form; more than 62 bits it may not have either.
            draft.limbs[0][1] += n(1 << 30);
        }
        assert!(draft.check().is_err(), "{kind:?}");
    }
}
