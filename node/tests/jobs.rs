//! `janction job` against a sequencer in the test's hands: what is uploaded and signed, what is shown, what is refused.

#[path = "support/ledger.rs"]
mod ledger;
mod support;

use janction_program::commitment::{RowTree, row_digests};
use janction_program::{Cells, Tensor, npy, text};
use janction_protocol::state::{Job, JobStatus, Key};
use janction_protocol::stream::Kind;
use janction_protocol::{Amount, Digest};
use janction_rpc::v1;
use ledger::{MINIMUM_FEE, NOW, Sequencer, wallet};
use support::{Finished, Machine};

const JCT: u64 = Amount::ONE_JCT;

const TEXT: &str = "program p
scheme 1
depth 4
input x: i8[2]
const w: i8[2, 1] = [
  [3],
  [-5],
]
y: i8[1] = matmul(x, w) {
  requantise 1073741824 >> 31
}
output y
";

/// A developer's machine with a job binary, an input and a key, and the sequencer it speaks to.
struct Developer {
    machine: Machine,
    sequencer: Sequencer,
}

impl Developer {
    /// With a wallet of so many JCT.
    async fn new(jct: u64) -> Self {
        Self::with(jct, Sequencer::start().await)
    }

    fn with(jct: u64, sequencer: Sequencer) -> Self {
        let machine = Machine::new();
        let made =
            machine.run_with("JANCTION_PASSWORD", "secret", &["--json", "account", "new", "alice"]).json();
        let digits = made["public"].as_str().expect("a key").trim_start_matches("0x").to_owned();
        let words: Vec<u64> = (0..5)
            .map(|i| u64::from_str_radix(&digits[16 * i..16 * i + 16], 16).expect("hexadecimal"))
            .collect();
        let owner = Key::from_u64s(words.try_into().expect("five")).expect("canonical");
        sequencer.state().accounts = vec![Default::default(), wallet(owner, jct * JCT)];
        let text = machine.write("p.txt", TEXT);
        machine.run(&["--json", "program", "compile", &text, "-o", "p.janction"]).json();
        std::fs::write(machine.home().join("x.npy"), npy::encode(&input())).expect("written");
        Developer { machine, sequencer }
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        let arguments = [&["--json", "job"], arguments].concat();
        let mut command = self.machine.command(&arguments);
        command.env("JANCTION_PASSWORD", "secret").env("JANCTION_SEQUENCER_URL", &self.sequencer.url);
        Finished(command.output().expect("runs"))
    }

    fn post(&self, more: &[&str]) -> Finished {
        self.run(&[&["post", "p.janction", "x.npy", "--from", "alice"], more].concat())
    }
}

fn input() -> Tensor {
    Tensor::new(3, 2, Cells::I8(vec![1, 2, 3, 4, 5, 6])).expect("a tensor")
}

fn digest_of(tensor: &Tensor, depth: u8) -> Digest {
    RowTree::new(row_digests(tensor), depth).expect("a tree").root()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_uploaded_signed_and_followed() {
    let developer = Developer::new(10).await;
    let posted = developer.post(&["--budget", "2", "--policy", "rows:8", "--bid-window", "20"]).json();
    let program = text::parse(TEXT).expect("a program");
    {
        let state = developer.sequencer.state();
        let names: Vec<(i32, Vec<u8>)> = vec![
            (v1::BlobClass::Program.into(), program.digest().to_bytes().to_vec()),
            (v1::BlobClass::Input.into(), digest_of(&input(), 4).to_bytes().to_vec()),
        ];
        assert!(names.iter().all(|name| state.blobs.contains_key(name)));
        assert_eq!(npy::decode(&state.blobs[&names[1]]), Ok(input()));
    }
    assert_eq!(posted["job"], 1);
    assert_eq!(posted["budget"], 2 * JCT);
    let (fee, job_fee) = (MINIMUM_FEE * Kind::PostJob.blocks() as u64, 2 * MINIMUM_FEE * 2);
    assert_eq!((&posted["fee"], &posted["job_fee"]), (&fee.into(), &job_fee.into()));
    assert_eq!(posted["stake"], 2 * JCT + job_fee);
    assert_eq!(posted["bid_end"], NOW + 20);
    assert!(posted["warning"].as_str().is_some_and(|w| w.contains("submitClaim")));
    // The key is the one that anyone recomputes from the job binary.
    let seen = ["--json", "program", "inspect", "p.janction", "--policy", "rows:8"];
    assert_eq!(developer.machine.run(&seen).json()["audit_keys"][0]["key"], posted["audit_key"]);

    // Two more, so that they do not fit the list's first page.
    for _ in 0..2 {
        developer.sequencer.state().add(&Job { status: JobStatus::Expired, ..Job::default() }, Vec::new());
    }
    assert_eq!(developer.run(&["list", "--live"]).json()["jobs"].as_array().map(Vec::len), Some(1));
    let list = developer.run(&["list"]).json();
    assert_eq!(list["jobs"].as_array().map(Vec::len), Some(3));
    let status = developer.run(&["status", "1"]).json();
    assert_eq!((&status["status"], &status["phase"]), (&"posted".into(), &"open for bids".into()));
    assert_eq!((&status["policy"], &status["rows"]), (&"rows:8".into(), &3.into()));
    let log = developer.run(&["logs", "1"]).json();
    assert_eq!(log["log"][0]["event"], "PostJob");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_is_refused_before_anything_is_sent() {
    let developer = Developer::new(1).await;
    developer.post(&["--budget", "0"]).must_fail(2, "job.no_budget");
    developer.post(&["--budget", "0.5", "--stake", "0.1"]).must_fail(2, "job.stake_too_low");
    let message = developer.post(&["--budget", "1"]).must_fail(1, "job.too_poor");
    assert!(message.contains("account 1 can spend 1 JCT"), "{message}");
    let bob = ["post", "p.janction", "x.npy", "--from", "bob", "--budget", "0.5"];
    developer.run(&bob).must_fail(1, "keystore.absent");
    developer.machine.write("x.npy", "nothing");
    developer.post(&["--budget", "0.5"]).must_fail(1, "input.unreadable");
    developer.machine.write("p.janction", "JANCTION");
    developer.post(&["--budget", "0.5"]).must_fail(1, "program.corrupt");
    {
        let state = developer.sequencer.state();
        assert!(state.blobs.is_empty() && state.transactions.is_empty());
    }
    let mut away = developer.machine.command(&["--json", "job", "status", "1"]);
    away.env("JANCTION_SEQUENCER_URL", "http://127.0.0.1:1");
    Finished(away.output().expect("runs")).must_fail(1, "client.unreachable");
    developer.run(&["status", "9"]).must_fail(1, "client.no_job");
    developer.run(&["logs", "9"]).must_fail(1, "client.no_job");
    developer.run(&["output", "9", "-o", "y.npy"]).must_fail(1, "client.no_job");
    assert_eq!(developer.run(&["list"]).json()["jobs"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_another_shape_or_type_is_refused_before_anything_is_sent() {
    let developer = Developer::new(1).await;
    for (tensor, code) in [
        (Tensor::new(3, 2, Cells::U8(vec![1; 6])), "input.wrong_type"),
        (Tensor::new(2, 3, Cells::I8(vec![1; 6])), "input.wrong_shape"),
        (Tensor::new(17, 2, Cells::I8(vec![1; 34])), "input.wrong_shape"),
    ] {
        let bytes = npy::encode(&tensor.expect("a tensor"));
        std::fs::write(developer.machine.home().join("x.npy"), bytes).expect("written");
        developer.post(&["--budget", "0.5"]).must_fail(1, code);
    }
    let state = developer.sequencer.state();
    assert!(state.blobs.is_empty() && state.transactions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused_by_name() {
    // A question fits, a signed transaction does not.
    let developer = Developer::with(1, Sequencer::start_with_limit(100).await);
    let transfer = ["--json", "account", "transfer", "alice", "0.1", "--to", "1"];
    let mut command = developer.machine.command(&transfer);
    command.env("JANCTION_PASSWORD", "secret").env("JANCTION_SEQUENCER_URL", &developer.sequencer.url);
    let run = Finished(command.output().expect("runs"));
    let message = run.must_fail(1, "refused.message-too-large");
    assert!(message.contains("the limit is: 100 bytes"), "{message}");
    let state = developer.sequencer.state();
    assert!(state.blobs.is_empty() && state.transactions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_is_written_only_if_it_is_the_ledgers() {
    let developer = Developer::new(1).await;
    let output = Tensor::new(3, 1, Cells::I8(vec![7, 8, 9])).expect("a tensor");
    let root = digest_of(&output, 4);
    let job = Job {
        status: JobStatus::Settled,
        owner: 1,
        input_rows: 3,
        winner: 2,
        submit_batch: 5,
        output_root: root,
        ..Job::default()
    };
    developer.sequencer.state().add(&job, Vec::new());
    let posted = Job { status: JobStatus::Posted, submit_batch: 0, output_root: Digest::ZERO, ..job };
    developer.sequencer.state().add(&posted, Vec::new());
    let fetch = |index: &str| developer.run(&["output", index, "-o", "y.npy"]);
    let store = |bytes: Vec<u8>| {
        let name = (v1::BlobClass::Output.into(), root.to_bytes().to_vec());
        developer.sequencer.state().blobs.insert(name, bytes);
    };
    fetch("1").must_fail(1, "client.no_blob");
    fetch("2").must_fail(1, "job.no_output");
    store(b"no tensor".to_vec());
    fetch("1").must_fail(1, "job.wrong_output");
    let wrong = Tensor::new(3, 1, Cells::I8(vec![7, 8, 8])).expect("a tensor");
    store(npy::encode(&wrong));
    fetch("1").must_fail(1, "job.wrong_output");
    assert!(!developer.machine.home().join("y.npy").exists(), "nothing was written");
    store(npy::encode(&output));
    let got = fetch("1").json();
    assert_eq!((&got["settled"], &got["rows"]), (&true.into(), &3.into()));
    let written = std::fs::read(developer.machine.home().join("y.npy")).expect("written");
    assert_eq!(npy::decode(&written), Ok(output));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_says_on_what_it_rests() {
    let developer = Developer::new(1).await;
    // Without a sequencer there is still an estimate, and it says so.
    let mut away = developer.machine.command(&["--json", "job", "estimate", "p.janction", "x.npy"]);
    away.env("JANCTION_SEQUENCER_URL", "http://127.0.0.1:1");
    let first = Finished(away.output().expect("runs")).json();
    assert!(first["sequencer"].as_str().is_some_and(|why| why.contains("does not answer")), "{first}");
    assert!(first["price"]["basis"].as_str().is_some_and(|b| b.contains("default policy")), "{first}");
    assert_eq!(first["soundness"]["every_row"], true);
    assert!(first["audit"]["pieces"].as_u64().is_some_and(|n| n > 0));
    assert!(first["minutes"].as_f64().is_some_and(|m| m > 2.0), "two windows of a minute each");
    let program = text::parse(TEXT).expect("a program").digest();
    let price = Amount::new(600).expect("an amount");
    let job = Job {
        status: JobStatus::Settled,
        program,
        input_rows: 6,
        winner: 2,
        second_price: price,
        ..Job::default()
    };
    developer.sequencer.state().add(&job, Vec::new());
    let second = developer.run(&["estimate", "p.janction", "x.npy", "--policy", "rows:176"]).json();
    // Three rows instead of six: half to all of it.
    assert_eq!((&second["price"]["low"], &second["price"]["high"]), (&300.into(), &600.into()));
    assert_eq!(second["soundness"]["sampling"][0]["false_rows"], 0.1);
}
