//! `janction bench`: how fast this machine proves and executes, and what drawing rows finds.

mod detection;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use janction_prover::EngineError;
use janction_prover_bench::circuits::Name;
use janction_prover_bench::measurement::TOTAL;
use janction_prover_bench::plan::Event;
use janction_prover_bench::{BenchError, Measurement, Phase, Plan, Stage, plot};
use serde_json::{Value, json};

use crate::failure::{Advice, Exit, Outcome};
use crate::file;
use crate::output::{Output, table};
use crate::progress::Progress;

/// The subcommands of `bench`.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Measure the proving engine beside stock Plonky2, in turns, in one run
    #[command(after_help = "Examples:
  janction bench prover                                under five minutes
  janction bench prover --quick --json                 under a minute, for scripts
  janction bench prover --circuits ledger,synthetic-16 --rounds 5
  janction bench prover --full --plot rows.svg         up to what memory holds
  make bench-prover                                    with stock in a process of its own, compiled for this processor

Witness generation counts on both sides. The first proof of a circuit is its cold one, the others are warm; times are
medians, ratios are of medians. RAYON_NUM_THREADS sets the threads. Stock has the vectors that it was compiled for (the
last lines say which); without --stock those are this program's, which may be fewer than the processor has.")]
    Prover(Box<Options>),
    /// Cheat on drawn rows, many times, beside what is promised, with the stake that makes honesty pay
    #[command(after_help = "Examples:
  janction bench detection                             1,000 rows, 44 draws, one beacon
  janction bench detection --draws 176 --rows 4096 --beacons 16 --trials 20000
  janction bench detection --price 5 --cost 4 --gain 1000 --json

Each trial makes other rows of one operation false and lets a beacon draw, as an audit under rows:S does; with several beacons
the cheat settles on the best. The bound is T (1 - f)^S. The stake is [(1 - D) G + f C] / D - R, in the unit of price, cost and
gain; D is taken with the 2^20 beacons that soundness grants (docs/jobs.md).")]
    Detection(Box<detection::Options>),
    /// Measure what it costs to make an execution verifiable: (execution + commitment) / execution
    #[command(after_help = "Examples:
  janction bench worker                                products of 1024, 2048 and 4096, on the CPU
  janction bench worker --sizes 8192,16384 --device cuda:0 --plot ratio.svg
  janction bench worker --models examples/mnist/cnn.onnx --rows 4096 --json
  make bench-worker                                    every example as well

Each is run by commitment scheme 1 (rows) and 2 (sketches of blocks of rows, of the size that `janction program inspect`
recommends), plain and verifiable in turns; weights are prepared before. RAYON_NUM_THREADS sets the threads.")]
    Worker(Box<worker::Options>),
}

/// What is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Under a minute: 2^12 and 2^13 rows
    #[arg(long, conflicts_with_all = ["full", "circuits"])]
    quick: bool,
    /// However long it takes: up to the rows that memory holds
    #[arg(long, conflicts_with = "circuits")]
    full: bool,
    /// These circuits only: synthetic-N (2^N rows), ledger, audit, recursion
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    circuits: Vec<Name>,
    /// Warm proofs of each circuit, on each side
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: Option<u16>,
    /// The program janction-stock, compiled with RUSTFLAGS=-Ctarget-cpu=native
    #[arg(long, value_name = "PROGRAM")]
    stock: Option<PathBuf>,
    /// The GPUs to measure, as one backend [default: the first, if there is one]
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    gpu: Vec<usize>,
    /// Draw time against rows into this file (SVG)
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl Options {
    fn plan(&self) -> Plan {
        let mut plan = match () {
            () if self.quick => Plan::quick(),
            () if self.full => Plan::full(),
            () => Plan::standard(),
        };
        if !self.circuits.is_empty() {
            plan.circuits.clone_from(&self.circuits);
            plan.seconds = None;
        }
        if let Some(rounds) = self.rounds {
            plan.rounds = rounds.into();
        }
        plan.stock.clone_from(&self.stock);
        plan.gpus.clone_from(&self.gpu);
        plan
    }
}

/// Measures and prints.
///
/// # Errors
/// [`BenchError`], or a plot that cannot be written.
pub fn run(bench: &Bench, output: Output) -> Outcome {
    match bench {
        Bench::Prover(options) => prover(options, output),
        Bench::Detection(options) => detection::run(options, output),
        Bench::Worker(options) => worker::run(options, output),
    }
}

fn prover(options: &Options, output: Output) -> Outcome {
    let bar = Progress::spinner(output, "starting");
    let mut skipped = Vec::new();
    let measurements = janction_prover_bench::run(&options.plan(), &mut |event| match event {
        Event::Building(name) => bar.say(format!("{name}: building the circuit")),
        Event::Proving { name, backend, round: 0, .. } => bar.say(format!("{name}: {backend}, cold")),
        Event::Proving { name, backend, round, of } => {
            bar.say(format!("{name}: {backend}, {round} of {}", of - 1));
        }
        Event::Skipped { name, reason } => skipped.push((name, reason)),
    })?;
    drop(bar);
    if let Some(path) = &options.plot {
        file::write(path, plot::svg(&measurements)?.as_bytes())?;
    }
    let left_out: Vec<Value> = skipped
        .iter()
        .map(|(name, reason)| json!({ "circuit": name.to_string(), "reason": reason }))
        .collect();
    let value = json!({
        "measurements": measurements,
        "skipped": left_out,
    });
    output.print(&value, |_| {
        let mut text = in_words(&measurements);
        for (name, reason) in &skipped {
            text += &format!("\n{name} was left out: {reason}");
        }
        text
    });
    Ok(())
}

/// A line for each circuit, phase and backend.
fn in_words(measurements: &[Measurement]) -> String {
    let mut lines: BTreeMap<_, BTreeMap<&str, &Measurement>> = BTreeMap::new();
    let mut order = Vec::new();
    for m in measurements {
        let key = (m.circuit.as_str(), m.log2_rows, m.phase == Phase::Warm, m.backend.as_str());
        if !lines.contains_key(&key) {
            order.push(key);
        }
        lines.entry(key).or_default().insert(&m.stage, m);
    }
    let stages = Stage::ALL.map(Stage::name);
    let headings: Vec<&str> = ["circuit", "rows", "backend", "proof", "seconds", "speedup", "memory"]
        .into_iter()
        .chain(stages)
        .collect();
    let rows = order.into_iter().filter_map(|key| {
        let line = &lines[&key];
        let total = line.get(TOTAL)?;
        let mut cells = vec![
            total.circuit.clone(),
            format!("2^{}", total.log2_rows),
            total.backend.clone(),
            if total.phase == Phase::Cold { "cold".to_owned() } else { format!("warm, {}", total.rounds) },
            format!("{:.3}", total.seconds),
            total.speedup.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x")),
            total.peak_bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MB", bytes >> 20)),
        ];
        cells
            .extend(stages.map(|stage| {
                line.get(stage).map_or_else(|| "-".to_owned(), |m| format!("{:.3}", m.seconds))
            }));
        Some(cells)
    });
    let mut text = table(&headings, rows);
    // Stock is named too: with lesser vectors than the engine it is no fair baseline.
    let devices: BTreeMap<_, _> = measurements.iter().map(|m| (&m.backend, m)).collect();
    for (backend, m) in devices {
        text += &format!("\n{backend}: {}, {} threads", m.device, m.threads);
    }
    text.push('\n');
    text
}

impl Advice for BenchError {
    fn code(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::UnknownCircuit { .. } => "bench.unknown_circuit",
            Self::Size { .. } => "bench.size",
            Self::Memory { .. } => "bench.memory",
            Self::Circuit { .. } => "bench.circuit",
            Self::Engine(_) => "bench.engine",
            Self::FellBack { .. } => "bench.fell_back",
            Self::Stock { .. } => "bench.stock",
            Self::Plot { .. } => "bench.plot",
        }
        .into()
    }

    fn remedy(&self) -> String {
        match self {
            Self::UnknownCircuit { .. } | Self::Size { .. } => "see `janction bench prover --help`",
            Self::Memory { .. } => {
                "end other programs, or name a smaller circuit with --circuits synthetic-N"
            }
            Self::Circuit { .. } => "this is a fault of the program: report it with this message",
            Self::Engine(EngineError::Cuda(_)) => {
                "do what the message says, or leave --gpu out; `janction doctor` says more"
            }
            Self::FellBack { .. } => "free the GPU's memory, or name smaller circuits with --circuits",
            Self::Engine(_) => "unset JANCTION_SIMD, or set it to what this processor has",
            Self::Stock { .. } => "run `make bench-prover`, which builds it, or leave --stock out",
            Self::Plot { .. } => "measure at least one synthetic circuit, or one product",
        }
        .to_owned()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::UnknownCircuit { .. } | Self::Size { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
