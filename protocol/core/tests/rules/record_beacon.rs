use janction_protocol::state::JobStatus;
use janction_protocol::transaction::*;

use crate::harness::*;
use crate::market::*;

#[test]
fn starts_the_proving_window_at_the_l1_time() {
    let w = World::proving();
    let job = w.job(JOB);
    assert_eq!((job.beacon, job.beacon_time), ([1, 2, 3, (1 << 56) - 1], REVEAL_END + 5));
    assert_eq!(job.deadline, REVEAL_END + 5 + 600);
    assert_eq!(w.ledger.state().beacon_cursor, 1);
}

/// Whoever could choose the trace after seeing the beacon would choose what is audited.
#[test]
fn a_record_for_another_trace_changes_nothing() {
    let mut w = World::submitted(post_job());
    let before = w.job(JOB);
    w.run(&[], &[], &[RecordBeacon { trace_root: digest(44), ..record_beacon(JOB, w.time) }]);
    assert_eq!(w.job(JOB), before);
    assert_eq!(w.ledger.state().beacon_cursor, 1, "the queue goes on");
}

#[test]
fn the_first_record_counts() {
    let mut w = World::proving();
    let before = w.job(JOB);
    w.run(&[], &[], &[RecordBeacon { beacon: [9; 4], ..record_beacon(JOB, w.time) }]);
    assert_eq!(w.job(JOB), before);
}

/// The queue cannot jam: a record for any job at any time is consumed.
#[test]
fn records_never_fail() {
    let mut w = World::with_winner(post_job());
    let records = [0, JOB, 2, (1 << 24) - 1].map(|job| record_beacon(job, w.time));
    w.run(&[], &[], &records);
    assert_eq!(w.ledger.state().beacon_cursor, 4);
    assert_eq!(w.job(JOB).status, JobStatus::Posted);

    let mut full = World::submitted(PostJob { policy: 0, ..post_job() });
    let before = full.job(JOB);
    full.run(&[], &[], &[record_beacon(JOB, full.time)]);
    assert_eq!(full.job(JOB), before, "full needs no beacon, and its window is not restarted by one");
}

#[test]
fn a_late_record_still_counts_until_the_job_is_expired() {
    let mut w = World::submitted(post_job());
    w.time += 2000;
    w.run(&[], &[], &[record_beacon(JOB, w.time - 1)]);
    assert_eq!(w.job(JOB).status, JobStatus::Proving);
    let mut w = World::submitted(post_job());
    w.pass(w.time + 2000);
    w.ok(expire(JOB));
    w.run(&[], &[], &[record_beacon(JOB, w.time)]);
    assert_eq!(w.job(JOB).status, JobStatus::Expired);
}
