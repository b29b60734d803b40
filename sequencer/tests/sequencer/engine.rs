//! The engine alone: admission, sealing, taking back, restarting, proving.

use std::path::Path;
use std::sync::Arc;

use janction_protocol::Address;
use janction_protocol::ledger::Ledger;
use janction_protocol::ledger::apply_batch;
use janction_protocol::state::RunState;
use janction_protocol::stream::Kind;
use janction_protocol::transaction::{Deposit, Expire, Settle, SignedTransaction};
use janction_protocol::transition::{StepWitness, replay};
use janction_rpc::encoding::decode;
use janction_sequencer::batcher::{Engine, EngineConfig, EngineError};
use janction_sequencer::l1::{Event, EventKind};
use janction_sequencer::mempool::MempoolConfig;
use janction_sequencer::store::Store;
use janction_sequencer::store::record::{Commitment, L1Block, LeaseId, OperationEntry, TransactionStatus};

use crate::world::*;

const START: u64 = 1_800_000_000;

fn open_with(folder: &Path, config: EngineConfig) -> Engine {
    Engine::open(Arc::new(Store::open(folder, deployment()).unwrap()), config).unwrap()
}

fn open(folder: &Path) -> Engine {
    open_with(folder, engine_config())
}

fn block(number: u64) -> L1Block {
    L1Block { number, hash: [number as u8; 32], time: START + number }
}

fn operation(index: u64, n: u8) -> Event {
    let (key, value, time) = (key(n), units(1_000_000_000), block(index).time);
    let entry = OperationEntry { hint: 0, key, value, time, queue_hash: [index as u8 + 1; 32] };
    Event { block: index, transaction: [0; 32], kind: EventKind::Operation { index, entry } }
}

/// Accounts 1, 2 and 3 with a JCT each, in batch 1.
fn founded(folder: &Path, config: EngineConfig) -> Engine {
    let mut engine = open_with(folder, config);
    engine.apply_l1(&[operation(0, 1), operation(1, 2), operation(2, 3)], block(3)).unwrap();
    assert_eq!(engine.seal().unwrap(), Some(1));
    engine
}

fn committed(engine: &Engine, number: u64) -> Event {
    let record = engine.batch_record(number).unwrap();
    let (stream_hash, evaluation) = (record.stream_hash, record.evaluation());
    let commitment = Commitment { number, stream_hash, evaluation, ..Commitment::default() };
    Event { block: 9, transaction: [9; 32], kind: EventKind::Committed(commitment) }
}

fn code(engine: &mut Engine, signed: &SignedTransaction) -> &'static str {
    admit(engine, signed).expect_err("must be refused").code()
}

#[test]
fn refusals_have_codes_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    let root = engine.ledger().state().root();
    assert_eq!(code(&mut engine, &transfer(1, 0, 2, 2_000_000_000)), "insufficient-balance");
    assert_eq!(code(&mut engine, &transfer(1, 0, 77, 5)), "no-account");
    assert_eq!(code(&mut engine, &transfer(1, 1, 2, 5)), "nonce-gap");
    assert_eq!(code(&mut engine, &transfer_paying(1, 0, 2, 5, 10)), "fee-too-low");
    assert_eq!(code(&mut engine, &transfer(4, 0, 2, 5)), "insufficient-balance");
    let forged =
        SignedTransaction { authorization: transfer(2, 0, 1, 5).authorization, ..transfer(1, 0, 2, 5) };
    assert_eq!(code(&mut engine, &forged), "signature");
    let unsigned = SignedTransaction { authorization: None, ..transfer(1, 0, 2, 5) };
    assert_eq!(engine.admit(submission_of(unsigned)).unwrap_err().code(), "unsigned");
    let deposit = SignedTransaction::unsigned(Deposit { hint: 0, key: key(1), value: units(5) });
    assert_eq!(code(&mut engine, &deposit), "from-l1");
    let expire = SignedTransaction::unsigned(Expire { fee: units(0), job: 1 });
    assert_eq!(code(&mut engine, &expire), "wrong-status");
    assert_eq!(engine.pending(), 0);
    assert_eq!(engine.seal().unwrap(), None);
    assert_eq!(engine.ledger().state().root(), root);

    // A replayed transaction, after it was included.
    let once = transfer(1, 0, 2, 5);
    let id = admit(&mut engine, &once).unwrap();
    assert_eq!(engine.seal().unwrap(), Some(2));
    assert_eq!(admit(&mut engine, &once).unwrap(), id, "the same bytes are acknowledged again");
    assert_eq!(engine.pending(), 0, "but not taken in again");
    assert_eq!(code(&mut engine, &transfer(1, 0, 2, 6)), "nonce-used");
}

/// As a program might build it that does not go through `encode`.
fn submission_of(signed: SignedTransaction) -> janction_sequencer::batcher::admit::Submission {
    janction_sequencer::batcher::admit::Submission { id: [3; 32], bytes: vec![], signed, attachment: vec![] }
}

#[test]
fn a_settle_without_its_proof_waits_for_nobody() {
    let settle = Settle { fee: units(0), job: 1, price: units(1), output_root: Default::default() };
    let signed = SignedTransaction::unsigned(settle);
    assert_eq!(signed.transaction.kind(), Kind::Settle);
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    assert_eq!(code(&mut engine, &signed), "wrong-status");
    let attached =
        janction_sequencer::batcher::admit::Submission::new(transfer(1, 0, 2, 5).encode().unwrap(), vec![1]);
    assert_eq!(attached.unwrap_err().code(), "attachment");
}

#[test]
fn what_waits_is_seen_and_money_can_be_passed_on_before_it_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    // 2 can only pay 3 because 1 pays 2 first, and offers the higher fee.
    admit(&mut engine, &transfer(1, 0, 2, 900_000_000)).unwrap();
    admit(&mut engine, &transfer_paying(2, 0, 3, 1_800_000_000, 90_000)).unwrap();
    let (account, next_nonce, available) = engine.account(2).unwrap();
    assert_eq!((account.nonce, next_nonce), (0, 1));
    assert_eq!(available, 1_900_000_000 - 1_800_000_000 - 90_000);
    assert_eq!(engine.seal().unwrap(), Some(2));
    assert_eq!(engine.ledger().account(3).balance.units(), 2_800_000_000);
    let record = engine.batch_record(2).unwrap();
    assert_eq!(record.transactions.len(), 2);
}

#[test]
fn a_replacement_takes_the_place_and_what_depended_on_the_old_one_is_refused_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    let old = admit(&mut engine, &transfer(1, 0, 2, 900_000_000)).unwrap();
    let later = admit(&mut engine, &transfer(1, 1, 2, 7)).unwrap();
    let dependent = admit(&mut engine, &transfer(2, 0, 3, 1_500_000_000)).unwrap();
    assert_eq!(code(&mut engine, &transfer_paying(1, 0, 3, 1, FEE + 1)), "replacement-fee");
    let new = admit(&mut engine, &transfer_paying(1, 0, 3, 1, FEE * 2)).unwrap();
    assert_eq!(engine.transaction(&old).unwrap().status, TransactionStatus::Replaced { by: new });
    assert_eq!(engine.pending(), 3);
    assert_eq!(engine.seal().unwrap(), Some(2));
    let status = |id| engine.transaction(id).unwrap().status;
    assert_eq!(status(&new), TransactionStatus::Included { batch: 2, position: 0 });
    assert_eq!(status(&later), TransactionStatus::Included { batch: 2, position: 1 });
    match status(&dependent) {
        TransactionStatus::Refused { code, reason } => {
            assert_eq!(code, "insufficient-balance");
            assert!(!reason.is_empty());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn batches_are_limited_and_the_rest_waits() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = engine_config();
    config.batch.max_blocks = 4;
    config.batch.max_l1_operations = 2;
    config.mempool = MempoolConfig { max_transactions: 6, ..MempoolConfig::default() };
    let mut engine = open_with(folder.path(), config);
    engine.apply_l1(&[operation(0, 1), operation(1, 2), operation(2, 3)], block(5)).unwrap();
    assert_eq!(engine.seal().unwrap(), Some(1));
    let first = engine.batch_record(1).unwrap();
    assert_eq!(
        (first.operations, first.time),
        (2, block(2).time),
        "nothing made before its time is left out"
    );
    assert_eq!(engine.seal().unwrap(), Some(2));
    assert_eq!(engine.batch_record(2).unwrap().time, block(5).time);
    for nonce in 0..6 {
        admit(&mut engine, &transfer(1, nonce, 2, 1)).unwrap();
    }
    assert_eq!(code(&mut engine, &transfer(1, 6, 2, 1)), "mempool-full");
    assert_eq!(engine.seal().unwrap(), Some(3));
    assert_eq!((engine.pending(), engine.batch_record(3).unwrap().transactions.len()), (2, 4));
    assert_eq!(engine.seal().unwrap(), Some(4));
    assert_eq!(engine.pending(), 0);
}

#[test]
fn a_restart_finds_ledger_pool_and_heads() {
    let folder = tempfile::tempdir().unwrap();
    let (state, id) = {
        let mut engine = founded(folder.path(), engine_config());
        admit(&mut engine, &transfer(1, 0, 2, 5)).unwrap();
        engine.seal().unwrap();
        let id = admit(&mut engine, &transfer(1, 1, 2, 5)).unwrap();
        admit(&mut engine, &withdraw(2, 0, 5)).unwrap();
        (*engine.ledger().state(), id)
    };
    let mut engine = open(folder.path());
    assert_eq!(*engine.ledger().state(), state);
    assert_eq!((engine.pending(), engine.heads().sealed), (2, 2));
    assert_eq!(engine.account(1).unwrap().1, 2);
    assert_eq!(engine.seal().unwrap(), Some(3));
    assert!(matches!(engine.transaction(&id).unwrap().status, TransactionStatus::Included { batch: 3, .. }));
    assert_eq!(engine.batch_record(3).unwrap().event_offsets.len(), 1);
}

#[test]
fn a_damaged_leaf_is_noticed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(founded(folder.path(), engine_config()));
    let store = Store::open(folder.path(), deployment()).unwrap();
    let mut account = store.get::<janction_sequencer::store::column::Accounts>(&2).unwrap().unwrap();
    account.balance = units(5);
    let mut progress = store.begin();
    progress.put::<janction_sequencer::store::column::Accounts>(&2, &account).unwrap();
    progress.commit().unwrap();
    let error = Engine::open(Arc::new(store), engine_config()).err().unwrap();
    assert!(error.to_string().contains("Restore the last backup"), "{error}");
}

#[test]
fn taking_back_restores_the_ledger_and_the_transactions_wait_in_their_old_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    let before = *engine.ledger().state();
    let first = admit(&mut engine, &transfer(1, 0, 2, 5)).unwrap();
    engine.seal().unwrap();
    engine.apply_l1(&[operation(3, 4)], block(8)).unwrap();
    let second = admit(&mut engine, &transfer(1, 1, 2, 6)).unwrap();
    engine.seal().unwrap();
    assert_eq!(engine.heads().sealed, 3);
    let third = admit(&mut engine, &transfer(1, 2, 2, 7)).unwrap();
    let (after, roots) = (*engine.ledger().state(), engine.batch_record(3).unwrap().entry);

    engine.rewind(1).unwrap();
    assert_eq!(*engine.ledger().state(), before);
    assert_eq!((engine.heads().sealed, engine.pending()), (1, 3));
    assert_eq!(engine.account(4).unwrap_err().code(), "not-found");
    assert_eq!(engine.waiting_operations(), 1);
    drop(engine);
    let mut engine = open(folder.path());
    assert_eq!(*engine.ledger().state(), before);
    assert_eq!(engine.seal().unwrap(), Some(2));
    let record = engine.batch_record(2).unwrap();
    assert_eq!(record.transactions, [first, second, third]);
    assert_ne!(record.entry, roots);
    let now = engine.ledger().state();
    assert_eq!((now.next_account, now.l1_cursor), (after.next_account, after.l1_cursor));
    assert_eq!(engine.ledger().account(4).balance, units(1_000_000_000));
}

#[test]
fn l1_must_continue_what_was_read_and_know_nothing_better() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    let gap = engine.apply_l1(&[operation(4, 4)], block(8));
    assert!(matches!(gap, Err(EngineError::Gap { expected: 3, got: 4, .. })));
    let mut foreign = committed(&engine, 1);
    if let EventKind::Committed(commitment) = &mut foreign.kind {
        commitment.stream_hash = [1; 32];
    }
    assert!(matches!(engine.apply_l1(&[foreign], block(8)), Err(EngineError::Foreign { batch: 1 })));
    let mut other = committed(&engine, 1);
    if let EventKind::Committed(commitment) = &mut other.kind {
        commitment.evaluation[31] ^= 1;
    }
    assert!(matches!(engine.apply_l1(&[other], block(8)), Err(EngineError::Evaluation { batch: 1 })));
    let one = committed(&engine, 1);
    let two = Event {
        kind: EventKind::Committed(Commitment { number: 2, ..Commitment::default() }),
        ..one.clone()
    };
    let ahead = engine.apply_l1(&[one, two], block(8));
    assert!(matches!(ahead, Err(EngineError::Ahead { batch: 2, sealed: 1 })));
    assert_eq!(engine.heads().committed, 0, "nothing of it was taken over");
}

#[test]
fn a_deep_reorganisation_takes_back_what_consumed_something_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    let commit = committed(&engine, 1);
    engine.apply_l1(&[commit.clone(), operation(3, 4)], block(8)).unwrap();
    admit(&mut engine, &transfer(1, 0, 2, 5)).unwrap();
    engine.seal().unwrap();
    assert_eq!(engine.heads().sealed, 2);

    // The same first three, another fourth one; the commit has not happened yet.
    let mut other = operation(3, 5);
    if let EventKind::Operation { entry, .. } = &mut other.kind {
        entry.queue_hash = [99; 32];
    }
    let there = [operation(0, 1), operation(1, 2), operation(2, 3), other];
    engine.replace_l1(&there, block(8)).unwrap();
    assert_eq!((engine.heads().sealed, engine.heads().committed, engine.pending()), (1, 0, 1));
    assert_eq!(engine.seal().unwrap(), Some(2));
    assert_eq!(engine.ledger().account(4).owner, key(5));
    assert_eq!(engine.ledger().account(2).balance, units(1_000_000_005));
}

/// Replays a lease's witness as a prover would, from what the interface hands out.
#[test]
fn a_lease_has_all_that_a_prover_needs() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = founded(folder.path(), engine_config());
    for nonce in 0..3 {
        admit(&mut engine, &transfer(1, nonce, 2, 5)).unwrap();
        admit(&mut engine, &withdraw(2, nonce, 5)).unwrap();
        engine.seal().unwrap();
    }
    let payee = Address([1; 20]);
    assert_eq!(engine.lease(LeaseId([1; 16]), payee, &[], 0, 1_000).unwrap_err().code(), "no-work");
    let commits: Vec<_> = (1..=4).map(|n| committed(&engine, n)).collect();
    engine.apply_l1(&commits, block(9)).unwrap();

    let first = engine.lease(LeaseId([1; 16]), payee, &[], 2, 1_000).unwrap();
    assert_eq!((first.lease.first, first.lease.last), (1, 2));
    let again = engine.lease(LeaseId([2; 16]), payee, &[], 1, 2_000).unwrap();
    assert_eq!((again.id, again.lease.last), (first.id, 2), "the same one, extended");
    let second = engine.lease(LeaseId([2; 16]), Address([2; 20]), &[], 0, 2_000).unwrap();
    assert_eq!((second.lease.first, second.lease.last), (3, 4));
    assert_eq!(
        engine.lease(LeaseId([3; 16]), Address([3; 20]), &[], 0, 2_000).unwrap_err().code(),
        "no-work"
    );
    let expiry = engine.heartbeat(first.id, 100_000).unwrap();
    assert_eq!(expiry, 100_000 + engine.config().lease.duration_ms);
    assert_eq!(engine.heartbeat(second.id, expiry).unwrap_err().code(), "not-found", "expired");

    let bound = engine.bound(1, 2, payee).unwrap();
    let mut auditor = Ledger::genesis(deployment());
    let mut run: RunState = bound.run;
    for number in 1..=2 {
        let record = engine.batch_record(number).unwrap();
        let mut next = 0;
        while next < record.steps {
            // A few at a time.
            for step in engine.steps(number, next, 10_000).unwrap() {
                let step: StepWitness = decode(&step).unwrap();
                run = replay(&run, &step).unwrap();
                next += 1;
            }
        }
        apply_batch(&mut auditor, &record.stream()).unwrap();
    }
    assert_eq!(run.ledger.root(), bound.inputs.new_root);
    assert_eq!(auditor.state().root(), bound.inputs.new_root);
    assert_eq!((run.range_digest(), run.f_star), (bound.inputs.range.digest, bound.inputs.range.f_star));

    let inputs = bound.inputs.to_u64s();
    let mut wrong = inputs;
    wrong[16] ^= 1;
    assert_eq!(engine.submit_proof(first.id, vec![1], &wrong).unwrap_err().code(), "public-inputs");
    assert_eq!(engine.submit_proof(first.id, vec![1], &inputs[1..]).unwrap_err().code(), "public-inputs");
    assert_eq!(engine.submit_proof(LeaseId([9; 16]), vec![1], &inputs).unwrap_err().code(), "not-found");
    engine.submit_proof(first.id, vec![1], &inputs).unwrap();
    engine.submit_proof(first.id, vec![1], &inputs).unwrap();
    let more = engine.lease(LeaseId([6; 16]), payee, &[], 0, 100_001);
    assert_eq!(more.unwrap_err().code(), "no-work", "a range whose proof is here is not given out again");
    assert_eq!(engine.submit_proof(first.id, vec![2], &inputs).unwrap_err().code(), "already-proven");
    // Nobody is given batches 1 and 2 again; when the contract refuses the proof, somebody is.
    assert_eq!(engine.lease(LeaseId([4; 16]), Address([4; 20]), &[], 0, expiry + 1).unwrap().lease.first, 3);
    engine.reject_proof(1, "InvalidProof()").unwrap();
    assert_eq!(engine.lease(LeaseId([5; 16]), Address([5; 20]), &[], 0, expiry + 1).unwrap().lease.first, 1);

    let proven = Event { kind: EventKind::Proven { first: 1, last: 2 }, ..commits[0].clone() };
    engine.apply_l1(&[proven], block(12)).unwrap();
    assert_eq!(engine.steps(1, 0, 10).unwrap_err().code(), "not-found", "what is proven needs no witness");
    assert!(!engine.steps(3, 0, 10).unwrap().is_empty());
    assert!(matches!(engine.rewind(1), Err(EngineError::TooDeep { batch: 2 })));
    assert_eq!(open_after(engine, folder.path()), 2);
}

fn open_after(engine: Engine, folder: &Path) -> u64 {
    drop(engine);
    open(folder).heads().proven
}
