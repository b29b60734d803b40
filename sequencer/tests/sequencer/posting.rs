//! Follower and poster, step by step, through everything that L1 can do to them.

use janction_sequencer::batcher::proving::Granted;
use janction_sequencer::clock::unix_ms;
use janction_sequencer::l1::L1Error;
use janction_sequencer::l1::follower::{FollowError, follow};
use janction_sequencer::l1::poster::PostError;
use janction_sequencer::store::column::Outbox;
use janction_sequencer::store::record::{IntentStatus, LeaseId};

use crate::fake_l1::MAX_BATCH_AGE;
use crate::world::*;

/// Steps and mines until `done`.
async fn settle(stage: &mut Stage, sealed: u64) {
    let mut last = Ok(());
    for _ in 0..40 {
        last = stage.step().await;
        stage.l1.mine();
        stage.follow().await;
        if stage.engine(|e| e.heads()).await.committed == sealed {
            return;
        }
    }
    panic!("not committed after 40 blocks: {last:?}");
}

async fn prove_all(stage: &Stage, proof: &[u8]) -> Granted {
    let proof = proof.to_vec();
    stage
        .engine(move |engine| {
            let payee = janction_protocol::Address([4; 20]);
            let granted = engine.lease(LeaseId([1; 16]), payee, &[], 0, unix_ms()).unwrap();
            let bound = engine.bound(granted.lease.first, granted.lease.last, payee).unwrap();
            engine.submit_proof(granted.id, proof, &bound.inputs.to_u64s()).unwrap();
            granted
        })
        .await
}

#[tokio::test]
async fn batches_are_committed_and_proven_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.found().await;
    for nonce in 0..3 {
        stage.seal_transfer(1, nonce).await.unwrap();
    }
    settle(&mut stage, 4).await;
    assert_eq!(stage.l1.effects(), (vec![1, 2, 3, 4], 0));
    let granted = prove_all(&stage, b"fine").await;
    assert_eq!((granted.lease.first, granted.lease.last), (1, 4));
    for _ in 0..6 {
        stage.step().await.unwrap();
        stage.l1.mine();
    }
    stage.step().await.unwrap();
    assert_eq!(stage.engine(|e| e.heads()).await.proven, 4);
    assert_eq!((stage.l1.effects(), stage.l1.reverted()), ((vec![1, 2, 3, 4], 4), 0));
    for entry in stage.shared.store().all::<Outbox>().unwrap() {
        assert!(matches!(entry.unwrap().1.status, IntentStatus::Final { .. }));
    }
}

#[tokio::test]
async fn a_refused_proof_is_dropped_and_the_range_is_free_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.found().await;
    settle(&mut stage, 1).await;
    prove_all(&stage, b"invalid").await;
    assert!(matches!(stage.step().await, Err(PostError::L1(L1Error::Reverted { .. }))));
    assert_eq!(prove_all(&stage, b"fine").await.lease.first, 1);
    stage.step().await.unwrap();
    stage.l1.mine_many(4);
    stage.step().await.unwrap();
    assert_eq!((stage.l1.effects().1, stage.l1.reverted()), (1, 0));
}

#[tokio::test]
async fn a_gas_spike_raises_the_fee_of_the_same_nonce_up_to_the_cap() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = l1_config();
    config.max_fee_per_gas = 20_000_000_000;
    let mut stage = Stage::with(folder.path(), engine_config(), config);
    stage.found().await;
    stage.step().await.unwrap();
    let sent = stage.l1.waiting();
    assert_eq!(sent.len(), 1);

    // Above what was offered, below the cap.
    stage.l1.set_base_fee(8_000_000_000);
    stage.l1.mine();
    assert_eq!(stage.l1.waiting(), sent, "too cheap to be mined");
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    stage.step().await.unwrap();
    let raised = stage.l1.waiting();
    assert_eq!((raised.len(), raised[0].0), (1, sent[0].0));
    assert!(raised[0].1 > sent[0].1 && raised[0].1 <= 20_000_000_000);

    // Above the cap: it stays what it is; new batches are not even tried.
    stage.l1.set_base_fee(30_000_000_000);
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    stage.step().await.unwrap();
    assert_eq!(stage.l1.waiting(), raised);
    stage.l1.set_base_fee(8_000_000_000);
    stage.l1.mine_many(4);
    stage.step().await.unwrap();
    stage.seal_transfer(1, 0).await.unwrap();
    stage.l1.set_base_fee(30_000_000_000);
    assert!(matches!(stage.step().await, Err(PostError::GasTooDear { cap: 20_000_000_000, .. })));
    assert!(stage.l1.waiting().is_empty());
    stage.l1.set_base_fee(1_000_000_000);
    settle(&mut stage, 2).await;
    assert_eq!((stage.l1.effects(), stage.l1.reverted()), ((vec![1, 2], 0), 0));
}

#[tokio::test]
async fn a_commit_that_a_reorganisation_removes_is_committed_again_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.found().await;
    stage.l1.mine_many(3);
    stage.step().await.unwrap();
    stage.l1.mine();
    stage.step().await.unwrap();
    assert_eq!(stage.l1.effects().0, [1]);
    // The block with the commit goes, and the node has lost the transaction.
    stage.l1.reorganise(1, true);
    assert!(stage.l1.effects().0.is_empty());
    stage.l1.mine_many(2);
    stage.step().await.unwrap();
    assert_eq!(stage.l1.waiting().len(), 1);
    settle(&mut stage, 1).await;
    assert_eq!((stage.l1.effects(), stage.l1.reverted()), ((vec![1], 0), 0));
    assert_eq!(stage.shared.store().all::<Outbox>().unwrap().count(), 1, "the same intent");
}

#[tokio::test]
async fn a_reorganisation_below_the_confirmations_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.found().await;
    settle(&mut stage, 1).await;
    stage.seal_transfer(1, 0).await.unwrap();
    settle(&mut stage, 2).await;
    // The commits go, the deposits stay.
    let depth = stage.follow().await.head.number as usize - 6;
    stage.l1.reorganise(depth, true);
    stage.l1.mine_many(depth + 2);
    stage.follow().await;
    assert!(stage.engine(|e| e.heads()).await.committed < 2);
    settle(&mut stage, 2).await;
    assert_eq!((stage.l1.effects(), stage.l1.reverted()), ((vec![1, 2], 0), 0));

    // Now the deposits go, too: all batches are taken back, the transfer waits for its money.
    let depth = stage.follow().await.head.number as usize - 1;
    stage.l1.reorganise(depth, true);
    stage.l1.mine_many(depth + 2);
    stage.follow().await;
    assert_eq!(stage.engine(|e| (e.heads().sealed, e.pending())).await, (0, 1));
    (1..=3).for_each(|n| stage.l1.deposit(key(n), 1_000_000_000));
    stage.l1.mine_many(2);
    stage.follow().await;
    assert_eq!(stage.engine(|e| e.seal().unwrap()).await, Some(1));
    assert_eq!(stage.engine(|e| e.ledger().account(1).balance.units()).await, 1_000_000_000);
}

#[tokio::test]
async fn a_transaction_that_the_node_forgets_is_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.found().await;
    stage.l1.set_forgetful(true);
    stage.step().await.unwrap();
    assert!(stage.l1.waiting().is_empty());
    stage.l1.set_forgetful(false);
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    stage.step().await.unwrap();
    assert_eq!(stage.l1.waiting().len(), 1);
    settle(&mut stage, 1).await;
    assert_eq!(stage.l1.effects().0, [1]);
}

#[tokio::test]
async fn a_foreign_transaction_with_our_nonce_is_named_and_the_batch_still_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.found().await;
    stage.l1.set_forgetful(true);
    stage.step().await.unwrap();
    stage.l1.set_forgetful(false);
    stage.l1.foreign_transaction();
    stage.step().await.unwrap();
    assert!(matches!(stage.step().await, Err(PostError::ForeignTransaction { nonce: 0 })));
    settle(&mut stage, 1).await;
    assert_eq!((stage.l1.effects().0, stage.l1.reverted()), (vec![1], 0));
}

#[tokio::test]
async fn a_dead_l1_is_waited_for_and_batches_that_grew_too_old_are_sealed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::open(folder.path());
    stage.found().await;
    stage.seal_transfer(1, 0).await.unwrap();
    stage.l1.set_dead(true);
    let dead = follow(&*stage.l1, &l1_config(), &stage.shared).await;
    assert!(matches!(dead, Err(FollowError::L1(L1Error::Unreachable { .. }))));
    assert!(stage.engine(|e| admit(e, &transfer(2, 0, 3, 1)).is_ok()).await, "still acknowledged");
    stage.l1.set_dead(false);
    stage.l1.skip_time(MAX_BATCH_AGE + 200);
    stage.l1.mine_many(3);
    let view = stage.follow().await;
    assert!(view.recent.is_empty());
    assert!(matches!(stage.step().await, Err(PostError::L1(L1Error::Reverted { .. }))), "too old");
    assert_eq!(stage.engine(|e| (e.heads().sealed, e.pending())).await, (0, 2));
    assert_eq!(stage.engine(|e| e.seal().unwrap()).await, Some(1));
    settle(&mut stage, 1).await;
    // Deposits are at the end of a batch: the transfers had to wait for the first one.
    while stage.engine(|e| e.pending()).await > 0 {
        assert!(stage.engine(|e| e.seal().unwrap()).await.is_some());
    }
}
