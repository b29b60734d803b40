use janction_protocol::state::Index;
use janction_protocol::transaction::*;
use janction_protocol::{Amount, Digest};

use crate::harness::*;
use crate::market::*;

fn is_free(w: &World, unit: Index) -> bool {
    let account = w.account(unit);
    (account.locked, account.lock_job, account.lock_expiry, account.seal)
        == (Amount::ZERO, 0, 0, Digest::ZERO)
}

/// Best price, second price, winner, runner-up.
fn outcome(w: &World) -> (Amount, Amount, Index, Index) {
    let job = w.job(JOB);
    (job.best_price, job.second_price, job.winner, job.runner_up)
}

#[test]
fn alone_the_winner_is_paid_the_budget() {
    let w = World::with_bids(post_job(), &[(UNIT, jct(40))]);
    assert_eq!(outcome(&w), (jct(40), jct(100), UNIT, 0));
    assert_eq!(w.job(JOB).deadline, SUBMIT_END);
    assert_eq!((w.account(UNIT).locked, w.account(UNIT).lock_job), (jct(150), JOB));
}

#[test]
fn the_second_price_whatever_the_order() {
    let (a, b, c) = ((UNIT, jct(40)), (RIVAL_UNIT, jct(70)), (SECOND_UNIT, jct(55)));
    for bids in [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
        let w = World::with_bids(post_job(), &bids);
        assert_eq!(outcome(&w), (jct(40), jct(55), UNIT, SECOND_UNIT), "{bids:?}");
        assert!(is_free(&w, RIVAL_UNIT) && is_free(&w, SECOND_UNIT), "losers need no transaction");
        assert!(!is_free(&w, UNIT));
    }
}

#[test]
fn ties_go_to_the_earlier_reveal() {
    let w = World::with_bids(post_job(), &[(RIVAL_UNIT, jct(40)), (UNIT, jct(40))]);
    assert_eq!(outcome(&w), (jct(40), jct(40), RIVAL_UNIT, UNIT));
    assert!(is_free(&w, UNIT));
}

#[test]
fn prices_from_zero_to_the_budget() {
    let w = World::with_bids(post_job(), &[(RIVAL_UNIT, jct(100)), (UNIT, Amount::ZERO)]);
    assert_eq!(outcome(&w), (Amount::ZERO, jct(100), UNIT, RIVAL_UNIT));
    let mut w = World::with_job(post_job());
    let above = units(jct(100).units() + 1);
    w.ok(seal_bid(UNIT, JOB, above));
    w.time = BID_END + 1;
    assert_eq!(w.refused(reveal_bid(UNIT, JOB, above)), "above-budget");
}

#[test]
fn the_reveal_window() {
    let mut w = World::with_job(post_job());
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    w.ok(seal_bid(RIVAL_UNIT, JOB, jct(50)));
    w.time = BID_END;
    assert_eq!(w.refused(reveal_bid(UNIT, JOB, jct(40))), "too-early");
    w.time = REVEAL_END;
    w.ok(reveal_bid(UNIT, JOB, jct(40)));
    w.time = REVEAL_END + 1;
    assert_eq!(w.refused(reveal_bid(RIVAL_UNIT, JOB, jct(50))), "too-late");
}

#[test]
fn the_seal_binds() {
    let mut w = World::with_job(post_job());
    w.ok(post_job());
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    w.time = BID_END + 1;
    assert_eq!(w.refused(reveal_bid(UNIT, JOB, jct(39))), "wrong-seal");
    assert_eq!(w.refused(RevealBid { salt: [0; 4], ..reveal_bid(UNIT, JOB, jct(40)) }), "wrong-seal");
    assert_eq!(w.refused(reveal_bid(UNIT, 2, jct(40))), "lock");
    assert_eq!(w.refused(reveal_bid(RIVAL_UNIT, JOB, jct(40))), "lock", "without a seal");
    w.ok(reveal_bid(UNIT, JOB, jct(40)));
    assert_eq!(w.refused(reveal_bid(UNIT, JOB, jct(40))), "wrong-seal", "a reveal counts once");
}

#[test]
fn refusals() {
    let mut w = World::with_job(post_job());
    w.time = BID_END + 1;
    assert_eq!(w.refused(reveal_bid(OWNER, JOB, jct(1))), "not-a-unit");
    assert_eq!(w.refused(reveal_bid(UNIT, 0, jct(1))), "wrong-status");
    assert_eq!(w.refused(reveal_bid(UNIT, 9, jct(1))), "wrong-status");
}

/// A displaced unit is free in the same step, and its new lock is not touched by what happens later to the old job.
#[test]
fn displaced_units_bid_elsewhere_and_are_not_unlocked_twice() {
    let mut w = World::with_job(post_job());
    w.ok(PostJob { bid_window: 1000, ..post_job() });
    w.ok(seal_bid(UNIT, JOB, jct(60)));
    w.ok(seal_bid(RIVAL_UNIT, JOB, jct(50)));
    w.ok(seal_bid(SECOND_UNIT, JOB, jct(40)));
    w.time = BID_END + 1;
    w.ok(reveal_bid(UNIT, JOB, jct(60)));
    w.ok(reveal_bid(RIVAL_UNIT, JOB, jct(50)));
    assert!(is_free(&w, UNIT));
    w.ok(seal_bid(UNIT, 2, jct(10)));
    w.ok(reveal_bid(SECOND_UNIT, JOB, jct(40)));
    assert_eq!(
        (w.account(UNIT).locked, w.account(UNIT).lock_job),
        (jct(150), 2),
        "the runner-up's new lock stays"
    );
    w.pass(SUBMIT_END + 1);
    w.ok(expire(JOB));
    assert_eq!(w.account(UNIT).lock_job, 2);
}

/// A developer may bid with a unit of its own; the job is then paid from its left into its right hand, less fees.
#[test]
fn developer_and_bidder_of_one_owner() {
    let mut w = World::with_units();
    w.ok(PostJob { developer: OWNER, ..post_job() });
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    w.ok(seal_bid(SECOND_UNIT, JOB, jct(30)));
    w.time = BID_END + 1;
    w.ok(reveal_bid(UNIT, JOB, jct(40)));
    w.ok(reveal_bid(SECOND_UNIT, JOB, jct(30)));
    assert_eq!(outcome(&w), (jct(30), jct(40), SECOND_UNIT, UNIT));
}
