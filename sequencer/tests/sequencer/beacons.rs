//! Beacons: recorded once for each Submit that waits for one, whatever L1 and others do.

use janction_protocol::state::JobStatus;
use janction_sequencer::l1::poster::PostError;
use janction_sequencer::store::column::Outbox;
use janction_sequencer::store::record::Action;
use janction_trace::Policy;

use crate::market::*;
use crate::world::*;

/// Steps and mines until the job is being proven, sealing what there is.
pub async fn until_proving(stage: &mut Stage) {
    for _ in 0..80 {
        let _ = stage.step().await;
        stage.l1.mine();
        stage.follow().await;
        stage.engine(|engine| engine.seal().map(drop).unwrap()).await;
        if stage.job().await.status == JobStatus::Proving {
            return;
        }
    }
    panic!("no beacon after 80 blocks");
}

fn recordings(stage: &Stage) -> usize {
    let all = stage.shared.store().all::<Outbox>().unwrap();
    all.filter(|entry| matches!(entry.as_ref().unwrap().1.action, Action::RecordBeacon { .. })).count()
}

#[tokio::test]
async fn the_beacon_of_a_submit_is_recorded_once_and_starts_the_proving_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    let work = Work::new(Policy::Rows(3));
    stage.submitted(&work).await;
    assert_eq!(stage.job().await.status, JobStatus::Submitted);
    until_proving(&mut stage).await;
    let job = stage.job().await;
    assert_ne!(job.beacon, [0; 4]);
    for _ in 0..10 {
        stage.step().await.unwrap();
        stage.l1.mine();
    }
    assert_eq!(stage.l1.beacons(), [(JOB, work.trace.trace_root())]);
    assert_eq!((recordings(&stage), stage.l1.reverted()), (1, 0));
}

#[tokio::test]
async fn full_audits_need_no_beacon() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.submitted(&Work::new(Policy::Full)).await;
    for _ in 0..20 {
        let _ = stage.step().await;
        stage.l1.mine();
    }
    assert_eq!((stage.l1.beacons().len(), recordings(&stage)), (0, 0));
}

#[tokio::test]
async fn a_beacon_that_somebody_else_records_first_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    let work = Work::new(Policy::Rows(3));
    stage.submitted(&work).await;
    let submit = (JOB, work.trace.trace_root());
    for _ in 0..40 {
        let _ = stage.step().await;
        stage.l1.mine();
        let committed = stage.engine(|engine| (engine.heads().committed, engine.heads().sealed)).await;
        if committed.0 == committed.1 {
            break;
        }
    }
    // The poster has not seen that it is due.
    stage.l1.mine_many(4);
    stage.l1.record_elsewhere(submit.0, submit.1);
    until_proving(&mut stage).await;
    assert_eq!(stage.l1.beacons(), [submit]);
    assert_eq!(stage.l1.reverted(), 0);
}

#[tokio::test]
async fn a_reorganisation_that_takes_the_submits_commit_moves_its_beacon() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    let work = Work::new(Policy::Rows(3));
    stage.submitted(&work).await;
    let before = stage.follow().await.head.number as usize;
    until_proving(&mut stage).await;
    let first = stage.job().await.beacon;
    let record = stage.engine(|engine| engine.heads().sealed).await;
    // Everything since the Submit was sealed goes, the record's batch with it.
    let depth = stage.follow().await.head.number as usize - before;
    stage.l1.reorganise(depth, true);
    stage.l1.mine_many(depth + 3);
    stage.follow().await;
    assert!(stage.engine(|engine| engine.heads().sealed).await < record, "the record's batch is taken back");
    assert_eq!(stage.job().await.status, JobStatus::Submitted);
    until_proving(&mut stage).await;
    assert_ne!(stage.job().await.beacon, first, "another block, another beacon");
    assert_eq!(stage.l1.beacons(), [(JOB, work.trace.trace_root())]);
    assert_eq!(stage.l1.reverted(), 0);
}

#[tokio::test]
async fn a_beacon_out_of_reach_is_given_up_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    let work = Work::new(Policy::Rows(3));
    stage.submitted(&work).await;
    for _ in 0..60 {
        let _ = stage.step().await;
        stage.l1.mine();
        if stage.engine(|engine| engine.heads().committed == engine.heads().sealed).await {
            break;
        }
    }
    stage.l1.jump(8_300);
    stage.follow().await;
    for _ in 0..3 {
        let step: Result<(), PostError> = stage.step().await;
        step.unwrap();
        stage.l1.mine();
    }
    assert_eq!((stage.l1.beacons().len(), recordings(&stage)), (0, 0));
    assert!(stage.seal_transfer(1, 1).await.is_some());
    stage.step().await.unwrap();
    assert_eq!(stage.l1.waiting().len(), 1, "batches go on");
}
