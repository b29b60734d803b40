//! What can cost stake, and what looks as if it could.

use std::fs;

use janction_protocol::Digest;
use janction_protocol::stream::Kind;
use janction_trace::Policy;

use super::sequencer::{BUDGET, Manner, OPERATOR_A, OPERATOR_B, STAKE, Sequencer, UNIT_A, amount, job};
use super::{Running, config, outcome, secret, until, until_ended};
use crate::failpoint::Failpoint;
use crate::record::Outcome;
use crate::{Falsify, WorkerConfig, WorkerError};

fn start(config: WorkerConfig) -> Running {
    Running::start(config, &secret(OPERATOR_A), Failpoint::default())
}

async fn sealed(sequencer: &Sequencer) {
    until("the seal", || (sequencer.account(UNIT_A).seal != Digest::ZERO).then_some(())).await;
}

async fn revealed(sequencer: &Sequencer) {
    until("the reveal", || (sequencer.included(Kind::RevealBid) == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cheat_is_found_under_full_and_slashed() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let falsify = Some(Falsify { operation: "hidden".into(), rows: vec![1, 4] });
    let _worker = start(WorkerConfig { falsify, ..config(&sequencer, &[UNIT_A], data.path()) });
    let index = sequencer.post(job(Policy::Full));
    let Outcome::Slashed { code, reason, stake } = until_ended(data.path(), UNIT_A, index).await else {
        panic!("not slashed");
    };
    assert_eq!((code.as_str(), stake), ("not-proven", amount(STAKE)));
    // The prover's report: operation and row.
    assert!(
        reason.contains("false-row") && reason.contains("hidden") && reason.contains("row 1"),
        "{reason}"
    );
    let unit = sequencer.account(UNIT_A);
    assert_eq!((unit.stake, unit.lock_job, unit.reputation), (amount(0), 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_censored_reveal_burns_the_bond() {
    let sequencer = Sequencer::start(Manner { censors: Some(Kind::RevealBid), ..Manner::default() }).await;
    let data = tempfile::tempdir().unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Full));
    assert_eq!(until_ended(data.path(), UNIT_A, index).await, Outcome::Forfeited { bond: amount(STAKE) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_censored_submit_is_slashed() {
    let sequencer = Sequencer::start(Manner { censors: Some(Kind::Submit), ..Manner::default() }).await;
    let data = tempfile::tempdir().unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Full));
    let Outcome::Slashed { code, .. } = until_ended(data.path(), UNIT_A, index).await else {
        panic!("not slashed");
    };
    assert_eq!(code, "submit-missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_censored_seal_costs_nothing() {
    let sequencer = Sequencer::start(Manner { censors: Some(Kind::SealBid), ..Manner::default() }).await;
    let data = tempfile::tempdir().unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Full));
    let Outcome::NotBid { code, .. } = until_ended(data.path(), UNIT_A, index).await else {
        panic!("it was bid on");
    };
    assert_eq!(code, "too-late");
    assert_eq!(sequencer.account(UNIT_A).stake, amount(STAKE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_that_nobody_records_is_nobodys_fault() {
    let sequencer = Sequencer::start(Manner { beacons: false, ..Manner::default() }).await;
    let data = tempfile::tempdir().unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Rows(4)));
    assert!(matches!(until_ended(data.path(), UNIT_A, index).await, Outcome::Released { .. }));
    assert_eq!(sequencer.account(UNIT_A).stake, amount(STAKE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_lost_after_the_reveal_is_made_up_for() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Full));
    revealed(&sequencer).await;
    worker.kill().await;
    fs::remove_dir_all(data.path()).unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    assert_eq!(until_ended(data.path(), UNIT_A, index).await, Outcome::Settled { price: amount(BUDGET) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_lost_before_the_reveal_costs_the_bond_and_no_more() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Full));
    sealed(&sequencer).await;
    worker.kill().await;
    fs::remove_dir_all(data.path()).unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    until("the forfeit", || (sequencer.account(UNIT_A).lock_job == 0).then_some(())).await;
    assert_eq!(sequencer.account(UNIT_A).stake, amount(0));
    assert_eq!((outcome(data.path(), UNIT_A, index), sequencer.included(Kind::SealBid)), (None, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_stops_the_worker() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Full));
    sealed(&sequencer).await;
    worker.kill().await;
    let path = data.path().join(format!("units/{UNIT_A}/jobs/{index}.json"));
    let good = fs::read_to_string(&path).unwrap();
    let price = "\"price\": 1000";
    for bad in [
        &good[..good.len() / 2],
        "",
        &good.replace(price, "\"price\": 1001"),
        &good.replace("\"version\": 1", "\"version\": 2"),
    ] {
        assert_ne!(bad, good);
        fs::write(&path, bad).unwrap();
        let error = start(config(&sequencer, &[UNIT_A], data.path())).end().await;
        assert!(matches!(error, WorkerError::Record { .. }), "{error}");
    }
    fs::write(&path, &good).unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    assert_eq!(until_ended(data.path(), UNIT_A, index).await, Outcome::Settled { price: amount(BUDGET) });
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_cannot_be_kept() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let jobs = data.path().join(format!("units/{UNIT_A}/jobs"));
    until("the folder", || jobs.exists().then_some(())).await;
    // What a full disk does, to whoever may write to every folder.
    fs::remove_dir(&jobs).unwrap();
    let index = sequencer.post(job(Policy::Full));
    // The program was fetched and found good: a bid is next.
    let cache = data.path().join("cache");
    until("the input", || (fs::read_dir(&cache).ok()?.count() == 2).then_some(())).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!((sequencer.included(Kind::SealBid), sequencer.account(UNIT_A).lock_job), (0, 0));
    fs::create_dir(&jobs).unwrap();
    assert_eq!(until_ended(data.path(), UNIT_A, index).await, Outcome::Settled { price: amount(BUDGET) });
}

/// Every first write of every file finds the disk full. `/dev/full` answers each write with ENOSPC, as a full disk does; the
/// worker removes what is left of an attempt, and so finds room the next time.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_nothing_but_time() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let unit = data.path().join(format!("units/{UNIT_A}"));
    until("the folders", || unit.join("traces").exists().then_some(())).await;
    let (index, order) = (1, job(Policy::Rows(4)));
    let full = ["jobs", "traces", "ended"].map(|folder| unit.join(format!("{folder}/{index}.part")));
    let cached = [("program", order.program), ("input", order.input_root)]
        .map(|(class, digest)| data.path().join(format!("cache/{class}-{digest}.part")));
    let full = [&full[..], &cached].concat();
    for path in &full {
        std::os::unix::fs::symlink("/dev/full", path).unwrap();
    }
    assert_eq!(sequencer.post(order), index);
    let outcome = until_ended(data.path(), UNIT_A, index).await;
    assert_eq!(outcome, Outcome::Settled { price: amount(BUDGET) });
    let sent = [Kind::SealBid, Kind::RevealBid, Kind::Submit].map(|kind| sequencer.included(kind));
    assert_eq!(sent, [1; 3]);
    for path in &full {
        assert!(!path.is_symlink(), "{} was written", path.display());
    }
    assert!(!worker.0.is_finished());
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_caches_and_traces_are_made_again() {
    let sequencer = Sequencer::start(Manner { beacons: false, ..Manner::default() }).await;
    let data = tempfile::tempdir().unwrap();
    let worker = start(config(&sequencer, &[UNIT_A], data.path()));
    let index = sequencer.post(job(Policy::Rows(4)));
    until("the Submit", || (sequencer.included(Kind::Submit) == 1).then_some(())).await;
    worker.kill().await;
    let files = [data.path().join("cache"), data.path().join(format!("units/{UNIT_A}/traces"))];
    let mut damaged = 0;
    for file in files.iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        damaged += 1;
    }
    assert_eq!(damaged, 3);
    sequencer.state().manner.beacons = true;
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()));
    assert_eq!(until_ended(data.path(), UNIT_A, index).await, Outcome::Settled { price: amount(BUDGET) });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_said_at_the_start() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let good = config(&sequencer, &[UNIT_A], folder.path());
    let falsify = Some(Falsify { operation: "hidden".into(), rows: vec![0] });
    let rollup = Some(janction_protocol::Address([8; 20]));
    let cases = [
        ("worker.no-units", WorkerConfig { units: vec![], ..good.clone() }),
        ("worker.no-jobs", WorkerConfig { max_concurrent: 0, ..good.clone() }),
        ("worker.no-vram", WorkerConfig { vram_mib: Some(0), ..good.clone() }),
        ("worker.falsify", WorkerConfig { falsify, chain_id: 1, ..good.clone() }),
        ("worker.no-rollup", WorkerConfig { rollup: None, chain_id: 1, ..good.clone() }),
        ("worker.chain", WorkerConfig { chain_id: 1, ..good.clone() }),
        ("worker.rollup", WorkerConfig { rollup, ..good.clone() }),
        ("worker.not-a-unit", WorkerConfig { units: vec![3], ..good.clone() }),
        ("worker.not-a-unit", WorkerConfig { units: vec![1_000], ..good.clone() }),
        ("worker.sequencer", WorkerConfig { sequencer: "not a uri".into(), ..good.clone() }),
    ];
    for (code, config) in cases {
        assert_eq!(start(config).end().await.code(), code);
    }
    let stranger = Running::start(good.clone(), &secret(OPERATOR_B), Failpoint::default()).end().await;
    assert_eq!(stranger.code(), "worker.not-the-operator");
    let _first = start(good.clone());
    until("the lock", || folder.path().join("units").exists().then_some(())).await;
    assert_eq!(start(good).end().await.code(), "worker.in-use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_a_sequencer_that_is_not_there_yet() {
    let gone = Sequencer::start(Manner::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let config = config(&gone, &[UNIT_A], folder.path());
    drop(gone);
    let worker = start(config);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!worker.0.is_finished());
}
