//! What holds for batches, ranges of them, and forged witnesses of any kind.

use janction_protocol::binding::{PUBLIC_INPUTS, PublicInputs, Range};
use janction_protocol::ledger::{
    ApplyError, BatchBuilder, CloseError, ClosedBatch, Ledger, LedgerSnapshot, SnapshotError, apply_batch,
};
use janction_protocol::state::RunState;
use janction_protocol::stream::{Block, Header, Kind};
use janction_protocol::transaction::*;
use janction_protocol::transition::{FrameError, ReplayError, StepWitness, replay};
use janction_protocol::{Address, Amount, Deployment, Digest, F};
use plonky2::field::types::Field;

use crate::harness::*;
use crate::market::*;

fn transfer(w: &World, value: u64) -> SignedTransaction {
    w.sign(Transfer { fee: fee(), from: DEVELOPER, to: OWNER, value: units(value) })
}

#[test]
fn a_range_of_batches_is_bound_as_a_list() {
    let mut w = World::new();
    let before = w.ledger.state().root();
    let mut batches = Vec::new();
    for value in 1..=3 {
        w.time += 12;
        let signed = transfer(&w, value);
        batches.push(w.run(&[signed], &[Deposit { hint: 0, key: key(9), value: jct(1) }], &[]));
    }
    let entries: Vec<_> = batches
        .iter_mut()
        .map(|batch| {
            let r = batch.challenge(&deployment());
            batch.bind(r)
        })
        .collect();
    let range = Range::of(&entries, &deployment());
    let start = batches[0].start(range.r_star);
    let end = batches.iter().fold(start, replay_all);
    assert_eq!((end.range_digest(), end.f_star, end.list_len), (range.digest, range.f_star, 3));
    assert_eq!(end.ledger.root(), w.ledger.state().root());
    let inputs = PublicInputs {
        old_root: before,
        new_root: end.ledger.root(),
        range,
        payee: Address([3; 20]),
        deployment: deployment(),
    };
    assert_eq!(inputs.elements().len(), PUBLIC_INPUTS);
    assert_eq!(inputs.elements()[19..], deployment().elements());
    // Another order or number of batches is another range.
    assert_ne!(Range::of(&entries[..2], &deployment()).digest, range.digest);
    assert_ne!(Range::of(&[entries[1], entries[0], entries[2]], &deployment()).digest, range.digest);
}

#[test]
fn an_empty_batch_and_noops_change_only_clock_and_number() {
    let mut w = World::new();
    w.time += 5;
    let batch = w.run(&[], &[], &[]);
    assert_eq!(batch.bytes.len(), 56);
    assert!(batch.tail.is_empty());
    assert_eq!((batch.after.time, batch.after.batch), (START + 5, 2));
    let noop = StepWitness { kind: Kind::Noop, blocks: vec![], r: [F::ZERO; 2], ..batch.steps[1].clone() };
    let noop = StepWitness { a: batch.steps[0].a, ..noop };
    let start = batch.start([F::ONE; 2]);
    assert_eq!(replay(&start, &noop).unwrap(), start);
}

#[test]
fn time_never_goes_back() {
    let mut w = World::new();
    let state = *w.ledger.state();
    let error = BatchBuilder::new(&mut w.ledger, START - 1, SEQUENCER).map(drop).unwrap_err();
    assert!(matches!(error, CloseError::Frame(FrameError::Header { field: "time", .. })));
    assert!(BatchBuilder::new(&mut w.ledger, 1 << 39, SEQUENCER).is_err());
    assert_eq!(*w.ledger.state(), state);
    w.run(&[], &[], &[]);
}

#[test]
fn fees_need_a_taker() {
    let mut w = World::new();
    let state = *w.ledger.state();
    let signed = transfer(&w, 1);
    let mut builder = BatchBuilder::new(&mut w.ledger, START, 77).unwrap();
    builder.push(&signed).unwrap();
    let error = builder.close(&[], &[]).unwrap_err();
    assert_eq!(error, CloseError::Frame(FrameError::FeeAccount { index: 77 }));
    assert_eq!(*w.ledger.state(), state, "a batch that does not close leaves no trace");
    // An account that the batch's own tail creates will do.
    let builder = BatchBuilder::new(&mut w.ledger, START, 5).unwrap();
    builder.close(&[Deposit { hint: 0, key: key(5), value: jct(1) }], &[]).unwrap();
}

#[test]
fn snapshots_restore_or_say_that_they_are_damaged() {
    let mut w = World::new();
    let signed = transfer(&w, 5);
    w.run(&[signed], &[], &[]);
    let snapshot = w.ledger.snapshot();
    let restored = Ledger::restore(snapshot.clone()).unwrap();
    assert_eq!(restored.snapshot(), snapshot);
    assert_eq!(restored.state().root(), w.ledger.state().root());
    let mut damaged = snapshot;
    damaged.accounts[2].balance = jct(1_000_000);
    assert!(matches!(Ledger::restore(damaged), Err(SnapshotError::Root { tree: "account", .. })));
}

#[test]
fn batches_apply_in_order_and_once() {
    let mut w = World::new();
    let mut auditor = Ledger::restore(w.ledger.snapshot()).unwrap();
    let first = w.run(&[], &[], &[]).stream();
    let second = w.run(&[], &[], &[]).stream();
    assert!(matches!(apply_batch(&mut auditor, &second), Err(ApplyError::Header { batch: 1 })));
    apply_batch(&mut auditor, &first).unwrap();
    assert!(matches!(apply_batch(&mut auditor, &first), Err(ApplyError::Header { batch: 2 })));
    apply_batch(&mut auditor, &second).unwrap();
    assert_eq!(auditor.state(), w.ledger.state());
}

#[test]
fn an_invalid_transaction_makes_the_whole_batch_invalid() {
    let mut w = World::new();
    let mut auditor = Ledger::restore(w.ledger.snapshot()).unwrap();
    let before = *auditor.state();
    let signed = [transfer(&w, 5)];
    let mut bytes = w.run(&signed, &[], &[]).stream();
    // value hi of the transfer: 2^56 units are not there
    bytes[56 + 7 + 3] = 1;
    assert!(matches!(apply_batch(&mut auditor, &bytes), Err(ApplyError::Invalid { index: 0, .. })));
    assert_eq!(*auditor.state(), before);
    bytes.truncate(100);
    assert!(matches!(apply_batch(&mut auditor, &bytes), Err(ApplyError::Stream(_))));
}

/// A batch with a transfer, a withdrawal and a deposit, bound alone, and the run states before each of its steps.
fn replayed() -> (Vec<StepWitness>, Vec<RunState>) {
    let mut w = World::new();
    w.time += 1;
    let signed = transfer(&w, 5);
    let out = w.sign(Withdraw { fee: fee(), account: OWNER, value: jct(1), address: Address([9; 20]) });
    let mut batch = w.run(&[signed, out], &[Deposit { hint: 0, key: key(9), value: jct(1) }], &[]);
    let (_, range) = bind_alone(&mut batch);
    let mut runs = vec![batch.start(range.r_star)];
    for step in &batch.steps {
        let next = replay(runs.last().unwrap(), step).unwrap();
        runs.push(next);
    }
    (batch.steps, runs)
}

/// A life in which every kind happens: the batches one by one, each with the run states before its steps.
fn every_kind() -> Vec<(Vec<StepWitness>, Vec<RunState>)> {
    let mut w = World::with_units();
    let mut lives = vec![replayed()];
    let mut record = |w: &mut World, transaction: Option<Transaction>, beacon: Option<RecordBeacon>| {
        let signed: Vec<_> = transaction.map(|t| w.sign(t)).into_iter().collect();
        let mut batch = w.run(&signed, &[], beacon.as_slice());
        let (_, range) = bind_alone(&mut batch);
        let mut runs = vec![batch.start(range.r_star)];
        for step in &batch.steps {
            let next = replay(runs.last().unwrap(), step).unwrap();
            runs.push(next);
        }
        lives.push((batch.steps, runs));
    };
    let mut send = |w: &mut World, transaction: Transaction| record(w, Some(transaction), None);
    send(&mut w, register(OWNER, 8).into());
    send(&mut w, Stake { fee: fee(), unit: UNIT, value: jct(1) }.into());
    send(&mut w, Unstake { fee: fee(), unit: UNIT, value: jct(1) }.into());
    send(&mut w, post_job().into());
    for (unit, price) in [(UNIT, 70), (RIVAL_UNIT, 40), (SECOND_UNIT, 50)] {
        send(&mut w, seal_bid(unit, JOB, jct(price)).into());
    }
    w.time = BID_END + 1;
    send(&mut w, reveal_bid(UNIT, JOB, jct(70)).into());
    send(&mut w, reveal_bid(RIVAL_UNIT, JOB, jct(40)).into());
    w.pass(REVEAL_END + 1);
    send(&mut w, Forfeit { fee: job_fee(), unit: SECOND_UNIT, job: JOB }.into());
    send(&mut w, submit(RIVAL_UNIT, JOB).into());
    send(&mut w, post_job().into());
    let beacon = record_beacon(JOB, w.time);
    record(&mut w, None, Some(beacon));
    record(&mut w, Some(settle(JOB, jct(70)).into()), None);
    let end = w.job(2).deadline + 1;
    w.pass(end);
    record(&mut w, Some(expire(2).into()), None);
    lives
}

#[test]
fn forged_witnesses_of_any_kind_do_not_replay() {
    let mut kinds = std::collections::BTreeSet::from([Kind::Noop]);
    for (steps, runs) in every_kind() {
        for (step, run) in steps.iter().zip(&runs) {
            assert_unforgeable(run, step);
            kinds.insert(step.kind);
        }
    }
    assert!(kinds.iter().eq(&Kind::ALL), "every kind was there: {kinds:?}");
}

fn assert_unforgeable(run: &RunState, step: &StepWitness) {
    let kind = step.kind;
    let forge = |change: &dyn Fn(&mut StepWitness)| {
        let mut forged = step.clone();
        change(&mut forged);
        assert_ne!(&forged, step);
        replay(run, &forged).expect_err(&format!("{kind:?}"))
    };
    let more = |amount: &mut Amount| *amount = units(amount.units() + 1);
    // Old leaves that are not in the tree.
    forge(&|w| more(&mut w.a.old.balance));
    forge(&|w| more(&mut w.b.old.balance));
    forge(&|w| more(&mut w.j.old.budget));
    // New leaves that the rule does not make.
    for change in [
        |w: &mut StepWitness| w.a.new.balance = units(w.a.new.balance.units() + 1),
        |w: &mut StepWitness| w.a.new.nonce += 1,
        |w: &mut StepWitness| w.a.new.stake = units(w.a.new.stake.units() + 1),
        |w: &mut StepWitness| w.a.new.lock_job ^= 1,
        |w: &mut StepWitness| w.a.new.reputation += 1,
    ] {
        assert!(matches!(forge(&change), ReplayError::Leaf { slot: 'A' }), "{kind:?}");
    }
    for change in [
        |w: &mut StepWitness| w.b.new.balance = units(w.b.new.balance.units() + 1),
        |w: &mut StepWitness| w.b.new.owner = key(77),
        |w: &mut StepWitness| w.b.new.lock_job ^= 1,
    ] {
        assert!(matches!(forge(&change), ReplayError::Leaf { slot: 'B' }), "{kind:?}");
    }
    for change in [
        |w: &mut StepWitness| w.j.new.second_price = units(w.j.new.second_price.units() + 1),
        |w: &mut StepWitness| w.j.new.winner ^= 1,
        |w: &mut StepWitness| w.j.new.deadline += 1,
        |w: &mut StepWitness| w.j.new.trace_root = digest(99),
    ] {
        assert!(matches!(forge(&change), ReplayError::Leaf { slot: 'J' }), "{kind:?}");
    }
    // Siblings and indices.
    forge(&|w| w.a.opening.siblings[3] = digest(1));
    forge(&|w| w.b.opening.siblings[23] = digest(1));
    forge(&|w| w.j.opening.siblings[0] = digest(1));
    let error = forge(&|w| w.a.opening.index ^= 1 << 20);
    assert!(matches!(error, ReplayError::Index { slot: 'A', .. }), "{kind:?} {error}");
    let error = forge(&|w| w.b.opening.index ^= 1 << 20);
    assert!(matches!(error, ReplayError::Index { slot: 'B', .. }), "{kind:?} {error}");
    let error = forge(&|w| w.j.opening.index ^= 1 << 20);
    assert!(matches!(error, ReplayError::Index { slot: 'J', .. }), "{kind:?} {error}");
    // Blocks, kind, signature.
    forge(&|w| w.blocks.push(Block::default()));
    forge(&|w| w.kind = if kind == Kind::Expire { Kind::Settle } else { Kind::Expire });
    for i in 0..step.blocks.len() {
        let limbs = step.blocks[i].limbs();
        // The first block's last limb is a field of some kinds; in the others, and in the header, it is padding.
        let changed =
            Block::new(core::array::from_fn(|j| if j == 7 { limbs[7] ^ 1 << 55 } else { limbs[j] })).unwrap();
        // A record's beacon and a deposit's key come from L1: the contract's bytes bind them, not the step.
        if !matches!(kind, Kind::Deposit | Kind::RecordBeacon) {
            forge(&|w| w.blocks[i] = changed);
        }
    }
    if step.authorization.is_some() {
        forge(&|w| w.authorization = None);
    }
}

/// Both account slots cannot be opened against the old root.
#[test]
fn slot_b_is_opened_under_the_root_that_a_left() {
    let mut w = World::new();
    let opening = w.ledger.account_tree().open(OWNER).unwrap();
    let signed = transfer(&w, 5);
    let mut batch = w.run(&[signed], &[], &[]);
    let (_, range) = bind_alone(&mut batch);
    let run = replay(&batch.start(range.r_star), &batch.steps[0]).unwrap();
    let mut forged = batch.steps[1].clone();
    forged.b.opening = opening;
    assert_eq!(replay(&run, &forged), Err(ReplayError::Opening { slot: 'B' }));
}

#[test]
fn steps_keep_to_their_places() {
    let (steps, runs) = replayed();
    let [open, transfer, withdraw, deposit, close] = steps.as_slice() else { panic!("five steps") };
    let error = |run: &RunState, step: &StepWitness| replay(run, step).unwrap_err();
    assert_eq!(error(&runs[0], transfer), FrameError::NotOpen.into());
    assert_eq!(error(&runs[0], close), FrameError::NotOpen.into());
    assert_eq!(error(&runs[1], open), FrameError::Open.into());
    assert!(matches!(error(&runs[1], deposit), ReplayError::Frame(FrameError::Section { .. })));
    assert!(matches!(error(&runs[3], transfer), ReplayError::Frame(FrameError::Section { .. })));
    assert!(matches!(error(&runs[3], close), ReplayError::Frame(FrameError::Unfinished { .. })));
    let no_events = RunState { events: 0, ..runs[2] };
    assert_eq!(error(&no_events, withdraw), FrameError::Events.into());
    let one_more = RunState { events: 1, ..runs[4] };
    assert!(matches!(error(&one_more, close), ReplayError::Frame(FrameError::Unfinished { .. })));
    for behind in [
        RunState { batch_l1_end: runs[4].batch_l1_end + 1, ..runs[4] },
        RunState { batch_beacon_end: runs[4].batch_beacon_end + 1, ..runs[4] },
    ] {
        assert!(matches!(error(&behind, close), ReplayError::Frame(FrameError::Unfinished { .. })));
    }
}

#[test]
fn headers_must_continue_the_ledger() {
    let (steps, runs) = replayed();
    let header = Header::decode(&steps[0].blocks[0]).unwrap();
    let wrong = [
        Header { batch: header.batch + 1, ..header },
        Header { time: START - 1, ..header },
        Header { l1_first: header.l1_first + 1, ..header },
        Header { beacon_first: header.beacon_first + 1, ..header },
    ];
    for header in wrong {
        let open = StepWitness { blocks: vec![header.encode().unwrap()], ..steps[0].clone() };
        assert!(matches!(replay(&runs[0], &open), Err(ReplayError::Frame(FrameError::Header { .. }))));
    }
}

/// Batches wait in stores and travel to provers: what comes back is what was written, or is refused.
#[test]
fn batches_and_states_survive_serialisation() {
    let mut w = World::new();
    let signed = transfer(&w, 5);
    let mut batch = w.run(&[signed], &[], &[]);
    let bytes = postcard::to_stdvec(&batch).unwrap();
    assert_eq!(postcard::from_bytes::<ClosedBatch>(&bytes).unwrap(), batch);
    assert!(postcard::from_bytes::<ClosedBatch>(&bytes[..bytes.len() - 1]).is_err());
    let (_, range) = bind_alone(&mut batch);
    let run = replay(&batch.start(range.r_star), &batch.steps[0]).unwrap();
    let bytes = postcard::to_stdvec(&run).unwrap();
    assert_eq!(postcard::from_bytes::<RunState>(&bytes).unwrap(), run);
    let bytes = postcard::to_stdvec(&w.ledger.snapshot()).unwrap();
    assert_eq!(postcard::from_bytes::<LedgerSnapshot>(&bytes).unwrap(), w.ledger.snapshot());

    let refused = |text: &str, ok: bool| assert!(!ok, "{text}");
    let word = |x: u64| postcard::to_stdvec(&x).unwrap();
    refused("an amount of 2^62", postcard::from_bytes::<Amount>(&word(1 << 62)).is_ok());
    let digest = postcard::to_stdvec(&[u64::MAX; 4]).unwrap();
    refused("a non-canonical digest", postcard::from_bytes::<Digest>(&digest).is_ok());
    let block = postcard::to_stdvec(&[1u64 << 56; 8]).unwrap();
    refused("a limb of 57 bits", postcard::from_bytes::<Block>(&block).is_ok());
    let deployment = postcard::to_stdvec(&(1u64 << 56, [0u8; 20])).unwrap();
    refused("a chain id of 57 bits", postcard::from_bytes::<Deployment>(&deployment).is_ok());
}

#[test]
fn states_out_of_bounds_are_refused_before_anything_is_computed() {
    let (steps, runs) = replayed();
    let wrong = |change: &dyn Fn(&mut RunState)| {
        let mut run = runs[1];
        change(&mut run);
        assert_eq!(replay(&run, &steps[1]), Err(FrameError::Bounds.into()));
    };
    wrong(&|r| r.ledger.time = u64::MAX);
    wrong(&|r| r.ledger.batch = u64::MAX);
    wrong(&|r| r.ledger.next_account = u32::MAX);
    wrong(&|r| r.ledger.next_job = u32::MAX);
    wrong(&|r| r.ledger.l1_cursor = u64::MAX);
    wrong(&|r| r.ledger.beacon_cursor = u64::MAX);
    wrong(&|r| r.position = u64::MAX);
    wrong(&|r| r.list_len = u64::MAX);
    let mut snapshot = World::new().ledger.snapshot();
    snapshot.state.batch = u64::MAX;
    assert!(matches!(Ledger::restore(snapshot), Err(SnapshotError::Bounds)));
}

/// The rules are consensus: roots after every step of a life in which every kind happens.
#[test]
fn golden_roots() {
    let mut text = String::new();
    for (steps, runs) in every_kind() {
        for (step, run) in steps.iter().zip(&runs[1..]) {
            text += &format!("{:?} {} {}\n", step.kind, run.ledger.root(), run.digest());
        }
    }
    compare("roots.txt", &text);
}

fn compare(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("JANCTION_REGENERATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

/// keccak-derived points are consensus with the contract.
#[test]
fn golden_binding() {
    let mut w = World::new();
    let signed = transfer(&w, 5);
    let mut batch = w.run(&[signed], &[], &[]);
    let (entry, range) = bind_alone(&mut batch);
    let hex: String = batch.stream().iter().map(|b| format!("{b:02x}")).collect();
    let text = format!(
        "stream {hex}\nD {}\nr {:?}\nf {:?}\nD* {}\nr* {:?}\nf* {:?}\n",
        entry.digest, entry.r, entry.f, range.digest, range.r_star, range.f_star
    );
    compare("binding.txt", &text);
}
