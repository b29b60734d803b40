use janction_protocol::Amount;
use janction_protocol::state::JobStatus;
use janction_protocol::transaction::*;

use crate::harness::*;
use crate::market::*;

#[test]
fn budget_and_fee_reserve_are_locked() {
    let mut w = World::with_units();
    let nonce = w.account(DEVELOPER).nonce;
    w.ok(post_job());
    let paid = jct(100).units() + job_fee().units() + fee().units();
    assert_eq!(w.balance(DEVELOPER), jct(1000).units() - paid);
    let job = w.job(JOB);
    assert_eq!((job.status, job.owner, job.nonce), (JobStatus::Posted, DEVELOPER, nonce));
    assert_eq!((job.bid_end, job.reveal_end, job.submit_end), (BID_END, REVEAL_END, SUBMIT_END));
    assert_eq!((job.best_price, job.second_price, job.winner), (jct(100), jct(100), 0));
    assert_eq!(job.deadline, REVEAL_END);
    assert_eq!(w.ledger.state().next_job, 2);
    assert_eq!(w.ok(post_job()).job, Some(2), "indices are never recycled");
    assert_eq!(w.job(2).nonce, nonce + 1);
}

/// Windows follow each other from the batch that includes it, so deadlines are always in order.
#[test]
fn every_window_has_at_least_a_second() {
    let mut w = World::with_units();
    let wrong = [
        PostJob { bid_window: 0, ..post_job() },
        PostJob { reveal_window: 0, ..post_job() },
        PostJob { submit_window: 0, ..post_job() },
        PostJob { proving_window: 0, ..post_job() },
        PostJob { beacon_window: 0, ..post_job() },
        PostJob { input_rows: 0, ..post_job() },
    ];
    for job in wrong {
        assert_eq!(w.refused(job), "zero");
    }
    let most = (1 << 24) - 1;
    w.ok(PostJob {
        bid_window: most,
        reveal_window: most,
        submit_window: most,
        proving_window: most,
        beacon_window: most,
        ..post_job()
    });
    let job = w.job(JOB);
    assert!(START < job.bid_end && job.bid_end < job.reveal_end && job.reveal_end < job.submit_end);
}

/// A seal that is not revealed must cost at least the budget.
#[test]
fn the_bond_covers_the_budget() {
    let mut w = World::with_units();
    let least = units(jct(100).units() + job_fee().units());
    assert_eq!(w.refused(PostJob { stake: units(least.units() - 1), ..post_job() }), "stake-below-budget");
    w.ok(PostJob { stake: least, ..post_job() });
}

#[test]
fn refusals() {
    let mut w = World::with_units();
    assert_eq!(w.refused(PostJob { developer: UNIT, ..post_job() }), "not-a-wallet");
    assert_eq!(w.refused(PostJob { developer: 0, ..post_job() }), "not-a-wallet");
    assert_eq!(
        w.refused(PostJob { budget: jct(1000), stake: jct(2000), ..post_job() }),
        "insufficient-balance"
    );
    assert_eq!(w.refused(PostJob { budget: units(Amount::LIMIT - 1), ..post_job() }), "overflow");
}
