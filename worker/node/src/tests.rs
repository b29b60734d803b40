//! Whole lives of units against a sequencer in memory, which applies the ledger's real rules.
//!
//! The sequencer's clock moves when a unit looks at it, so that windows are as long as the units are slow.

mod crash;
mod decline;
mod life;
mod loss;
mod sequencer;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use janction_executor::cpu::Cpu;
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::test_utils::Random;
use janction_program::{DType, PerColumn, Program, Requantise, Tensor};
use janction_protocol::crypto::SecretKey;
use janction_protocol::state::Index;
use janction_trace::Policy;
use tokio::task::JoinHandle;

use crate::failpoint::Failpoint;
use crate::record::{JobRecord, Outcome, Records};
use crate::run::serve;
use crate::{AuditKeys, BidPolicy, Machine, WorkerConfig, WorkerError};
use sequencer::Sequencer;

/// Longer than any life takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Rows of the job.
const ROWS: usize = 6;

/// Two products with a view before them.
fn program() -> Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    let make = || {
        let mut random = Random::new(7);
        let requantise = || PerColumn::All(Requantise::new(1 << 30, 35));
        let mut b = Builder::new("two_products", 3);
        let x = b.input("x", DType::I8, &[2, 3]);
        let x = b.reshape("flat", x, &[6]);
        let w = b.constant("w0", random.tensor(DType::I8, 6, 5));
        let y = b.matmul("hidden", x, w, DType::I8, MatMulOptions::new(requantise()));
        let w = b.constant("w1", random.tensor(DType::I8, 5, 4));
        b.matmul("logits", y, w, DType::I8, MatMulOptions::new(requantise()));
        b.build().unwrap()
    };
    PROGRAM.get_or_init(make).clone()
}

fn input() -> Tensor {
    Random::new(8).tensor(DType::I8, ROWS, 6)
}

/// One for all tests: keys take a while.
fn audit_keys() -> Arc<AuditKeys> {
    static KEYS: OnceLock<Arc<AuditKeys>> = OnceLock::new();
    let make = || {
        let keys = Arc::new(AuditKeys::default());
        for policy in [Policy::Full, Policy::Rows(4)] {
            keys.digest(&program(), policy).unwrap();
        }
        keys
    };
    Arc::clone(KEYS.get_or_init(make))
}

fn machine() -> Machine {
    Machine { executor: Arc::new(Cpu::new()), audit_keys: audit_keys() }
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_entropy(&[seed; 64]).unwrap()
}

/// A worker that accepts the sequencer's default job.
fn config(sequencer: &Sequencer, units: &[Index], data: &Path) -> WorkerConfig {
    WorkerConfig {
        sequencer: sequencer.uri().to_owned(),
        rollup: Some(sequencer::deployment().rollup()),
        units: units.to_vec(),
        data: data.to_owned(),
        poll_ms: 2,
        policy: BidPolicy {
            price_per_job: 1_000,
            price_per_million: 0,
            min_submit_seconds: 20,
            min_proving_seconds: 20,
            ..BidPolicy::default()
        },
        ..WorkerConfig::default()
    }
}

/// A worker that runs until it is dropped (as if it were killed) or dies at `failpoint`.
struct Running(JoinHandle<Result<(), WorkerError>>);

impl Running {
    fn start(config: WorkerConfig, key: &SecretKey, failpoint: Failpoint) -> Self {
        Self(tokio::spawn(serve(config, machine(), key.clone(), failpoint)))
    }

    /// Ends it and waits until nothing of it runs any more.
    async fn kill(self) {
        self.0.abort();
        until("the worker's end", || self.0.is_finished().then_some(())).await;
    }

    /// How it ended by itself.
    async fn end(&mut self) -> WorkerError {
        let ended = tokio::time::timeout(PATIENCE, &mut self.0).await.expect("the worker ends");
        ended.expect("no panic").expect_err("a worker only ends with an error")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The outcome that a unit filed for a job.
fn outcome(data: &Path, unit: Index, job: Index) -> Option<Outcome> {
    ended(data, unit, job)?.outcome
}

fn ended(data: &Path, unit: Index, job: Index) -> Option<JobRecord> {
    let records = Records::open(data, unit, Failpoint::default()).unwrap();
    records.ended(job, &sequencer::deployment()).unwrap()
}

/// Waits until `ready`.
async fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits for the outcome of a job.
async fn until_ended(data: &Path, unit: Index, job: Index) -> Outcome {
    until(&format!("the end of job {job} for unit {unit}"), || outcome(data, unit, job)).await
}
