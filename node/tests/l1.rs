//! The binary against an L1: what it answers to a wrong one, and what the auditor says of a right one.

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::{B256, U256};
use janction_bindings::{BatchInfo, L1, queue};
use janction_protocol::crypto::SecretKey;
use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Ledger};
use janction_protocol::state::Key;
use janction_protocol::transaction::{Deposit, SignedTransaction, Withdraw};
use janction_protocol::transition::Role;
use janction_protocol::{Address, Amount, Deployment};
use serde_json::Value;

use support::chain::{Anvil, CHAIN, SECRET};
use support::{Finished, Machine};

const PATIENCE: Duration = Duration::from_secs(30);

fn finding<'a>(report: &'a Value, what: &str) -> &'a Value {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|f| f["what"] == what).unwrap_or_else(|| panic!("no finding on {what}: {report}"))
}

fn report(run: &Finished, status: i32) -> Value {
    assert_eq!(run.status(), status, "{}\n{}", run.text(), run.errors());
    serde_json::from_str(&run.text()).expect("JSON")
}

#[tokio::test]
async fn a_wrong_l1_is_named() {
    let machine = Machine::new();
    let anvil = Anvil::start().await;
    let rollup = anvil.deploy(None).await.to_string();
    let audit = |url: &str, rollup: &str| {
        machine.run(&["--json", "--l1-url", url, "--rollup", rollup, "audit", "--keys", "none"])
    };

    machine.run(&["--json", "--l1-url", &anvil.url, "audit"]).must_fail(2, "config.missing");
    machine.run(&["--json", "audit", "--blobs", "nowhere"]).must_fail(1, "audit.no_blobs");
    audit(&anvil.url, "0x12").must_fail(2, "l1.address");
    audit("here", &rollup).must_fail(2, "l1.endpoint");
    audit("http://127.0.0.1:1", &rollup).must_fail(1, "l1.unreachable");
    audit(&anvil.url, "0x00000000000000000000000000000000000000aa").must_fail(1, "l1.no_code");
    let parameters =
        anvil.connect(rollup.parse().expect("an address")).await.parameters().await.expect("parameters");
    audit(&anvil.url, &parameters.token.to_string()).must_fail(1, "l1.wrong_contract");
    let mut other =
        machine.command(&["--json", "--l1-url", &anvil.url, "--rollup", &rollup, "audit", "--keys", "none"]);
    let run = Finished(other.env("JANCTION_L1_CHAIN_ID", "1").output().expect("runs"));
    let message = run.must_fail(1, "l1.wrong_chain");
    assert!(message.contains("31337") && message.contains('1'), "{message}");
}

#[tokio::test]
async fn the_auditor_follows_a_ledger_from_l1_data() {
    let machine = Machine::new();
    let anvil = Anvil::start().await;
    let rollup = anvil.deploy(None).await;
    let address = rollup.to_string();
    let audit =
        || machine.run(&["--json", "--l1-url", &anvil.url, "--rollup", &address, "audit", "--keys", "none"]);

    // Nothing has happened: complete but for what this version cannot check.
    let empty = report(&audit(), 3);
    assert_eq!(finding(&empty, "state root")["verdict"], "right");
    assert_eq!(empty["verdict"], "incomplete");

    // A deposit, consumed by a batch that also holds a withdrawal in the next one.
    let l1 = anvil.connect(rollup).await;
    let owner = SecretKey::from_entropy(&[5; 64]).expect("a key");
    let key = Key::from(owner.public());
    let (deposited, withdrawn) =
        (Amount::new(7_000_000_000).expect("fits"), Amount::new(1_500_000_000).expect("fits"));
    let wei = U256::from(deposited.units()) * U256::from(1_000_000_000u64);
    let token = l1.parameters().await.expect("parameters").token;
    l1.execute(&l1.approve(token, wei), &anvil.signer, PATIENCE).await.expect("approves");
    l1.execute(&l1.deposit(key.to_u64s(), 0, wei), &anvil.signer, PATIENCE).await.expect("deposits");

    let waiting = report(&audit(), 3);
    assert_eq!(finding(&waiting, "escrow")["verdict"], "right", "{waiting}");

    let deployment = Deployment::new(CHAIN, Address(rollup.into_array())).expect("a deployment");
    let mut ledger = Ledger::genesis(deployment);
    let deposit = Deposit { hint: 0, key, value: deposited };
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() - 1;
    let mut committer = Committer { l1: &l1, anvil: &anvil, parent: BatchInfo::genesis() };
    let closed =
        BatchBuilder::new(&mut ledger, time, 1).expect("opens").close(&[deposit], &[]).expect("closes");
    committer.commit(&closed, &[deposit]).await;

    let mut builder = BatchBuilder::new(&mut ledger, time, 1).expect("opens");
    let withdraw = Withdraw {
        fee: Amount::ZERO,
        account: 1,
        value: withdrawn,
        address: Address(anvil.signer.address().into_array()),
    };
    let signed = SignedTransaction::sign(withdraw, 0, &deployment, Role::Owner, &owner).expect("signs");
    builder.push(&signed).expect("valid");
    let closed = builder.close(&[], &[]).expect("closes");
    committer.commit(&closed, &[]).await;

    let after = report(&audit(), 3);
    assert_eq!(after["committed_batches"], 2);
    for what in
        ["contracts", "beacons", "queues", "batches", "state root", "escrow", "token balance", "proofs on L1"]
    {
        assert_eq!(finding(&after, what)["verdict"], "right", "{after}");
    }
    for what in ["SRS", "proofs natively", "keys"] {
        assert_eq!(finding(&after, what)["verdict"], "unchecked", "{after}");
    }
    // Without a proof nothing can be claimed.
    let mut claim =
        machine.command(&["--json", "--l1-url", &anvil.url, "--rollup", &address, "account", "claim"]);
    let claim = Finished(claim.env("JANCTION_L1_SECRET", SECRET).output().expect("runs")).json();
    assert_eq!(claim["paid"], 0);
}

#[tokio::test]
async fn the_auditor_notices_a_wrong_root() {
    let machine = Machine::new();
    let anvil = Anvil::start().await;
    let rollup = anvil.deploy(Some(B256::with_last_byte(1))).await.to_string();
    let run =
        machine.run(&["--json", "--l1-url", &anvil.url, "--rollup", &rollup, "audit", "--keys", "none"]);
    let report = report(&run, 4);
    assert_eq!(report["verdict"], "mismatch");
    assert_eq!(finding(&report, "state root")["verdict"], "wrong");
}

struct Committer<'a> {
    l1: &'a L1,
    anvil: &'a Anvil,
    parent: BatchInfo,
}

impl Committer<'_> {
    async fn commit(&mut self, closed: &ClosedBatch, deposits: &[Deposit]) {
        let mut hash = self.parent.l1QueueHash;
        for deposit in deposits {
            let time = self.deposit_time().await;
            hash =
                queue::after_deposit(hash, deposit.key.to_u64s(), deposit.hint, deposit.value.units(), time);
        }
        let call = self.l1.commit_batch(
            self.parent.clone(),
            closed.bytes.clone().into(),
            B256::from(closed.digest.to_bytes()),
            closed.events.clone(),
            hash,
            self.parent.beaconQueueHash,
        );
        self.l1.execute(&call, &self.anvil.signer, PATIENCE).await.expect("commits");
        let head = self.l1.head().await.expect("a head").number;
        let batches = self.l1.committed_batches(0, head).await.expect("batches");
        self.parent = batches.last().expect("the batch").info.clone();
    }

    async fn deposit_time(&self) -> u64 {
        use janction_bindings::abi::Rollup::RollupEvents;
        let head = self.l1.head().await.expect("a head").number;
        let events = self.l1.events(0, head).await.expect("events");
        let times = events.iter().filter_map(|e| match &e.event {
            RollupEvents::Deposited(e) => Some(e.time),
            _ => None,
        });
        times.max().expect("a deposit")
    }
}
