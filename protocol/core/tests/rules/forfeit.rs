use janction_protocol::Amount;
use janction_protocol::state::JobStatus;
use janction_protocol::transaction::*;

use crate::harness::*;
use crate::market::*;

fn forfeit(unit: u32) -> Forfeit {
    Forfeit { fee: job_fee(), unit, job: JOB }
}

fn sealed() -> World {
    let mut w = World::with_job(post_job());
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    w
}

#[test]
fn an_unrevealed_seal_burns_its_bond() {
    let mut w = sealed();
    let developer = w.balance(DEVELOPER);
    let sequencer = w.balance(SEQUENCER);
    w.pass(REVEAL_END + 1);
    let receipt = w.ok(forfeit(UNIT));
    assert!(receipt.burned >= jct(100), "at least the budget");
    assert_eq!(receipt.burned.units(), jct(150).units() - job_fee().units());
    assert_eq!(w.burned(), receipt.burned.units());
    let unit = w.account(UNIT);
    assert_eq!((unit.stake, unit.locked, unit.lock_job), (jct(50), Amount::ZERO, 0));
    assert_eq!(w.balance(DEVELOPER), developer, "no share that would make shill seals cheaper");
    assert_eq!(w.balance(SEQUENCER), sequencer + job_fee().units());
    assert_eq!(w.refused(forfeit(UNIT)), "lock", "once");
}

/// Not while a reveal that was forced through L1 in time could still come.
#[test]
fn only_after_the_window_by_l1_time() {
    let mut w = sealed();
    w.time = REVEAL_END + 50;
    assert_eq!(w.refused(forfeit(UNIT)), "too-early", "the last batch was before the end of the window");
    w.pass(REVEAL_END + 51);
    w.ok(forfeit(UNIT));
    let mut w = sealed();
    w.pass(REVEAL_END);
    w.time += 10;
    assert_eq!(w.refused(forfeit(UNIT)), "too-early");
}

#[test]
fn whoever_reveals_is_not_punished() {
    let mut w = World::with_winner(post_job());
    w.pass(REVEAL_END + 1);
    assert_eq!(w.refused(forfeit(UNIT)), "no-seal", "the winner");
    assert_eq!(w.refused(forfeit(RIVAL_UNIT)), "lock", "the loser");
    assert_eq!(w.refused(forfeit(SECOND_UNIT)), "lock", "who never bid");
    assert_eq!(w.refused(forfeit(OWNER)), "not-a-unit");
}

/// The bond is due also when the job is long over, and a grid of seals cannot use up the job's reserve.
#[test]
fn the_bond_is_due_after_the_jobs_end() {
    let mut w = sealed();
    w.ok(seal_bid(RIVAL_UNIT, JOB, jct(50)));
    w.ok(seal_bid(SECOND_UNIT, JOB, jct(60)));
    w.pass(REVEAL_END + 1);
    w.ok(forfeit(UNIT));
    w.ok(forfeit(RIVAL_UNIT));
    w.ok(expire(JOB));
    assert_eq!(w.job(JOB).status, JobStatus::Expired);
    w.pass(w.time + 1_000_000);
    w.ok(forfeit(SECOND_UNIT));
    assert_eq!(w.account(SECOND_UNIT).stake, jct(50));
}

#[test]
fn the_fee_is_the_jobs_and_the_job_is_the_locks() {
    let mut w = sealed();
    w.ok(post_job());
    w.pass(REVEAL_END + 1);
    assert_eq!(w.refused(Forfeit { fee: units(job_fee().units() + 1), ..forfeit(UNIT) }), "job-fee");
    assert_eq!(w.refused(Forfeit { fee: Amount::ZERO, ..forfeit(UNIT) }), "job-fee");
    assert_eq!(w.refused(Forfeit { job: 2, ..forfeit(UNIT) }), "lock");
    assert_eq!(w.refused(Forfeit { job: 0, ..forfeit(RIVAL_UNIT) }), "job-fee");
    assert_eq!(w.refused(Forfeit { job: 0, fee: Amount::ZERO, unit: RIVAL_UNIT }), "no-seal");
}

#[test]
fn unsigned_kinds_are_not_signed() {
    let mut w = sealed();
    w.pass(REVEAL_END + 1);
    let signed = w.sign_as(forfeit(UNIT), janction_protocol::transition::Role::Owner, 3);
    let code = w.refused_signed(&signed);
    assert_eq!(code, "needlessly-signed");
}
