//! The client against a real anvil and the real contracts (but for the verifier, see `support`).

mod support;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use janction_bindings::abi::BeaconRecord;
use janction_bindings::abi::Rollup::{RollupErrors, RollupEvents};
use janction_bindings::{BatchInfo, Call, Fees, L1, L1Error, Receipt, event_tree, queue};
use janction_protocol::crypto::{GFp5, Point};
use janction_protocol::state::Key;
use janction_protocol::stream::{Batch, Header, encode};
use janction_protocol::transaction::{Deposit, RecordBeacon, Settle, Submit, Transaction, Withdraw};
use janction_protocol::{Amount, Digest};
use std::time::Duration;
use support::{Anvil, account, deploy};

const UNIT: u64 = 1_000_000_000;

fn key() -> [u64; 5] {
    let point = Point::GENERATOR.double();
    Key(point.encode().0).to_u64s()
}

async fn execute(l1: &L1, call: Call) -> Result<Receipt, L1Error> {
    l1.execute(&call, &account(0), Duration::from_secs(20)).await
}

/// A batch of these transactions, its tail included; the time is that of the newest L1 block.
async fn batch(l1: &L1, parent: &BatchInfo, transactions: Vec<Transaction>) -> Batch {
    let count = |f: fn(&Transaction) -> bool| transactions.iter().filter(|t| f(t)).count() as u16;
    let tail = count(|t| matches!(t, Transaction::Deposit(_) | Transaction::RecordBeacon(_)));
    let header = Header {
        batch: parent.number + 1,
        time: l1.head().await.unwrap().time,
        l2_blocks: transactions[..transactions.len() - tail as usize]
            .iter()
            .map(|t| t.kind().blocks() as u32)
            .sum(),
        fee_account: 1,
        l1_first: parent.l1End,
        l1_count: count(|t| matches!(t, Transaction::Deposit(_))),
        beacon_first: parent.beaconEnd,
        beacon_count: count(|t| matches!(t, Transaction::RecordBeacon(_))),
        events: count(|t| t.kind().is_event()),
    };
    Batch { header, transactions }
}

fn event_offsets(batch: &Batch) -> Vec<u32> {
    let mut position = 1;
    let mut offsets = Vec::new();
    for t in &batch.transactions {
        if t.kind().is_event() {
            offsets.push(position);
        }
        position += t.kind().blocks() as u32;
    }
    offsets
}

/// The newest record that was logged.
async fn last_info(l1: &L1) -> BatchInfo {
    let head = l1.head().await.unwrap().number;
    l1.committed_batches(0, head).await.unwrap().pop().map_or(BatchInfo::genesis(), |b| b.info)
}

#[tokio::test]
async fn connecting_tells_what_is_wrong() {
    let anvil = Anvil::start();
    let (l1, token) = deploy(&anvil.endpoint).await;
    let connect = |endpoint: &str, chain, address| {
        let endpoint = endpoint.to_owned();
        async move { L1::connect(&endpoint, chain, address).await.unwrap_err() }
    };
    assert!(matches!(connect("not a url", 31337, token).await, L1Error::Endpoint { .. }));
    assert!(matches!(connect("ftp://127.0.0.1", 31337, token).await, L1Error::Endpoint { .. }));
    let nobody = connect("http://127.0.0.1:1", 31337, l1.rollup()).await;
    assert!(matches!(nobody, L1Error::Unreachable { .. }) && nobody.is_transient(), "{nobody}");
    let e = connect(&anvil.endpoint, 1, l1.rollup()).await;
    assert!(matches!(e, L1Error::WrongChain { expected: 1, actual: 31337, .. }));
    assert!(matches!(connect(&anvil.endpoint, 31337, Address::repeat_byte(9)).await, L1Error::NoCode { .. }));
    assert!(matches!(connect(&anvil.endpoint, 31337, token).await, L1Error::WrongContract { .. }));
    l1.check_randomness().await.unwrap();
    let parameters = l1.parameters().await.unwrap();
    assert_eq!(parameters.verifier_code_hash, l1.code_hash(parameters.verifier).await.unwrap());
    assert_eq!(parameters.operator, account(0).address());
    assert_eq!(parameters.beacon_delay, support::BEACON_DELAY);
    assert!(parameters.development_srs);
}

#[tokio::test]
async fn a_batch_goes_all_the_way() {
    let anvil = Anvil::start();
    let (l1, token) = deploy(&anvil.endpoint).await;
    let amount = U256::from(1000 * UNIT);
    execute(&l1, l1.approve(token, amount * U256::from(3))).await.unwrap();
    execute(&l1, l1.fund_rewards(amount)).await.unwrap();
    execute(&l1, l1.deposit(key(), 0, amount)).await.unwrap();

    // The rolling hash follows from the events.
    let head = l1.head().await.unwrap().number;
    let mut queue_hash = B256::ZERO;
    for located in l1.events(0, head).await.unwrap() {
        if let RollupEvents::Deposited(d) = located.event {
            queue_hash = queue::after_deposit(queue_hash, d.key, d.hintAccount.to(), d.units, d.time);
            assert_eq!(queue_hash, d.queueHash);
        }
    }
    assert_eq!(l1.state(None).await.unwrap().l1_queue_hash, queue_hash);

    let receiver = account(2).address();
    let (trace_root, output_root) = (digest(3), digest(4));
    let withdraw = |units| {
        Transaction::Withdraw(Withdraw {
            fee: Amount::new(1).unwrap(),
            account: 1,
            value: Amount::new(units).unwrap(),
            address: janction_protocol::Address(receiver.into()),
        })
    };
    let fee = Amount::new(1).unwrap();
    let transactions = vec![
        withdraw(10),
        Transaction::Submit(Submit { fee, unit: 2, job: 77, trace_root, output_root }),
        Transaction::Settle(Settle { fee, job: 77, price: Amount::new(9).unwrap(), output_root }),
        withdraw(20),
        withdraw(30),
        Transaction::Deposit(Deposit {
            hint: 0,
            key: Key::from_u64s(key()).unwrap(),
            value: Amount::new(1000).unwrap(),
        }),
    ];
    let first = batch(&l1, &BatchInfo::genesis(), transactions).await;
    let (committed, tail) = encode(&first).unwrap();
    let offsets = event_offsets(&first);
    let commit = l1.commit_batch(
        BatchInfo::genesis(),
        committed.clone().into(),
        digest(5).to_bytes().into(),
        offsets.clone(),
        queue_hash,
        B256::ZERO,
    );
    let refused = l1.commit_batch(
        BatchInfo::genesis(),
        committed.clone().into(),
        digest(5).to_bytes().into(),
        offsets.clone(),
        B256::ZERO,
        B256::ZERO,
    );
    let refused = l1.estimate_gas(&refused, account(0).address()).await.unwrap_err();
    assert!(matches!(refused.rollup_error(), Some(RollupErrors::WrongL1QueueHash(_))), "{refused}");
    execute(&l1, commit).await.unwrap();

    // What an auditor reads back is what was sent, and the contract's record is that of these bytes.
    let head = l1.head().await.unwrap().number;
    let batches = l1.committed_batches(0, head).await.unwrap();
    assert_eq!(batches.len(), 1);
    let info = batches[0].info.clone();
    assert_eq!(batches[0].call.committed, Bytes::from(committed.clone()));
    assert_eq!(info.streamHash, keccak256([committed.clone(), tail].concat()));
    let events = event_tree::events(&committed, &offsets).unwrap();
    assert_eq!(info.eventsRoot, event_tree::root(&events));
    assert_eq!(
        l1.call(janction_bindings::abi::Rollup::batchHashCall { number: U256::from(1) }, None).await.unwrap(),
        info.hash()
    );

    // The beacon of the Submit, from the header of the block that the contract names.
    let target = l1.beacon_block(77, trace_root.to_bytes().into()).await.unwrap().unwrap();
    assert_eq!(target, batches[0].block + support::BEACON_DELAY);
    let early = l1.record_beacon(77, trace_root.to_bytes().into(), Bytes::new());
    let early = l1.estimate_gas(&early, account(1).address()).await.unwrap_err();
    assert!(matches!(early.rollup_error(), Some(RollupErrors::BeaconNotYet(_))), "{early}");
    for _ in 0..2 {
        execute(&l1, l1.approve(token, amount)).await.unwrap();
    }
    let header = l1.header_rlp(target).await.unwrap();
    execute(&l1, l1.record_beacon(77, trace_root.to_bytes().into(), header)).await.unwrap();
    let head = l1.head().await.unwrap().number;
    let mut records = Vec::new();
    for located in l1.events(0, head).await.unwrap() {
        if let RollupEvents::BeaconRecorded(r) = located.event {
            let record = BeaconRecord { beacon: r.beacon, job: r.job, time: r.time, traceRoot: r.traceRoot };
            assert_eq!(queue::after_beacon(B256::ZERO, &record), r.queueHash);
            records.push(record);
        }
    }
    let beacon_hash = queue::after_beacon(B256::ZERO, &records[0]);
    let limb = |k: usize| records[0].beacon[7 * k..7 * k + 7].iter().fold(0, |x, &b| x << 8 | u64::from(b));
    let second = batch(
        &l1,
        &info,
        vec![Transaction::RecordBeacon(RecordBeacon {
            job: 77,
            trace_root,
            beacon: [limb(0), limb(1), limb(2), limb(3)],
            time: records[0].time,
        })],
    )
    .await;
    let (committed, tail) = encode(&second).unwrap();
    let commit_second = l1.commit_batch(
        info.clone(),
        committed.clone().into(),
        digest(6).to_bytes().into(),
        vec![],
        queue_hash,
        beacon_hash,
    );
    execute(&l1, commit_second.clone()).await.unwrap();
    let second_info = last_info(&l1).await;
    assert_eq!(second_info.streamHash, keccak256([committed, tail].concat()));

    // A revert takes it away, and the same bytes come back the same.
    execute(&l1, l1.revert_batches(info.clone())).await.unwrap();
    assert_eq!(last_info(&l1).await, info);
    execute(&l1, commit_second).await.unwrap();
    assert_eq!(last_info(&l1).await, second_info);

    // Proof of both, by the test double; then a withdrawal and the output.
    let payee = account(1).address();
    let prove = l1.prove_batches(
        vec![info.clone(), second_info],
        digest(7).to_bytes().into(),
        digest(8).to_bytes().into(),
        payee,
        vec![0; support::PROOF_BYTES].into(),
    );
    execute(&l1, prove).await.unwrap();
    assert_eq!(l1.jct_balance(token, payee).await.unwrap(), U256::from(2 * support::REWARD));
    let head = l1.head().await.unwrap().number;
    let paid = l1.rewards(0, head, Some(payee)).await.unwrap();
    assert_eq!(paid.len(), 1);
    assert_eq!((paid[0].first, paid[0].last, paid[0].amount), (1, 2, U256::from(2 * support::REWARD)));
    assert_eq!(l1.rewards(0, head, Some(receiver)).await.unwrap(), []);
    let ranges = l1.proven_ranges(0, head).await.unwrap();
    assert_eq!((ranges[0].event.first, ranges[0].event.last, ranges[0].call.range.len()), (1, 2, 2));

    let claim = |index: u32| {
        let path = event_tree::path(&events, index as usize).unwrap();
        l1.claim(info.clone(), index, Bytes::copy_from_slice(events[index as usize]), path)
    };
    for (index, units) in [(0, 10), (3, 20), (4, 30)] {
        let before = l1.jct_balance(token, receiver).await.unwrap();
        execute(&l1, claim(index)).await.unwrap();
        assert_eq!(l1.jct_balance(token, receiver).await.unwrap() - before, U256::from(units * UNIT));
        assert!(l1.is_claimed(1, index).await.unwrap());
        let again = execute(&l1, claim(index)).await.unwrap_err();
        assert!(matches!(again.rollup_error(), Some(RollupErrors::AlreadyClaimed(_))), "{again}");
    }
    let not_money = execute(&l1, claim(2)).await.unwrap_err();
    assert!(matches!(not_money.rollup_error(), Some(RollupErrors::NotAWithdraw(_))), "{not_money}");
    assert_eq!(l1.output_root(77).await.unwrap(), None);
    assert_eq!(l1.settled_job(0, head, 78).await.unwrap(), None);
    let settled = l1.settled_job(0, head, 77).await.unwrap().expect("its batch is proven");
    assert_eq!((settled.index, settled.output_root), (2, output_root.to_bytes().into()));
    execute(&l1, settled.publish(&l1)).await.unwrap();
    assert_eq!(l1.output_root(77).await.unwrap(), Some(output_root.to_bytes().into()));

    let read = support::read_output(&anvil.endpoint, l1.rollup(), 77);
    assert!(read.contains(&format!("\"outputRoot\":\"{}\"", settled.output_root)), "{read}");
    assert!(support::read_output(&anvil.endpoint, l1.rollup(), 78).contains("NOT_PUBLISHED"));

    let state = l1.state(None).await.unwrap();
    assert_eq!((state.proven, state.committed, state.escrowed), (2, 2, 1000 - 60));
    let held = l1.jct_balance(token, l1.rollup()).await.unwrap();
    assert_eq!(held, U256::from(state.escrowed) * U256::from(UNIT) + state.reward_pool);
}

#[tokio::test]
async fn sending_is_idempotent_and_nonce_safe() {
    let anvil = Anvil::start();
    let (l1, token) = deploy(&anvil.endpoint).await;
    let signer = account(0);
    let call = l1.approve(token, U256::from(1));
    let gas = l1.estimate_gas(&call, signer.address()).await.unwrap();
    let nonce = l1.nonce(signer.address(), true).await.unwrap();
    let fees = l1.fees().await.unwrap();
    let signed = l1.sign(&call, &signer, nonce, gas, fees).unwrap();
    assert_eq!(signed, l1.sign(&call, &signer, nonce, gas, fees).unwrap(), "signing is deterministic");
    l1.send(&signed).await.unwrap();
    let receipt = loop {
        if let Some(r) = l1.receipt(signed.hash).await.unwrap() {
            break r;
        }
    };
    assert!(receipt.success && receipt.gas_used <= gas);
    // Sent again after a crash: either the node knows it, or its nonce is used. Nothing happens twice.
    assert!(matches!(l1.send(&signed).await, Ok(()) | Err(L1Error::NonceUsed { .. })));
    assert_eq!(l1.nonce(signer.address(), false).await.unwrap(), nonce + 1);

    let more = fees.replacing(Fees { max_fee: 1, priority_fee: 1 });
    assert!(more.max_fee * 10 >= fees.max_fee * 11 && more.priority_fee * 10 >= fees.priority_fee * 11);
    let poor = alloy::signers::local::PrivateKeySigner::from_slice(&[5; 32]).unwrap();
    let signed = l1.sign(&call, &poor, 0, gas, fees).unwrap();
    let e = l1.send(&signed).await.unwrap_err();
    assert!(matches!(e, L1Error::InsufficientFunds { .. }), "{e}");
    // Only the operator commits; anyone sees why not.
    let commit =
        l1.commit_batch(BatchInfo::genesis(), Bytes::new(), B256::ZERO, vec![], B256::ZERO, B256::ZERO);
    let e = l1.estimate_gas(&commit, account(1).address()).await.unwrap_err();
    assert!(matches!(e.rollup_error(), Some(RollupErrors::NotOperator(_))), "{e}");
}

/// The contract admits exactly the keys that decode.
#[tokio::test]
async fn the_contract_knows_keys_as_the_ledger_does() {
    let anvil = Anvil::start();
    let (l1, token) = deploy(&anvil.endpoint).await;
    execute(&l1, l1.approve(token, U256::from(UNIT))).await.unwrap();
    let accepts = |key: [u64; 5]| {
        let call = l1.deposit(key, 0, U256::from(UNIT));
        let l1 = &l1;
        async move {
            match l1.estimate_gas(&call, account(0).address()).await {
                Ok(_) => true,
                Err(e) if matches!(e.rollup_error(), Some(RollupErrors::InvalidKey(_))) => false,
                Err(e) => panic!("{e}"),
            }
        }
    };
    let (mut yes, mut no) = (0, 0);
    for seed in 0u64..40 {
        // Any five elements: half of them decode.
        let w: [u64; 5] = std::array::from_fn(|i| {
            let h = keccak256([seed.to_be_bytes(), (i as u64).to_be_bytes()].concat());
            u64::from_be_bytes(h[..8].try_into().unwrap()) >> 1
        });
        let decodes = Point::decode(GFp5 { 0: Key::from_u64s(w).unwrap().0 }).is_some();
        assert_eq!(accepts(w).await, decodes, "{w:?}");
        if decodes { yes += 1 } else { no += 1 }
    }
    assert!(yes > 5 && no > 5);
    assert!(!accepts([0; 5]).await, "the neutral element is no key");
    let mut k = Key(Point::GENERATOR.double().double().encode().0).to_u64s();
    assert!(accepts(k).await);
    for i in 0..5 {
        if let Some(above) = k[i].checked_add(0xffff_ffff_0000_0001) {
            let small = std::mem::replace(&mut k[i], above);
            assert!(!accepts(k).await, "element {i} is not canonical");
            k[i] = small;
        }
    }
}

fn digest(seed: u64) -> Digest {
    Digest::from_u64s([seed, seed << 40, 0xffff_ffff_0000_0000, seed + 1]).unwrap()
}
