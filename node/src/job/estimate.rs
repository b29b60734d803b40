//! `job estimate`: price, time, L1 gas, audit and soundness, and on what each figure rests.

use std::path::Path;
use std::time::Instant;

use janction_executor::Choice;
use janction_program::commitment::Scheme;
use janction_program::{Program, Tensor};
use janction_protocol::Amount;
use janction_protocol::Digest;
use janction_protocol::state::JobStatus;
use janction_protocol::stream::{BLOCK_BYTES, Kind};
use janction_trace::Policy;
use janction_worker::{BidPolicy, multiply_adds};
use serde_json::{Value, json};

use super::proving::ProvingTime;
use super::soundness;
use super::terms::Windows;
use crate::client::{Client, JobView};
use crate::config::Config;
use crate::failure::Outcome;
use crate::output::{Output, columns};
use crate::program::error::ProgramProblem;
use crate::program::load;
use crate::progress::Progress;

/// Rows that are run to see how long a row takes.
const SAMPLE: usize = 64;

/// Gas, from docs/benchmarks.md: a commit of a small batch; a proof of a range.
const GAS_PER_COMMIT: u64 = 98_524;
const GAS_PER_PROOF: u64 = 455_530;
/// The floor that EIP-7623 puts under a byte of calldata that is not zero; a commit's own work on a byte is less.
const GAS_PER_BYTE: u64 = 40;
/// Bids that are reckoned with: two make a second price.
const BIDS: u64 = 2;

/// What a job of this program would be paid.
#[derive(Debug, PartialEq)]
struct Price {
    low: u64,
    high: u64,
    /// On what it rests.
    basis: String,
    /// Seconds from post to settlement of the jobs that it rests on.
    took: Option<(u64, u64)>,
}

/// Estimates a job; nothing is sent.
///
/// # Errors
/// Bad input, or a program that cannot be audited. A sequencer that does not answer is no error.
pub async fn estimate(
    config: &Config,
    output: Output,
    (program, input): (&Path, &Path),
    policy: Policy,
    windows: &Windows,
) -> Outcome {
    let program = load::program(program)?;
    let input = load::input(input, &program)?;
    let rows = input.rows() as u32;
    let bar = Progress::spinner(output, "asking the sequencer for settled jobs");
    let (settled, silent) = match settled(config).await {
        Ok(jobs) => (jobs, None),
        Err(error) => (Vec::new(), Some(error.message())),
    };
    let price = price(&program, rows, &settled);
    bar.say("running a sample".into());
    let running = run_sample(&program, &input)?;
    bar.say(format!("making the audit key of {policy}"));
    let audit = load::audit(config, &program, policy)?;
    drop(bar);
    let estimate = Estimate {
        program: program.digest(),
        rows,
        policy,
        scheme: program.scheme(),
        price,
        silent,
        auction: windows.auction(),
        running,
        proving: ProvingTime::TWO_CORES.of_job(&audit, policy, rows) + ProvingTime::TWO_CORES.end,
        gas: gas(policy),
        pieces: audit.pieces.count(policy, rows),
        row_checks: audit.pieces.row_checks(policy, rows),
        audit_key: audit.key,
    };
    output.print(&estimate.describe(), |_| estimate.text());
    Ok(())
}

async fn settled(config: &Config) -> Outcome<Vec<JobView>> {
    let mut client = Client::connect(&config.sequencer.url).await?;
    let mut jobs = client.jobs(0, false).await?;
    jobs.retain(|view| view.job.status == JobStatus::Settled);
    Ok(jobs)
}

/// From settled jobs of the same program if there are any, else from the default policy of workers.
///
/// A price is a fixed part and one for each row, so a job of n rows is worth between min(1, n/m) and max(1, n/m) times
/// one of m.
fn price(program: &Program, rows: u32, settled: &[JobView]) -> Price {
    let digest = program.digest();
    let same: Vec<&JobView> = settled.iter().filter(|view| view.job.program == digest).collect();
    if same.is_empty() {
        let units = BidPolicy::default().price(multiply_adds(program, rows)).units();
        let basis = "the default policy of workers; no job of this program has settled".to_owned();
        return Price { low: units, high: units, basis, took: None };
    }
    let scaled = same.iter().map(|view| {
        let paid = view.job.second_price.units() as f64;
        let ratio = f64::from(rows) / f64::from(view.job.input_rows.max(1));
        ((paid * ratio.min(1.0)).floor() as u64, (paid * ratio.max(1.0)).ceil() as u64)
    });
    let (low, high) = scaled.fold((u64::MAX, 0), |(low, high), (a, b)| (low.min(a), high.max(b)));
    let lengths = same.iter().filter_map(|view| {
        let first = view.events.iter().find(|e| e.kind == u32::from(Kind::PostJob.tag()))?;
        let last = view.events.iter().find(|e| e.kind == u32::from(Kind::Settle.tag()))?;
        last.time.checked_sub(first.time)
    });
    let took = lengths.fold(None, |range: Option<(u64, u64)>, s| {
        Some(range.map_or((s, s), |(low, high)| (low.min(s), high.max(s))))
    });
    let basis = format!("{} settled jobs of this program, scaled by rows", same.len());
    Price { low, high, basis, took }
}

/// Seconds that the whole input would take on this machine's CPU, from a sample of its rows.
fn run_sample(program: &Program, input: &Tensor) -> Result<f64, ProgramProblem> {
    let rows = input.rows().min(SAMPLE);
    let cells = input.cells().slice(0..rows * input.columns());
    let failed = |e: janction_executor::ExecutorError| ProgramProblem::Device(e);
    let sample = Tensor::new(rows, input.columns(), cells)
        .map_err(|e| failed(janction_trace::TraceError::from(e).into()))?;
    let opened = janction_executor::open(Choice::Cpu, None).map_err(failed)?;
    let start = Instant::now();
    opened.executor.run(program, sample).map_err(failed)?;
    Ok(start.elapsed().as_secs_f64() * input.rows() as f64 / rows as f64)
}

/// Gas of the job's own bytes, and of everything if it is alone in its batches and their range.
fn gas(policy: Policy) -> (u64, u64) {
    let mut kinds = vec![Kind::PostJob, Kind::Submit, Kind::Settle];
    kinds.extend((0..BIDS).flat_map(|_| [Kind::SealBid, Kind::RevealBid]));
    if policy != Policy::Full {
        kinds.push(Kind::RecordBeacon);
    }
    let blocks: usize = kinds.iter().map(|kind| kind.blocks()).sum();
    let own = (blocks * BLOCK_BYTES) as u64 * GAS_PER_BYTE;
    // Post, seals, reveals, Submit and Settle each wait for a time, so each has a batch.
    (own, own + 5 * GAS_PER_COMMIT + GAS_PER_PROOF)
}

struct Estimate {
    program: Digest,
    rows: u32,
    policy: Policy,
    scheme: Scheme,
    price: Price,
    /// Why the sequencer was not asked.
    silent: Option<String>,
    auction: u64,
    running: f64,
    proving: f64,
    gas: (u64, u64),
    pieces: usize,
    row_checks: u64,
    audit_key: Digest,
}

impl Estimate {
    fn describe(&self) -> Value {
        json!({
            "program": self.program.to_string(),
            "rows": self.rows,
            "price": { "low": self.price.low, "high": self.price.high, "basis": self.price.basis },
            "sequencer": self.silent,
            "seconds": {
                "auction": self.auction,
                "running": self.running,
                "proving": self.proving,
                "settled_jobs_took": self.price.took.map(|(low, high)| [low, high]),
            },
            "minutes": self.minutes(),
            "l1_gas": { "own": self.gas.0, "alone": self.gas.1 },
            "audit": { "pieces": self.pieces, "row_checks": self.row_checks, "key": self.audit_key.to_string() },
            "soundness": soundness::describe(self.policy, self.scheme),
        })
    }

    fn minutes(&self) -> f64 {
        (self.auction as f64 + self.running + self.proving) / 60.0
    }

    fn text(&self) -> String {
        let jct =
            |units| Amount::new(units).map_or_else(|_| format!("{units} units"), |a| format!("{a} JCT"));
        let price = match &self.price {
            Price { low, high, .. } if low == high => jct(*low),
            Price { low, high, .. } => format!("{} to {}", jct(*low), jct(*high)),
        };
        let mut rows = vec![
            ("program", format!("{}, {} rows", self.program, self.rows)),
            ("price", price),
            ("", format!("from {}", self.price.basis)),
        ];
        if let Some(reason) = &self.silent {
            rows.push(("", reason.clone()));
        }
        rows.push(("minutes", format!("{:.1} from post to payout:", self.minutes())));
        rows.push(("", format!("{} s auction (its windows)", self.auction)));
        rows.push(("", format!("{:.1} s running (a sample on this CPU)", self.running)));
        rows.push(("", format!("{:.0} s proving (two cores, docs/benchmarks.md)", self.proving)));
        if let Some((low, high)) = self.price.took {
            rows.push(("", format!("settled jobs of this program took {low} to {high} s")));
        }
        let (own, alone) = self.gas;
        rows.push(("L1 gas", format!("{own} for the job's own bytes, {alone} if it is alone on the ledger")));
        if self.policy != Policy::Full {
            rows.push(("", "and the transaction that records the beacon".to_owned()));
        }
        let checks = format!("{}: {} pieces, {} row checks", self.policy, self.pieces, self.row_checks);
        rows.push(("audit", checks));
        rows.push(("audit key", self.audit_key.to_string()));
        rows.extend(soundness::lines(self.policy, self.scheme));
        columns(&rows)
    }
}

#[cfg(test)]
mod tests {
    use janction_program::text;
    use janction_protocol::state::Job;
    use janction_rpc::v1;

    use super::*;

    const TEXT: &str = "program p\nscheme 1\ndepth 4\ninput x: i8[2]\nconst w: i8[2, 1] = [\n  [3],\n  [-5],\n]\ny: \
                        i8[1] = matmul(x, w) {\n  requantise 1073741824 >> 31\n}\noutput y\n";

    fn settled(program: Digest, rows: u32, paid: u64) -> JobView {
        let event = |kind: Kind, time| v1::JobEvent {
            batch: 1,
            time,
            kind: kind.tag().into(),
            account: 0,
            transaction: Default::default(),
        };
        let second_price = Amount::new(paid).expect("an amount");
        let job =
            Job { status: JobStatus::Settled, program, input_rows: rows, second_price, ..Job::default() };
        JobView {
            index: 1,
            job,
            events: vec![event(Kind::PostJob, 100), event(Kind::Settle, 160)],
            blobs: Vec::new(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn prices_come_from_the_same_program_or_from_the_default_policy() {
        let program = text::parse(TEXT).expect("a program");
        let digest = program.digest();
        let other = settled(Digest::ZERO, 4, 1);
        let default = price(&program, 8, std::slice::from_ref(&other));
        assert!(default.basis.contains("default policy"), "{default:?}");
        let policy = BidPolicy::default();
        // 2 multiply-adds a row, 8 rows, rounded up.
        let expected = policy.price_per_job + (16 * policy.price_per_million).div_ceil(1_000_000);
        assert_eq!((default.low, default.high), (expected, expected));
        let jobs = [other, settled(digest, 4, 100), settled(digest, 16, 300)];
        let found = price(&program, 8, &jobs);
        // 100 for 4 rows: 100 to 200 for 8; 300 for 16: 150 to 300.
        assert_eq!((found.low, found.high, found.took), (100, 300, Some((60, 60))));
        assert!(found.basis.contains("2 settled jobs"), "{found:?}");
    }

    #[test]
    fn a_sampled_policy_costs_a_beacon_more() {
        let (full, sampled) = (gas(Policy::Full), gas(Policy::Rows(176)));
        let beacon = (Kind::RecordBeacon.blocks() * BLOCK_BYTES) as u64 * GAS_PER_BYTE;
        assert_eq!(sampled.0 - full.0, beacon);
        assert!(full.1 > full.0 + GAS_PER_PROOF);
    }
}
