//! `janction worker` against a sequencer in the test's hands: units, stake, and what is refused.

#[path = "support/ledger.rs"]
mod ledger;
mod support;

use janction_protocol::Amount;
use janction_protocol::state::Key;
use janction_protocol::transaction::Transaction;
use ledger::{MINIMUM_FEE, Sequencer, wallet};
use serde_json::Value;
use support::{Finished, Machine};

const JCT: u64 = Amount::ONE_JCT;

/// An owner's machine with an owner's and an operator's key, and the sequencer it speaks to.
struct Owner {
    machine: Machine,
    sequencer: Sequencer,
}

fn key(made: &Value) -> Key {
    let digits = made["public"].as_str().expect("a key").trim_start_matches("0x").to_owned();
    let words: Vec<u64> =
        (0..5).map(|i| u64::from_str_radix(&digits[16 * i..16 * i + 16], 16).expect("hexadecimal")).collect();
    Key::from_u64s(words.try_into().expect("five")).expect("canonical")
}

impl Owner {
    async fn new() -> (Self, Key) {
        let owner = Owner { machine: Machine::new(), sequencer: Sequencer::start().await };
        let alice = key(&owner.run(&["account", "new", "alice"]).json());
        let rig = key(&owner.run(&["account", "new", "rig1", "--kind", "operator"]).json());
        owner.sequencer.state().accounts = vec![Default::default(), wallet(alice, 100 * JCT)];
        (owner, rig)
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = self.machine.command(&[&["--json"], arguments].concat());
        command.env("JANCTION_PASSWORD", "secret").env("JANCTION_SEQUENCER_URL", &self.sequencer.url);
        Finished(command.output().expect("runs"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_registered_funded_staked_and_shown() {
    let (owner, rig) = Owner::new().await;
    let register = ["worker", "register", "alice", "--operator", "rig1", "--device", "cpu", "--region", "3"];
    let made = owner.run(&register).json();
    assert_eq!(made["unit"], 2);
    assert_eq!(
        (&made["hardware"]["gpu_class"], &made["hardware"]["self_declared"]),
        (&0.into(), &true.into())
    );
    assert_eq!(made["fee"], 2 * MINIMUM_FEE);
    match owner.sequencer.state().transactions.last().map(|signed| signed.transaction.clone()) {
        Some(Transaction::Register(register)) => assert_eq!((register.operator, register.region), (rig, 3)),
        other => panic!("{other:?}"),
    }

    owner.run(&["worker", "stake", "alice", "50", "--unit", "2"]).must_fail(1, "worker.too_poor");
    let staked = owner.run(&["worker", "stake", "alice", "50", "--unit", "2", "--fund"]).json();
    assert_eq!(staked["funded"], 50 * JCT + MINIMUM_FEE);
    assert!(staked["warning"].as_str().is_some_and(|w| w.contains("submitClaim")));
    let status = owner.run(&["worker", "status", "alice"]).json();
    let unit = &status["units"][0];
    assert_eq!((&unit["unit"], &unit["stake"]), (&2.into(), &(50 * JCT).into()));
    assert_eq!((&unit["hardware"]["region"], &unit["hardware"]["self_declared"]), (&3.into(), &true.into()));

    owner.run(&["worker", "unstake", "alice", "51", "--unit", "2"]).must_fail(1, "worker.locked");
    owner.run(&["worker", "unstake", "alice", "20", "--unit", "2"]).json();
    let status = owner.run(&["worker", "status", "alice"]).json();
    assert_eq!(status["units"][0]["stake"], 30 * JCT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_cannot_be_is_refused_before_anything_is_sent() {
    let (owner, _) = Owner::new().await;
    let register = |operator: &str, device: &str| {
        owner.run(&["worker", "register", "alice", "--operator", operator, "--device", device])
    };
    register("nobody", "cpu").must_fail(1, "keystore.absent");
    // A key that owns accounts does not belong on a rig.
    register("alice", "cpu").must_fail(1, "keystore.wrong_kind");
    register("rig1", "cuda:99").must_fail(1, "device.absent");
    owner.run(&["worker", "register", "rig1", "--operator", "rig1"]).must_fail(1, "keystore.wrong_kind");
    owner.run(&["worker", "stake", "alice", "1", "--unit", "1"]).must_fail(1, "worker.not_a_unit");
    owner.run(&["worker", "stake", "alice", "1", "--unit", "7"]).must_fail(1, "client.not_owner");
    assert!(owner.sequencer.state().transactions.is_empty());
    let status = owner.run(&["worker", "status", "alice"]).json();
    assert_eq!(status["units"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_units_or_key_or_on_another_ledger_does_not_start() {
    let (owner, _) = Owner::new().await;
    owner.run(&["worker", "run"]).must_fail(2, "worker.no_units");
    let run = |variables: &[(&str, &str)]| {
        let mut command = owner.machine.command(&["--json", "worker", "run"]);
        command.env("JANCTION_PASSWORD", "secret").env("JANCTION_SEQUENCER_URL", &owner.sequencer.url);
        command.env("JANCTION_WORKER_UNITS", "1").env("JANCTION_WORKER_DEVICE", "cpu");
        command.envs(variables.iter().copied());
        Finished(command.output().expect("runs"))
    };
    run(&[]).must_fail(2, "config.missing");
    run(&[("JANCTION_WORKER_KEY", "alice")]).must_fail(1, "keystore.wrong_kind");
    let rig = ("JANCTION_WORKER_KEY", "rig1");
    run(&[rig]).must_fail(1, "worker.not_a_unit");
    run(&[rig, ("JANCTION_L1_ROLLUP", "0x0000000000000000000000000000000000000001")])
        .must_fail(1, "worker.rollup");
    run(&[rig, ("JANCTION_L1_CHAIN_ID", "5")]).must_fail(2, "worker.no_rollup");
}
