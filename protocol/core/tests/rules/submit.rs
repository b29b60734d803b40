use janction_protocol::state::JobStatus;
use janction_protocol::transaction::*;
use janction_protocol::transition::Role;

use crate::harness::*;
use crate::market::*;

#[test]
fn under_rows_the_job_waits_for_its_beacon() {
    let w = World::submitted(post_job());
    let job = w.job(JOB);
    assert_eq!((job.status, job.trace_root, job.output_root), (JobStatus::Submitted, digest(4), digest(5)));
    assert_eq!((job.submit_time, job.submit_batch), (w.time, w.ledger.state().batch));
    assert_eq!(job.deadline, w.time + 900);
}

#[test]
fn under_full_the_proving_window_runs_at_once() {
    let w = World::submitted(PostJob { policy: 0, ..post_job() });
    assert_eq!(w.job(JOB).status, JobStatus::Proving);
    assert_eq!(w.job(JOB).deadline, w.time + 600);
}

#[test]
fn only_the_winner_and_only_once() {
    let mut w = World::with_winner(post_job());
    w.time = REVEAL_END + 1;
    for unit in [RIVAL_UNIT, SECOND_UNIT] {
        assert_eq!(w.refused(submit(unit, JOB)), "not-the-winner");
    }
    assert_eq!(w.refused(submit(OWNER, JOB)), "not-a-unit");
    let by_rival = w.sign_as(submit(UNIT, JOB), Role::Operator, operator(RIVAL_UNIT));
    assert_eq!(w.refused_signed(&by_rival), "signature");
    let by_owner = w.sign_as(submit(UNIT, JOB), Role::Owner, 3);
    let batch = w.run(&[by_owner], &[], &[]);
    assert_eq!(batch.header.events, 1);
    assert_eq!(w.refused(submit(UNIT, JOB)), "wrong-status");
}

#[test]
fn the_submit_window() {
    let mut w = World::with_winner(post_job());
    w.time = REVEAL_END;
    assert_eq!(w.refused(submit(UNIT, JOB)), "too-early", "the auction may still change");
    w.time = SUBMIT_END + 1;
    assert_eq!(w.refused(submit(UNIT, JOB)), "too-late");
    w.time = SUBMIT_END;
    w.ok(submit(UNIT, JOB));
}

#[test]
fn a_job_without_winner_has_nobody_to_submit() {
    let mut w = World::with_job(post_job());
    w.time = REVEAL_END + 1;
    assert_eq!(w.refused(submit(UNIT, JOB)), "not-the-winner");
    assert_eq!(w.refused(submit(UNIT, 0)), "wrong-status");
}
