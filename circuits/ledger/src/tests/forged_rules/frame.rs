//! `Open`, `Close`, `Noop`.

use janction_protocol::state::ACCOUNT_ELEMENTS;
use janction_protocol::stream::Kind;
use plonky2::field::types::{Field, PrimeField64};

use super::{Draft, MAX, n, refused};
use crate::kind::KINDS;
use crate::layout::{Layout, PAYLOAD_LIMBS, Use};
use crate::leaf::account;
use crate::tests::{F, STORY};

#[test]
fn open() {
    refused(
        Kind::Open,
        2,
        &[
            ("a batch is open", |d| d.run.open = true),
            ("version", |d| d.limbs[0][0] += n(1 << 40)),
            ("longer", |d| d.limbs[0][0] += n(56)),
            ("shorter", |d| d.limbs[0][0] -= n(56)),
            ("odd length", |d| d.limbs[0][0] += n(1)),
            ("tag", |d| d.limbs[0][0] += n(1 << 48)),
            ("batch number", |d| d.limbs[0][1] += n(1)),
            ("the same batch again", |d| d.limbs[0][1] -= n(1)),
            ("before the last batch", |d| d.run.ledger.time = d.limbs[0][2].to_canonical_u64() + 1),
            ("time of 40 bits", |d| d.limbs[0][2] = n(1 << 39)),
            ("L2 blocks without length", |d| d.limbs[0][3] += n(1 << 32)),
            ("padding after the fee account", |d| d.limbs[0][3] += n(1)),
            ("first L1 operation", |d| d.limbs[0][4] += n(1 << 16)),
            ("L1 operations without length", |d| d.limbs[0][4] += n(1)),
            ("first beacon record", |d| d.limbs[0][5] += n(1 << 16)),
            ("beacon records without length", |d| d.limbs[0][5] += n(1)),
            ("padding after the events", |d| d.limbs[0][6] += n(1 << 39)),
            ("last limb", |d| d.limbs[0][7] = n(1)),
            ("a limb of 57 bits", |d| d.limbs[0][1] += n(1 << 56)),
            ("a second block", |d| d.limbs[1][1] = n(1)),
            ("a continuation", |d| d.limbs[1][0] = n(0xff << 48)),
        ],
    );
}

#[test]
fn close() {
    refused(
        Kind::Close,
        2,
        &[
            ("not open", |d| d.run.open = false),
            ("a block is left", |d| d.run.end += 1),
            ("the tail is skipped", |d| d.run.position = d.run.l2_end),
            ("an event is missing", |d| d.run.events = 1),
            ("an L1 operation is missing", |d| d.run.batch_l1_end += 1),
            ("a beacon record is missing", |d| d.run.batch_beacon_end += 1),
            ("nobody is credited", |d| d.a = [F::ZERO; ACCOUNT_ELEMENTS]),
            ("the balance overflows", |d| d.a[account::BALANCE] = n(MAX)),
            ("a block", |d| d.limbs[0][1] = n(1)),
        ],
    );
}

#[test]
fn noop_has_no_blocks() {
    let mut draft = Draft::of(STORY.scene(Kind::Close, 2));
    draft.kind = Kind::Noop;
    draft.check().unwrap();
    for (block, limb) in [(0, 0), (0, 5), (1, 0), (3, 7)] {
        let mut lie = draft.clone();
        lie.limbs[block][limb] = n(1);
        assert!(lie.check().is_err());
    }
}

/// Bits above a limb's 56, which no field shows: in every limb of the first block and of a payload, used or not.
#[test]
fn limbs_have_56_bits() {
    for kind in [Kind::Open, Kind::Transfer, Kind::Deposit, Kind::PostJob] {
        let honest = Draft::of(STORY.scene(kind, 0));
        honest.check().unwrap();
        for block in 0..4 {
            for limb in 0..8 {
                for bit in [56, 61] {
                    let mut lie = honest.clone();
                    lie.limbs[block][limb] += n(1 << bit);
                    assert!(lie.check().is_err(), "{kind:?}: block {block}, limb {limb}, bit {bit}");
                }
            }
        }
    }
}

/// Every field of every block that a kind's layout leaves out, by itself.
#[test]
fn what_a_layout_does_not_name_is_zero() {
    for kind in KINDS.into_iter().filter(|&kind| !matches!(kind, Kind::Open | Kind::Noop)) {
        let honest = Draft::of(STORY.scene(kind, 0));
        let layout = Layout::of(kind);
        let refused = |what: &str, change: &dyn Fn(&mut Draft)| {
            let mut lie = honest.clone();
            change(&mut lie);
            assert!(lie.check().is_err(), "{kind:?}: {what}");
        };
        let heads = [
            ("fee", layout.fee, 0, 0),
            ("account A", layout.a, 1, 32),
            ("account B", layout.b, 2, 32),
            ("upper half of the value", layout.value, 1, 0),
            ("lower half of the value", layout.value, 2, 0),
        ];
        for (what, _, limb, bit) in heads.into_iter().filter(|(_, used, ..)| !used) {
            refused(what, &|d| d.limbs[0][limb] += n(1 << bit));
        }
        for i in 0..PAYLOAD_LIMBS {
            for (half, bit) in [(Use::Upper, 32), (Use::Lower, 0)] {
                if !layout.payload(i).has(half) {
                    refused(&format!("{half:?} of payload limb {i}"), &|d| d.payload(i, 1 << bit));
                }
            }
        }
    }
}
