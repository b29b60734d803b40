//! The market: units register and stake; jobs are posted, bid for, run, audited and settled.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use janction_program::npy;
use janction_protocol::state::{Index, Job, JobStatus};
use janction_protocol::stream::Kind;
use serde_json::Value;

use super::DemoError;
use super::house::{self, PAYEE};
use super::kill::Kills;
use super::money::Last;
use super::people::{JCT, Person, Unit, jct};
use super::report::{JobReport, Report};
use super::scene::Scene;
use super::stage::Stages;
use crate::client::JobView;
use crate::failure::Outcome;

/// How long a job may take to be bid for, run and audited.
const JOB: Duration = Duration::from_secs(1_200);
/// Name of the process that proves audits.
pub const AUDIT_PROVER: &str = "audit-prover";
/// The held-out images and what they show, in the repository.
const IMAGES: &str = "examples/digits/held_out_images.npy";
const LABELS: &str = "examples/digits/held_out_labels.npy";
/// The rows that a cheat falsifies.
pub const FALSE_ROWS: [usize; 3] = [3, 17, 200];
/// What a unit keeps for fees, in units.
const FOR_FEES: u64 = JCT;

/// A job of the demonstration.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Name of the model in `examples/digits`.
    pub model: &'static str,
    /// How its tensors are committed to.
    pub scheme: &'static str,
    /// How much of it is audited.
    pub policy: &'static str,
    /// The most that the developer pays, in units.
    pub budget: u64,
    /// Seconds until it must be proven.
    pub proving_window: u32,
}

/// What the developer was told of a job, and how long that took: most of it to build the audit key, beside another one, as
/// every unit that bids does.
#[derive(Clone, Debug)]
pub struct Estimate {
    told: Value,
    building: Duration,
}

impl Estimate {
    /// Seconds in which a key is built `builds` times, and a little more; twice that when processes are killed meanwhile.
    pub fn window(&self, builds: f64, kill: bool) -> u32 {
        let seconds = self.building.as_secs_f64() * builds + 5.0;
        (seconds * if kill { 2.0 } else { 1.0 }).ceil() as u32
    }
}

/// A job on the ledger.
#[derive(Clone, Debug)]
pub struct Posted {
    /// What was planned.
    pub plan: Plan,
    /// Its index.
    pub index: Index,
    /// What the developer was told before.
    pub estimate: Value,
    /// Ledger time at which its reveals end.
    pub reveal_end: u64,
}

/// Registers a unit of `owner` with the hardware that is found here, and stakes for it. `price` is the least that it works
/// for, in units; `falsify` makes it a cheat.
///
/// # Errors
/// A command is refused.
pub async fn register(scene: &Scene, owner: &Person, stake: u64) -> Outcome<Unit> {
    let operator = format!("{}-rig", owner.name);
    scene.cli.run(&["account", "new", &operator, "--kind", "operator"]).await?;
    let made = scene.cli.run(&["worker", "register", owner.name, "--operator", &operator]).await?;
    let account = number(&made, "unit")?;
    let to = account.to_string();
    scene.cli.run(&["worker", "stake", owner.name, &jct(stake), "--unit", &to, "--fund"]).await?;
    // After the stake, which is funded only with what the unit lacks.
    scene.cli.run(&["account", "transfer", owner.name, &jct(FOR_FEES), "--to", &to]).await?;
    let found = &made["hardware"]["found"];
    let hardware =
        found["gpus"][0]["name"].as_str().or(found["cpu"].as_str()).unwrap_or("unknown hardware").to_owned();
    Ok(Unit { owner: owner.clone(), account, operator, hardware })
}

/// Starts a unit's process, with a configuration and a data folder of its own, as on another machine. `price` is the least
/// that it works for, in units; with `falsify` it changes rows of that operation.
///
/// # Errors
/// It does not start.
pub fn start_worker(scene: &mut Scene, unit: &Unit, price: u64, falsify: Option<&str>) -> Outcome {
    let name = unit.process();
    let mut config = scene.config.clone();
    config.data_dir = scene.folders.demo.join(&name);
    let worker = &mut config.worker;
    worker.units = vec![unit.account];
    worker.key = Some(unit.operator.clone());
    worker.policy.price_per_job = price;
    worker.policy.price_per_million = 0;
    worker.policy.min_bid_seconds = 2;
    worker.policy.min_reveal_seconds = 5;
    worker.policy.min_submit_seconds = 10;
    worker.policy.min_proving_seconds = 30;
    worker.falsify = falsify.map(|operation| janction_worker::Falsify {
        operation: operation.to_owned(),
        rows: FALSE_ROWS.to_vec(),
    });
    let keystore = Path::new("keystore").join(format!("{}.json", unit.operator));
    let (from, to) = (scene.config.data_dir.join(&keystore), config.data_dir.join(&keystore));
    copy(&from, &to).map_err(|source| DemoError::File { file: to, source })?;
    let file = house::write_config(&scene.folders, &name, &config)?;
    scene.add(house::start_role(&scene.folders, &file, &name, &["worker", "run"], &[])?);
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to).map(|_| ())
}

/// Starts the prover of audits.
///
/// # Errors
/// It does not start.
pub fn start_audit_prover(scene: &mut Scene) -> Outcome {
    let data = scene.folders.demo.join(AUDIT_PROVER).display().to_string();
    let variables =
        [("JANCTION_PROVER_PAYEE", PAYEE), ("JANCTION_PROVER_WORK", "audits"), ("JANCTION_DATA_DIR", &data)];
    scene.add(house::start_role(&scene.folders, &scene.file, AUDIT_PROVER, &["prover"], &variables)?);
    Ok(())
}

/// Compiles a model and has its job estimated.
///
/// # Errors
/// A command is refused.
pub async fn estimate(scene: &Scene, plan: Plan) -> Outcome<Estimate> {
    let program = compile(scene, plan).await?;
    let input = text(&scene.folders.root.join(IMAGES));
    let start = Instant::now();
    let told = scene.cli.run(&["job", "estimate", &program, &input, "--policy", plan.policy]).await?;
    Ok(Estimate { told, building: start.elapsed() })
}

/// Posts a job that was estimated, with `bid_window` seconds for sealed bids.
///
/// # Errors
/// A command is refused.
pub async fn post(
    scene: &Scene,
    developer: &Person,
    plan: Plan,
    estimate: &Estimate,
    bid_window: u32,
) -> Outcome<Posted> {
    let program = text(&binary(scene, plan));
    let input = text(&scene.folders.root.join(IMAGES));
    let (budget, bid, proving) = (jct(plan.budget), bid_window.to_string(), plan.proving_window.to_string());
    #[rustfmt::skip]
    let posted = scene.cli.run(&[
        "job", "post", &program, &input, "--from", developer.name, "--policy", plan.policy, "--budget", &budget,
        "--bid-window", &bid, "--reveal-window", "10", "--proving-window", &proving,
    ]).await?;
    let reveal_end = posted["reveal_end"].as_u64().unwrap_or_default();
    Ok(Posted { plan, index: number(&posted, "job")?, estimate: estimate.told.clone(), reveal_end })
}

/// The name of a model's first operation whose result is committed to.
///
/// # Errors
/// A command is refused.
pub async fn first_layer(scene: &Scene, plan: Plan) -> Outcome<String> {
    let program = compile(scene, plan).await?;
    let inspected = scene.cli.run(&["program", "inspect", &program]).await?;
    let operations = inspected["operations"].as_array();
    let first = operations.into_iter().flatten().find(|operation| operation["committed"] == true);
    let name = first.and_then(|operation| operation["name"].as_str()).map(ToOwned::to_owned);
    Ok(name.ok_or_else(|| DemoError::Unreadable { what: "a program", reason: inspected.to_string() })?)
}

/// Compiles a model; the job binary.
async fn compile(scene: &Scene, plan: Plan) -> Outcome<String> {
    let source = text(&scene.folders.root.join("examples/digits").join(format!("{}.onnx", plan.model)));
    let program = text(&binary(scene, plan));
    scene.cli.run(&["program", "compile", &source, "-o", &program, "--scheme", plan.scheme]).await?;
    Ok(program)
}

/// Follows jobs until each is settled or expired, and shows where they stand.
///
/// # Errors
/// A process ends, or it takes too long.
pub async fn follow(
    scene: &mut Scene,
    stages: &Stages,
    jobs: &[Posted],
    kills: &mut Kills,
    report: &mut Report,
) -> Outcome<Vec<JobView>> {
    scene
        .until("the jobs' way to their end", JOB, async |scene| {
            let mut views = Vec::new();
            for job in jobs {
                views.push(scene.client.job(job.index).await?);
            }
            stages.detail(&views.iter().map(in_a_word).collect::<Vec<_>>().join(" · "));
            kills.look(scene, &views, report).await?;
            let ended = views.iter().all(|view| !view.job.status.is_live());
            Ok(ended.then_some(views))
        })
        .await
}

/// The last step that touched a job.
pub fn end(view: &JobView) -> Last {
    let end = view.events.iter().rfind(|event| !event.transaction.is_empty()).cloned().unwrap_or_default();
    Last { id: end.transaction.to_vec(), batch: end.batch }
}

fn in_a_word(view: &JobView) -> String {
    let at = match view.job.status {
        JobStatus::Empty => "not there",
        JobStatus::Posted if view.job.winner == 0 => "bids",
        JobStatus::Posted => "won, being run",
        JobStatus::Submitted => "waits for its beacon",
        JobStatus::Proving if view.faults.is_empty() => "being audited",
        JobStatus::Proving => "no proof: waits for its deadline",
        JobStatus::Settled => "settled",
        JobStatus::Expired => "expired",
    };
    format!("job {}: {at}", view.index)
}

/// What is to be reported of an ended job; fetches its output and compares it with the reference and with the labels.
///
/// # Errors
/// A command is refused, or files cannot be read.
pub async fn describe(
    scene: &Scene,
    posted: &Posted,
    view: &JobView,
    units: &[Unit],
    report: &mut Report,
) -> Outcome<JobReport> {
    let job = &view.job;
    let settled = job.status == JobStatus::Settled;
    let winner = units.iter().find(|unit| unit.account == job.winner);
    let sealed = view.events.iter().filter(|event| event.kind == Kind::SealBid as u32).count();
    let estimate = &posted.estimate;
    let (bits, soundness) = soundness(&estimate["soundness"]);
    let mut described = JobReport {
        job: posted.index,
        program: posted.plan.model.to_owned(),
        scheme: posted.plan.scheme.to_owned(),
        policy: posted.plan.policy.to_owned(),
        rows: job.input_rows,
        outcome: if settled { "settled" } else { "expired" }.to_owned(),
        winner: winner.map_or_else(|| "nobody".to_owned(), |unit| unit.owner.name.to_owned()),
        unit: job.winner,
        hardware: winner.map(|unit| unit.hardware.clone()).unwrap_or_default(),
        bids: sealed,
        budget: job.budget.units(),
        price: if settled { job.second_price.units() } else { 0 },
        audited_rows: estimate["audit"]["row_checks"].as_u64().unwrap_or_default(),
        soundness_bits: bits,
        soundness,
        fault: view.faults.last().map(|fault| fault.reason.clone()),
        ..JobReport::default()
    };
    if settled {
        described.accuracy = Some(output(scene, posted, job, report).await?);
    }
    Ok(described)
}

/// Bits of soundness, and what they are of.
fn soundness(told: &Value) -> (f64, String) {
    let system = &told["proof_system_bits"];
    let (conjectured, proven) = (&system["conjectured"], &system["johnson"]);
    match told["sampling"].as_array().and_then(|fractions| fractions.first()) {
        None => (
            conjectured.as_f64().unwrap_or_default(),
            format!("every row: {conjectured} bits conjectured, {proven} proven"),
        ),
        Some(sampled) => {
            let bits = sampled["bits"].as_f64().unwrap_or_default();
            let (detection, fraction) =
                (sampled["detection"].as_f64().unwrap_or_default(), &sampled["false_rows"]);
            (
                bits,
                format!(
                    "false rows of a share of {fraction} are found with probability {detection:.4} ({bits:.1} bits)"
                ),
            )
        }
    }
}

/// Fetches a settled job's output; the share of images that it reads rightly.
async fn output(scene: &Scene, posted: &Posted, job: &Job, report: &mut Report) -> Outcome<f64> {
    let index = posted.index.to_string();
    let file = scene.folders.demo.join(format!("output-{index}.npy"));
    scene.cli.run(&["job", "output", &index, "-o", &text(&file)]).await?;
    let program = text(&binary(scene, posted.plan));
    let input = text(&scene.folders.root.join(IMAGES));
    let mine = scene.folders.demo.join(format!("reference-{index}.npy"));
    #[rustfmt::skip]
    let run = scene.cli.run(&["program", "run", &program, &input, "-o", &text(&mine), "--device", "cpu", "--check"]).await?;
    let found = run["output_root"].as_str().unwrap_or_default().to_owned();
    report.checks.equal(
        format!("output root of job {index} is the reference's"),
        job.output_root.to_string(),
        found,
    );
    let delivered = read(&file)?;
    report.checks.equal(
        format!("output of job {index} equals the reference, every byte"),
        true,
        delivered == read(&mine)?,
    );
    let digits = tensor(&delivered)?.arg_max();
    let labels = tensor(&read(&scene.folders.root.join(LABELS))?)?;
    let right = digits.iter().enumerate().filter(|&(row, &digit)| labels.get(row, 0) == digit as i32).count();
    Ok(right as f64 / digits.len().max(1) as f64)
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(file).map_err(|source| DemoError::File { file: file.to_owned(), source }.into())
}

fn tensor(bytes: &[u8]) -> Result<janction_program::Tensor, DemoError> {
    npy::decode(bytes).map_err(|e| DemoError::Unreadable { what: "an array", reason: e.to_string() })
}

fn binary(scene: &Scene, plan: Plan) -> PathBuf {
    scene.folders.demo.join(format!("{}.janction", plan.model))
}

fn text(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// An index in a command's answer.
fn number(answer: &Value, key: &'static str) -> Result<Index, DemoError> {
    let index = answer[key].as_u64().and_then(|index| Index::try_from(index).ok());
    index.ok_or_else(|| DemoError::Unreadable {
        what: "a command's answer",
        reason: format!("no {key}: {answer}"),
    })
}
