//! A worker that is killed at every point of a job's life finishes that job and does nothing twice.

use janction_protocol::state::JobStatus;
use janction_protocol::stream::Kind;
use janction_trace::Policy;

use super::sequencer::{BUDGET, Manner, OPERATOR_A, Sequencer, UNIT_A, amount, job};
use super::{Running, config, ended, secret, until_ended};
use crate::WorkerError;
use crate::failpoint::Failpoint;
use crate::record::Outcome;

/// One life; the worker dies at `failpoint`, and is started again. How many points it passed.
async fn life(policy: Policy, failpoint: Failpoint) -> (u64, bool) {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let index = sequencer.post(job(policy));
    let config = config(&sequencer, &[UNIT_A], data.path());
    let mut first = Running::start(config.clone(), &secret(OPERATOR_A), failpoint.clone());
    let ended_first = tokio::select! {
        error = first.end() => {
            assert!(matches!(error, WorkerError::Killed), "{error}");
            false
        }
        outcome = until_ended(data.path(), UNIT_A, index) => {
            assert!(matches!(outcome, Outcome::Settled { .. }));
            true
        }
    };
    first.kill().await;
    let second = Running::start(config, &secret(OPERATOR_A), Failpoint::default());
    let outcome = until_ended(data.path(), UNIT_A, index).await;
    second.kill().await;
    assert_eq!(outcome, Outcome::Settled { price: amount(BUDGET) });
    assert_eq!(sequencer.job(index).status, JobStatus::Settled);
    let sent = [Kind::SealBid, Kind::RevealBid, Kind::Submit].map(|kind| sequencer.included(kind));
    assert_eq!(sent, [1; 3]);
    // What was sealed is what was revealed: the record never lost its salt.
    assert!(ended(data.path(), UNIT_A, index).unwrap().bid.is_some());
    (failpoint.visits(), ended_first)
}

async fn every_point(policy: Policy) {
    let (points, ended) = life(policy, Failpoint::at(u64::MAX)).await;
    // At least: two for each of four writes, three removals... and two for each of five calls.
    assert!(ended && points >= 20, "{points}");
    for n in 1..=points {
        life(policy, Failpoint::at(n)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_point_under_full() {
    every_point(Policy::Full).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_point_under_rows() {
    every_point(Policy::Rows(4)).await;
}
