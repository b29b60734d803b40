//! Reasons not to bid that only a job's files show, among them the lies of a sequencer.

use std::sync::Arc;

use janction_accel_cuda::Device;
use janction_executor::cpu::Cpu;
use janction_executor::cuda::Cuda;
use janction_executor::{Executor, ExecutorError};
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::test_utils::Random;
use janction_program::{DType, PerColumn, Program, Requantise, container, npy};
use janction_protocol::Digest;
use janction_protocol::state::Index;
use janction_protocol::stream::Kind;
use janction_protocol::transaction::PostJob;
use janction_protocol::transition::Role;
use janction_rpc::v1::BlobClass;
use janction_trace::Policy;
use tokio::sync::watch;

use super::sequencer::{BUDGET, Manner, OPERATOR_A, Sequencer, UNIT_A, amount, deployment, job};
use super::{audit_keys, config, input, program, secret};
use crate::board::{Board, Claims};
use crate::client::Client;
use crate::execute::Runner;
use crate::failpoint::Failpoint;
use crate::files::Files;
use crate::record::Records;
use crate::unit::{Shared, Unit};
use crate::{BidPolicy, WorkerConfig};

/// The code with which a unit leaves the one job, looked at once.
async fn declined(
    sequencer: &Sequencer,
    index: Index,
    change: impl FnOnce(&mut WorkerConfig),
) -> &'static str {
    declined_with(sequencer, index, change, |_| {}, Arc::new(Cpu::new())).await
}

async fn declined_with(
    sequencer: &Sequencer,
    index: Index,
    change: impl FnOnce(&mut WorkerConfig),
    claim: impl FnOnce(&Claims),
    executor: Arc<dyn Executor>,
) -> &'static str {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(sequencer, &[UNIT_A], data.path());
    change(&mut config);
    let mut client = Client::new(sequencer.uri()).unwrap();
    let view = client.job(index).await.unwrap();
    let (_sender, board) = watch::channel(Board::from([(index, view)]));
    let claims = Claims::new(config.max_concurrent);
    claim(&claims);
    let shared = Arc::new(Shared {
        deployment: deployment(),
        files: Files::open(&config.data).unwrap(),
        claims,
        audit_keys: audit_keys(),
        key: secret(OPERATOR_A),
        failpoint: Failpoint::default(),
        config,
    });
    let records = Records::open(data.path(), UNIT_A, Failpoint::default()).unwrap();
    let runner = Runner { executor, falsify: None };
    let mut unit = Unit::new(UNIT_A, Role::Operator, records, client, board, shared, runner).unwrap();
    unit.tick().await.unwrap();
    assert_eq!(sequencer.included(Kind::SealBid), 0);
    unit.declined_code(index).unwrap_or("none: it bid")
}

async fn posted(change: impl FnOnce(&mut PostJob)) -> (Sequencer, Index) {
    let sequencer = Sequencer::start(Manner::default()).await;
    let mut job = job(Policy::Full);
    change(&mut job);
    let index = sequencer.post(job);
    (sequencer, index)
}

/// Another program of the same form.
fn other_program() -> Program {
    product(6, 5)
}

fn product(inner: usize, outer: usize) -> Program {
    let requantise = PerColumn::All(Requantise::new(1 << 30, 50));
    let mut b = Builder::new("another", 3);
    let x = b.input("x", DType::I8, &[inner as u32]);
    let w = b.constant("w", Random::new(9).tensor(DType::I8, inner, outer));
    b.matmul("y", x, w, DType::I8, MatMulOptions::new(requantise));
    b.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_there_or_too_large() {
    let (sequencer, index) = posted(|_| {}).await;
    let size = container::encode(&program()).len() as u64;
    let code = declined(&sequencer, index, |config| config.policy.max_program_bytes = size - 1).await;
    assert_eq!(code, "too-large");
    let size = npy::encode(&input()).len() as u64;
    let code = declined(&sequencer, index, |config| config.policy.max_input_bytes = size - 1).await;
    assert_eq!(code, "too-large");
    sequencer.state().forget(BlobClass::Input, job(Policy::Full).input_root);
    assert_eq!(declined(&sequencer, index, |_| {}).await, "unavailable");
    sequencer.state().forget(BlobClass::Program, program().digest());
    assert_eq!(declined(&sequencer, index, |_| {}).await, "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_the_jobs() {
    let mut flipped = container::encode(&program());
    *flipped.last_mut().unwrap() ^= 1;
    let other_input = npy::encode(&Random::new(10).tensor(DType::I8, super::ROWS, 6));
    let fewer_rows = npy::encode(&Random::new(8).tensor(DType::I8, super::ROWS - 1, 6));
    let wider = npy::encode(&Random::new(8).tensor(DType::I8, super::ROWS, 7));
    let cases = [
        (BlobClass::Program, container::encode(&other_program()), "program"),
        (BlobClass::Program, flipped, "program"),
        (BlobClass::Program, b"nonsense".to_vec(), "program"),
        (BlobClass::Input, other_input, "input"),
        (BlobClass::Input, fewer_rows, "input"),
        (BlobClass::Input, wider, "input"),
        (BlobClass::Input, b"nonsense".to_vec(), "input"),
    ];
    let (sequencer, index) = posted(|_| {}).await;
    for (class, lie, code) in cases {
        sequencer.state().manner.lies = [(class.into(), lie)].into();
        assert_eq!(declined(&sequencer, index, |_| {}).await, code);
    }
    // The policy is in the audit key.
    let (sequencer, index) = posted(|job| job.policy = 4).await;
    assert_eq!(declined(&sequencer, index, |_| {}).await, "audit-key");
    let (sequencer, index) = posted(|job| job.audit_key = Digest::ZERO).await;
    assert_eq!(declined(&sequencer, index, |_| {}).await, "audit-key");
    // The tree has room for eight rows.
    let (sequencer, index) = posted(|job| job.input_rows = 9).await;
    assert_eq!(declined(&sequencer, index, |_| {}).await, "program");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_too_much_or_cannot_be_audited() {
    let (sequencer, index) = posted(|_| {}).await;
    let work = super::ROWS as u64 * (6 * 5 + 5 * 4);
    let code = declined(&sequencer, index, |config| config.policy.max_multiply_adds = work - 1).await;
    assert_eq!(code, "work");
    // More columns than a circuit has rows for.
    let large = product(1, 1 << 20);
    let rows = Random::new(8).tensor(DType::I8, 1, 1);
    let root = large.root_of(&rows).unwrap();
    let (sequencer, index) = posted(|job| {
        (job.program, job.input_root, job.input_rows) = (large.digest(), root, 1);
    })
    .await;
    sequencer.state().store(BlobClass::Program, large.digest(), container::encode(&large));
    sequencer.state().store(BlobClass::Input, root, npy::encode(&rows));
    assert_eq!(declined(&sequencer, index, |_| {}).await, "unauditable");
}

/// The job's rows count, and one byte too few is too few. What is bid on can be run.
#[tokio::test(flavor = "multi_thread")]
async fn memory_that_the_unit_does_not_have() {
    let (sequencer, index) = posted(|_| {}).await;
    let gpu = Cuda::on(Device::host().unwrap()).unwrap();
    let needed = match gpu.with_budget(1).unwrap().fits(&program(), super::ROWS) {
        Err(ExecutorError::TooLittleMemory { needed, .. }) => needed,
        other => panic!("{other:?}"),
    };
    for (bytes, code) in [(needed - 1, "vram"), (needed, "none: it bid")] {
        let (sequencer, index) = posted(|_| {}).await;
        let share = Arc::new(gpu.with_budget(bytes).unwrap());
        assert_eq!(share.run(&program(), input()).is_ok(), code != "vram");
        let (none, nothing) = (|_: &mut WorkerConfig| {}, |_: &Claims| {});
        assert_eq!(declined_with(&sequencer, index, none, nothing, share).await, code);
    }
    // Nothing of the kind on a CPU.
    assert_eq!(declined(&sequencer, index, |_| {}).await, "none: it bid");
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_and_other_units() {
    let (sequencer, index) = posted(|_| {}).await;
    let code = declined(&sequencer, index, |config| config.policy.price_per_job = BUDGET + 1).await;
    assert_eq!(code, "price");
    let cpu = || Arc::new(Cpu::new());
    let code = declined_with(&sequencer, index, |_| {}, |claims| claims.note(77, index), cpu()).await;
    assert_eq!(code, "taken");
    let code = declined_with(&sequencer, index, |_| {}, |claims| claims.note(77, index + 1), cpu()).await;
    assert_eq!(code, "busy");
    // The terms are asked for, too; each has its own test.
    let code = declined(&sequencer, index, |config| config.policy.min_bid_seconds = 1_000).await;
    assert_eq!(code, "bid-window");
    // And without a reason not to, it bids, up to the last unit of the budget.
    let exactly = |config: &mut WorkerConfig| {
        config.policy = BidPolicy { price_per_job: BUDGET, ..config.policy.clone() };
    };
    assert_eq!(declined(&sequencer, index, exactly).await, "none: it bid");
    assert_eq!(amount(BUDGET), sequencer.job(index).budget);
}
