use janction_protocol::transaction::*;
use janction_protocol::transition::Role;

use crate::harness::*;
use crate::market::*;

#[test]
fn locks_the_jobs_stake() {
    let mut w = World::with_job(post_job());
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    let unit = w.account(UNIT);
    assert_eq!((unit.locked, unit.lock_job, unit.lock_expiry), (jct(150), JOB, REVEAL_END));
    assert_eq!(unit.seal, seal(UNIT, JOB, jct(40), salt(UNIT)));
    assert_eq!(unit.stake, jct(200));
}

#[test]
fn owner_or_operator_signs() {
    let mut w = World::with_job(post_job());
    let by_owner = w.sign_as(seal_bid(UNIT, JOB, jct(40)), Role::Owner, 3);
    let by_rival = w.sign_as(seal_bid(UNIT, JOB, jct(40)), Role::Operator, operator(RIVAL_UNIT));
    assert_eq!(w.refused_signed(&by_rival), "signature");
    w.run(&[by_owner], &[], &[]);
}

#[test]
fn one_seal_at_a_time() {
    let mut w = World::with_job(post_job());
    w.ok(post_job());
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    assert_eq!(w.refused(seal_bid(UNIT, JOB, jct(30))), "locked");
    assert_eq!(w.refused(seal_bid(UNIT, 2, jct(30))), "locked");
    // An unrevealed seal locks until it is forfeit, however long that takes.
    w.pass(REVEAL_END + 1_000_000);
    w.ok(post_job());
    assert_eq!(w.refused(seal_bid(UNIT, 3, jct(30))), "locked");
}

#[test]
fn the_bid_window_ends() {
    let mut w = World::with_job(post_job());
    w.time = BID_END;
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    w.time = BID_END + 1;
    assert_eq!(w.refused(seal_bid(RIVAL_UNIT, JOB, jct(40))), "too-late");
}

#[test]
fn requirements_are_checked() {
    let wrong = [
        PostJob { gpu_class: 91, ..post_job() },
        PostJob { vram: 81_560, ..post_job() },
        PostJob { region: 4, ..post_job() },
        PostJob { reputation: 1, ..post_job() },
    ];
    for job in wrong {
        let mut w = World::with_job(job);
        assert_eq!(w.refused(seal_bid(UNIT, JOB, jct(40))), "ineligible");
    }
    let exact = PostJob { gpu_class: 90, vram: 81_559, region: 3, stake: jct(200), ..post_job() };
    World::with_job(exact).ok(seal_bid(UNIT, JOB, jct(40)));
}

#[test]
fn refusals() {
    let mut w = World::with_job(PostJob { stake: units(jct(200).units() + 1), ..post_job() });
    assert_eq!(w.refused(seal_bid(UNIT, JOB, jct(40))), "insufficient-stake");
    assert_eq!(w.refused(seal_bid(OWNER, JOB, jct(40))), "not-a-unit");
    assert_eq!(w.refused(seal_bid(0, JOB, jct(40))), "not-a-unit");
    assert_eq!(w.refused(seal_bid(UNIT, 0, jct(40))), "wrong-status");
    assert_eq!(w.refused(seal_bid(UNIT, 2, jct(40))), "wrong-status");
}

/// The seal names its unit: a copy is worth nothing, even with the price and the salt at hand.
#[test]
fn a_copied_seal_cannot_be_revealed() {
    let mut w = World::with_job(post_job());
    let original = seal_bid(UNIT, JOB, jct(40));
    w.ok(original);
    w.ok(SealBid { unit: RIVAL_UNIT, ..original });
    w.time = BID_END + 1;
    w.ok(reveal_bid(UNIT, JOB, jct(40)));
    let copy = RevealBid { unit: RIVAL_UNIT, ..reveal_bid(UNIT, JOB, jct(40)) };
    assert_eq!(w.refused(copy), "wrong-seal");
}
