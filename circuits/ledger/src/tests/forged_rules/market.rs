//! Jobs: from the post to the end.

use janction_protocol::stream::Kind;
use plonky2::field::types::{Field, PrimeField64};

use super::{Lie, MAX, accepted, n, refused};
use crate::leaf::{account, job};
use crate::tests::F;
use crate::tests::story::amount;

#[test]
fn record_beacon() {
    for nth in [0, 2, 3] {
        refused(
            Kind::RecordBeacon,
            nth,
            &[
                ("time of 40 bits", |d| d.limbs[0][1] += n(1 << 7)),
                ("a fee", |d| d.limbs[0][0] += n(1)),
                ("an account A", |d| d.limbs[0][1] += n(1 << 32)),
                ("first half in another form", |d| d.alias(0, 5)),
                ("last half in another form", |d| d.alias(10, 11)),
                ("bytes above a half", |d| d.payload(7, 1 << 32)),
                ("among the L1 operations", |d| d.run.l1_end = d.run.position + 1),
                ("beyond the end", |d| d.run.end = d.run.position + 1),
                ("not open", |d| d.run.open = false),
            ],
        );
    }
}

#[test]
fn post_job() {
    const UPPER: u64 = 1 << 32;
    refused(
        Kind::PostJob,
        0,
        &[
            ("by a unit", |d| d.a[account::KIND] = F::TWO),
            ("no bid window", |d| d.payload_sub(0, 10 * UPPER)),
            ("no reveal window", |d| d.payload_sub(1, 10 * UPPER)),
            ("no submit window", |d| d.payload_sub(2, 10 * UPPER)),
            ("no proving window", |d| d.payload_sub(3, 11 * UPPER)),
            ("no beacon window", |d| d.payload_sub(4, 10 * UPPER)),
            ("no input rows", |d| d.payload_sub(6, 360 * UPPER)),
            ("stake below budget and fee", |d| d.payload_sub(25, 1103 - 1012)),
            ("GPU class of 17 bits", |d| d.payload(9, 1 << 48)),
            ("region of 9 bits", |d| d.payload(10, 1 << 40)),
            ("job fee of 49 bits", |d| {
                d.payload(24, 1 << 48);
                d.payload(25, 1 << 50);
                d.a[account::BALANCE] = n(1 << 60);
            }),
            ("one unit short", |d| d.a[account::BALANCE] = n(1000 + 13 + 7 - 1)),
            ("a leaf in use", |d| d.j[job::STATUS] = F::ONE),
            ("audit key in another form", |d| d.alias(8, 9)),
            ("bytes above a half", |d| d.payload(12, 1 << 32)),
            ("no second block", |d| d.limbs[1][0] = F::ZERO),
            ("no third block", |d| d.limbs[2][0] = F::ZERO),
            ("no fourth block", |d| d.limbs[3][0] = F::ZERO),
        ],
    );
    accepted(
        Kind::PostJob,
        0,
        &[
            ("the least stake", |d| d.payload_sub(25, 1103 - 1013)),
            ("the last unit", |d| d.a[account::BALANCE] = n(1000 + 13 + 7)),
        ],
    );
}

/// What a bid's unit must bring along, in `SealBid` and `RevealBid` alike.
const BIDDER: [Lie; 8] = [
    ("by a wallet", |d| d.a[account::KIND] = F::ONE),
    ("a fee of 31 bits", |d| {
        d.limbs[0][0] += n(1 << 30);
        d.a[account::BALANCE] = n(1 << 40);
    }),
    ("not posted", |d| d.j[job::STATUS] = F::TWO),
    ("GPU class", |d| d.a[account::GPU_CLASS] = n(79)),
    ("VRAM", |d| d.a[account::VRAM] = n(15_999)),
    ("reputation", |d| d.j[job::REPUTATION] = n(1)),
    ("region", |d| d.j[job::REGION] = n(2)),
    ("no money for the fee", |d| d.a[account::BALANCE] = n(2)),
];

#[test]
fn seal_bid() {
    refused(Kind::SealBid, 0, &BIDDER);
    refused(
        Kind::SealBid,
        0,
        &[
            ("too late", |d| d.run.ledger.time = d.j[job::BID_END].to_canonical_u64() + 1),
            ("at no time", |d| d.run.ledger.time = 0),
            ("locked already", |d| d.a[account::LOCK_JOB] = n(3)),
            ("stake", |d| d.a[account::STAKE] = n(1102)),
            ("seal in another form", |d| d.alias(1, 2)),
            ("bytes below the job", |d| d.payload(0, 1)),
            ("a value", |d| d.limbs[0][2] += n(1)),
        ],
    );
    accepted(
        Kind::SealBid,
        0,
        &[
            ("in the last second", |d| d.run.ledger.time = d.j[job::BID_END].to_canonical_u64()),
            ("the least stake", |d| d.a[account::STAKE] = n(1103)),
            ("its own region", |d| d.j[job::REGION] = d.a[account::REGION]),
        ],
    );
}

#[test]
fn reveal_bid() {
    // The first, one that displaces it, one that becomes runner-up, one that does neither.
    for nth in 0..4 {
        refused(Kind::RevealBid, nth, &BIDDER);
        refused(
            Kind::RevealBid,
            nth,
            &[
                ("too early", |d| d.run.ledger.time = d.j[job::BID_END].to_canonical_u64()),
                ("too late", |d| d.run.ledger.time = d.j[job::REVEAL_END].to_canonical_u64() + 1),
                ("locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE),
                ("another seal, first element", |d| d.a[account::SEAL] += F::ONE),
                ("another seal, second element", |d| d.a[account::SEAL + 1] += F::ONE),
                ("another seal, third element", |d| d.a[account::SEAL + 2] += F::ONE),
                ("another seal, fourth element", |d| d.a[account::SEAL + 3] += F::ONE),
                ("another salt", |d| d.payload(2, 1)),
                ("another price", |d| d.limbs[0][2] += F::ONE),
                ("above the budget", |d| d.j[job::BUDGET] = n(39)),
            ],
        );
    }
    refused(
        Kind::RevealBid,
        1,
        &[("the displaced unit holds no lock", |d| d.b[account::LOCK_JOB] = F::ZERO)],
    );
    accepted(Kind::RevealBid, 0, &[("nobody is displaced", |d| d.b[account::LOCK_JOB] = n(4))]);
}

#[test]
fn forfeit() {
    refused(
        Kind::Forfeit,
        0,
        &[
            ("of a wallet", |d| d.a[account::KIND] = F::ONE),
            ("locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE),
            ("another fee", |d| d.limbs[0][0] += F::ONE),
            ("revealed", |d| d.a[account::LOCK_EXPIRY] = F::ZERO),
            ("too early", |d| d.run.l1_time = d.a[account::LOCK_EXPIRY].to_canonical_u64()),
            ("the fee is more than the bond", |d| d.a[account::LOCKED] = n(12)),
            ("the fee is more than the bond, and was burned before", |d| {
                d.a[account::LOCKED] = n(12);
                d.run.ledger.burned = amount(1000);
            }),
            ("the bond is more than the stake", |d| d.a[account::STAKE] = n(1102)),
            ("burned overflows", |d| d.run.ledger.burned = amount(MAX)),
            ("bytes below the job", |d| d.payload(0, 1)),
        ],
    );
    accepted(
        Kind::Forfeit,
        0,
        &[("the next second", |d| {
            d.run.l1_time = d.a[account::LOCK_EXPIRY].to_canonical_u64() + 1;
        })],
    );
}

#[test]
fn submit() {
    for nth in [0, 1] {
        refused(
            Kind::Submit,
            nth,
            &[
                ("by a wallet", |d| d.a[account::KIND] = F::ONE),
                ("a fee of 31 bits", |d| {
                    d.limbs[0][0] += n(1 << 30);
                    d.a[account::BALANCE] = n(1 << 40);
                }),
                ("not posted", |d| d.j[job::STATUS] = F::TWO),
                ("too early", |d| d.run.ledger.time = d.j[job::REVEAL_END].to_canonical_u64()),
                ("too late", |d| d.run.ledger.time = d.j[job::SUBMIT_END].to_canonical_u64() + 1),
                ("not the winner", |d| d.j[job::WINNER] += F::ONE),
                ("trace root in another form", |d| d.alias(1, 2)),
                ("output root in another form", |d| d.alias(15, 16)),
                ("padding", |d| d.payload(17, 1)),
                ("one event too many", |d| d.run.events = 0),
            ],
        );
    }
}

#[test]
fn settle() {
    for nth in [0, 1] {
        refused(
            Kind::Settle,
            nth,
            &[
                ("not proving", |d| d.j[job::STATUS] = F::TWO),
                ("settled already", |d| d.j[job::STATUS] = n(job::SETTLED)),
                ("too late", |d| d.run.ledger.time = d.j[job::DEADLINE].to_canonical_u64() + 1),
                ("another fee", |d| d.limbs[0][0] += F::ONE),
                ("another price", |d| d.limbs[0][2] += F::ONE),
                ("another second price", |d| d.j[job::SECOND_PRICE] -= F::ONE),
                ("another output root, first element", |d| d.payload(2, 1)),
                ("another output root, second element", |d| d.payload(4, 1)),
                ("another output root, third element", |d| d.payload(6, 1)),
                ("another output root, fourth element", |d| d.payload(8, 1)),
                ("at no time", |d| d.run.ledger.time = 0),
                ("a winner locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE),
                ("a price above the budget", |d| d.j[job::BUDGET] = d.j[job::SECOND_PRICE] - F::ONE),
                ("reputation overflows", |d| d.a[account::REPUTATION] = n(u64::from(u32::MAX))),
                ("the winner's balance overflows", |d| d.a[account::BALANCE] = n(MAX)),
                ("one event too many", |d| d.run.events = 0),
                ("an account A", |d| d.limbs[0][1] += n(1 << 32)),
            ],
        );
    }
    refused(Kind::Settle, 0, &[("the developer's balance overflows", |d| d.b[account::BALANCE] = n(MAX))]);
}

#[test]
fn expire() {
    // Two without a winner, one with a missing Submit, one with a missing beacon, one with a missing proof.
    for nth in 0..5 {
        refused(
            Kind::Expire,
            nth,
            &[
                ("no job", |d| d.j[job::STATUS] = F::ZERO),
                ("settled", |d| d.j[job::STATUS] = n(job::SETTLED)),
                ("expired already", |d| d.j[job::STATUS] = n(job::EXPIRED)),
                ("in time", |d| d.run.l1_time = d.j[job::DEADLINE].to_canonical_u64()),
                ("another fee", |d| d.limbs[0][0] += F::ONE),
                ("the developer's balance overflows", |d| d.b[account::BALANCE] = n(MAX)),
                ("an account A", |d| d.limbs[0][1] += n(1 << 32)),
                ("another remainder", |d| d.false_remainder = 1),
                ("another remainder, higher", |d| d.false_remainder = 4),
            ],
        );
    }
    for nth in 2..5 {
        refused(
            Kind::Expire,
            nth,
            &[("a winner locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE)],
        );
    }
    for nth in [2, 4] {
        refused(
            Kind::Expire,
            nth,
            &[
                ("the slash is more than the stake", |d| d.a[account::STAKE] = n(1102)),
                ("burned overflows", |d| d.run.ledger.burned = amount(MAX)),
            ],
        );
    }
    // Nobody is slashed for a missing beacon.
    accepted(Kind::Expire, 3, &[("no stake", |d| d.a[account::STAKE] = F::ZERO)]);
}
