//! Jobs that go as they should, for winners and losers.

use janction_program::{npy, reference};
use janction_protocol::state::JobStatus;
use janction_protocol::stream::Kind;
use janction_protocol::transition::Role;
use janction_rpc::v1::BlobClass;
use janction_trace::Policy;

use super::sequencer::{
    BUDGET, Manner, OPERATOR_A, OPERATOR_B, Sequencer, UNIT_A, UNIT_A2, UNIT_B, amount, job,
};
use super::{Running, config, ended, input, outcome, program, secret, until, until_ended};
use crate::failpoint::Failpoint;
use crate::record::Outcome;
use crate::{BidPolicy, WorkerConfig};

fn start(config: WorkerConfig, operator: u8) -> Running {
    Running::start(config, &secret(operator), Failpoint::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_under_each_policy_is_run_delivered_and_paid() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()), OPERATOR_A);
    for (settled, policy) in [Policy::Full, Policy::Rows(4)].into_iter().enumerate() {
        let index = sequencer.post(job(policy));
        let before = sequencer.account(UNIT_A).balance;
        let outcome = until_ended(data.path(), UNIT_A, index).await;
        // Alone, a bidder is paid the budget.
        assert_eq!(outcome, Outcome::Settled { price: amount(BUDGET) });
        let (job, unit) = (sequencer.job(index), sequencer.account(UNIT_A));
        assert_eq!((job.status, job.winner, unit.lock_job), (JobStatus::Settled, UNIT_A, 0));
        assert_eq!(unit.reputation as usize, settled + 1);
        assert_eq!(unit.balance.units() - before.units(), BUDGET - 6 * 1_000);
        // The price was the policy's, and sealed with another salt each time.
        let bid = ended(data.path(), UNIT_A, index).unwrap().bid.unwrap();
        assert_eq!(bid.price, amount(1_000));
        assert!(bid.salt.iter().all(|limb| limb >> 56 == 0) && bid.salt != [0; 4]);
        let name = (BlobClass::Output.into(), job.output_root.to_bytes());
        let output = npy::decode(&sequencer.state().blobs[&name]).unwrap();
        assert_eq!(Some(&output), reference::run(&program(), &input()).unwrap().last());
        assert!(!data.path().join(format!("units/{UNIT_A}/traces/{index}")).exists());
    }
    assert_eq!([Kind::SealBid, Kind::RevealBid, Kind::Submit].map(|kind| sequencer.included(kind)), [2; 3]);
    let roles =
        sequencer.state().included.iter().filter(|s| s.transaction.kind() == Kind::SealBid).all(|s| {
            s.authorization.as_ref().is_some_and(|authorization| authorization.role == Role::Operator)
        });
    assert!(roles);
}

/// Two workers; B reveals first or second.
async fn auction(second_reveal: u32) {
    let manner = Manner { second_reveal: Some(second_reveal), ..Manner::default() };
    let sequencer = Sequencer::start(manner).await;
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dear = config(&sequencer, &[UNIT_B], b.path());
    let dear = WorkerConfig { policy: BidPolicy { price_per_job: 2_500, ..dear.policy.clone() }, ..dear };
    let _cheap = start(config(&sequencer, &[UNIT_A], a.path()), OPERATOR_A);
    let _dear = start(dear, OPERATOR_B);
    let index = sequencer.post(job(Policy::Full));
    assert_eq!(until_ended(b.path(), UNIT_B, index).await, Outcome::Lost { winner: UNIT_A });
    assert_eq!(until_ended(a.path(), UNIT_A, index).await, Outcome::Settled { price: amount(2_500) });
    let loser = sequencer.account(UNIT_B);
    assert_eq!((loser.lock_job, loser.stake), (0, amount(super::sequencer::STAKE)));
    assert_eq!(sequencer.job(index).runner_up, UNIT_B);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_losing_bid_frees_its_stake_and_sets_the_price() {
    auction(UNIT_B).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_displaced_bid_frees_its_stake_and_sets_the_price() {
    auction(UNIT_A).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_units_of_a_worker_take_two_jobs_and_never_the_same() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let both = WorkerConfig { max_concurrent: 2, ..config(&sequencer, &[UNIT_A, UNIT_A2], data.path()) };
    let jobs = [sequencer.post(job(Policy::Full)), sequencer.post(job(Policy::Rows(4)))];
    let _worker = start(both, OPERATOR_A);
    for index in jobs {
        until("the job is settled", || (sequencer.job(index).status == JobStatus::Settled).then_some(()))
            .await;
        // Alone in each auction: they did not bid against each other.
        assert_eq!(sequencer.job(index).second_price, amount(BUDGET));
    }
    assert_eq!(sequencer.included(Kind::SealBid), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_at_a_time_where_no_more_are_allowed() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let jobs = [sequencer.post(job(Policy::Full)), sequencer.post(job(Policy::Rows(4)))];
    let _worker = start(config(&sequencer, &[UNIT_A, UNIT_A2], data.path()), OPERATOR_A);
    until("a job is settled", || {
        jobs.iter().find(|&&index| sequencer.job(index).status == JobStatus::Settled).map(|_| ())
    })
    .await;
    assert_eq!(sequencer.included(Kind::SealBid), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_that_the_owner_used_and_a_fee_that_rose_are_signed_anew() {
    for kind in [Kind::SealBid, Kind::RevealBid, Kind::Submit] {
        let manner = Manner { interferes: Some(kind), ..Manner::default() };
        let sequencer = Sequencer::start(manner).await;
        let data = tempfile::tempdir().unwrap();
        let _worker = start(config(&sequencer, &[UNIT_A], data.path()), OPERATOR_A);
        let index = sequencer.post(job(Policy::Full));
        if kind == Kind::Submit {
            until("the reveal", || (sequencer.included(Kind::RevealBid) == 1).then_some(())).await;
            sequencer.state().manner.fee_per_block = 1_500;
        }
        let outcome = until_ended(data.path(), UNIT_A, index).await;
        // What pays less than the new fee, unsigned steps here, is not looked at by this sequencer.
        assert_eq!(outcome, Outcome::Settled { price: amount(BUDGET) }, "{kind:?}");
        assert_eq!(sequencer.included(kind), 1);
        assert_eq!(sequencer.included(Kind::Transfer), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_taken_back_cost_nothing() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    let _worker = start(config(&sequencer, &[UNIT_A], data.path()), OPERATOR_A);
    let index = sequencer.post(job(Policy::Rows(4)));
    until("the reveal", || (sequencer.included(Kind::RevealBid) == 1).then_some(())).await;
    sequencer.state().keep();
    assert_eq!(until_ended(data.path(), UNIT_A, index).await, Outcome::Settled { price: amount(BUDGET) });
    sequencer.state().rewind();
    assert_eq!(sequencer.job(index).status, JobStatus::Posted);
    let settled = || (sequencer.job(index).status == JobStatus::Settled).then_some(());
    until("it is settled again", settled).await;
    until("and filed again", || {
        let open = data.path().join(format!("units/{UNIT_A}/jobs/{index}.json")).exists();
        (!open && outcome(data.path(), UNIT_A, index).is_some()).then_some(())
    })
    .await;
    assert_eq!(sequencer.included(Kind::Submit), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_needs_is_fetched_while_the_units_cannot_bid() {
    let sequencer = Sequencer::start(Manner::default()).await;
    let data = tempfile::tempdir().unwrap();
    // More than any unit has: the units leave the job before they look at its files.
    let mut dear = job(Policy::Full);
    dear.stake = amount(sequencer.account(UNIT_A).stake.units() + 1);
    let policy = BidPolicy { max_stake: u64::MAX, ..config(&sequencer, &[UNIT_A], data.path()).policy };
    let config = WorkerConfig { policy, ..config(&sequencer, &[UNIT_A], data.path()) };
    let _worker = start(config, OPERATOR_A);
    sequencer.post(dear);
    for file in [format!("program-{}", program().digest()), format!("input-{}", job(Policy::Full).input_root)]
    {
        let path = data.path().join("cache").join(file);
        until("the files", || path.exists().then_some(())).await;
    }
    assert_eq!(sequencer.included(Kind::SealBid), 0);
}
