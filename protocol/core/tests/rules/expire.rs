use janction_protocol::Amount;
use janction_protocol::state::JobStatus;
use janction_protocol::transaction::*;

use crate::harness::*;
use crate::market::*;

/// What the developer gets of a slash of 150 JCT.
const SHARE: u64 = 150 * Amount::ONE_JCT / 8;

/// Expires the job after its deadline; returns what the developer and UNIT's stake gained.
fn expire_after_deadline(w: &mut World) -> (i64, i64) {
    let before = (w.balance(DEVELOPER), w.account(UNIT).stake.units());
    w.pass(w.job(JOB).deadline + 1);
    w.ok(expire(JOB));
    assert_eq!(w.job(JOB).status, JobStatus::Expired);
    assert_eq!(w.account(UNIT).lock_job, 0);
    assert_eq!(w.refused(expire(JOB)), "wrong-status", "once");
    let gain = |after: u64, before: u64| after as i64 - before as i64;
    (gain(w.balance(DEVELOPER), before.0), gain(w.account(UNIT).stake.units(), before.1))
}

#[test]
fn without_bids_the_budget_goes_back() {
    let mut w = World::with_job(post_job());
    assert_eq!(expire_after_deadline(&mut w), (jct(100).units() as i64, 0));
    assert_eq!(w.burned(), 0);
}

#[test]
fn a_missing_submit_is_slashed() {
    let mut w = World::with_winner(post_job());
    assert_eq!(w.job(JOB).deadline, SUBMIT_END);
    let (refund, stake) = expire_after_deadline(&mut w);
    assert_eq!(refund as u64, jct(100).units() + SHARE);
    assert_eq!(stake, -(jct(150).units() as i64));
    assert_eq!(w.burned(), jct(150).units() - SHARE, "most of it is burned");
}

#[test]
fn a_missing_proof_is_slashed() {
    for mut w in [World::proving(), World::submitted(PostJob { policy: 0, ..post_job() })] {
        let (refund, stake) = expire_after_deadline(&mut w);
        assert_eq!(refund as u64, jct(100).units() + SHARE);
        assert_eq!(stake, -(jct(150).units() as i64));
        assert_eq!(w.refused(settle(JOB, jct(70))), "wrong-status");
    }
}

#[test]
fn a_beacon_that_nobody_recorded_is_nobodys_fault() {
    let mut w = World::submitted(post_job());
    assert_eq!(expire_after_deadline(&mut w), (jct(100).units() as i64, 0));
    assert_eq!(w.burned(), 0);
}

#[test]
fn the_share_is_rounded_down() {
    let mut w = World::with_winner(PostJob { stake: units(jct(150).units() + 7), ..post_job() });
    let (refund, _) = expire_after_deadline(&mut w);
    assert_eq!(refund as u64, jct(100).units() + SHARE);
    assert_eq!(w.burned(), jct(150).units() + 7 - SHARE);
}

/// Settle iff t <= T; Expire only when every L1 record made until T has been consumed.
#[test]
fn only_when_l1_is_known_beyond_the_deadline() {
    let mut w = World::proving();
    let deadline = w.job(JOB).deadline;
    w.time = deadline + 100;
    assert_eq!(w.refused(expire(JOB)), "too-early", "the last batch was before the deadline");
    let mut w = World::proving();
    w.pass(deadline);
    w.time = deadline + 100;
    assert_eq!(w.refused(expire(JOB)), "too-early");
    w.pass(deadline + 100);
    w.ok(expire(JOB));
}

/// A beacon recorded in time rescues the winner even when the sequencer would rather expire the job.
#[test]
fn a_record_made_in_time_is_consumed_first() {
    let mut w = World::submitted(post_job());
    let deadline = w.job(JOB).deadline;
    w.time = deadline + 1;
    assert_eq!(w.refused(expire(JOB)), "too-early");
    w.run(&[], &[], &[record_beacon(JOB, deadline)]);
    assert_eq!(w.job(JOB).status, JobStatus::Proving);
    assert_eq!(w.refused(expire(JOB)), "too-early", "its proving window runs");
    w.ok(settle(JOB, jct(70)));
}

#[test]
fn refusals() {
    let mut w = World::with_job(post_job());
    w.pass(REVEAL_END + 1);
    assert_eq!(w.refused(Expire { fee: Amount::ZERO, ..expire(JOB) }), "job-fee");
    assert_eq!(w.refused(Expire { fee: jct(100), ..expire(JOB) }), "job-fee");
    assert_eq!(w.refused(expire(0)), "wrong-status");
    assert_eq!(w.refused(expire(2)), "wrong-status");
}
