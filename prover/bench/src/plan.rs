//! What is measured, in which order, and when it stops.

use std::path::PathBuf;
use std::time::Instant;

use janction_aggregate::config::Proof;
use janction_engine::{Backend, Cpu, Cuda, CudaError, Device, EngineError, Stage, Stages};

use crate::circuits::{Name, Subject};
use crate::clock::{Cost, available_bytes, cost};
use crate::error::BenchError;
use crate::measurement::{Measurement, Phase, TOTAL, WITNESS, median};
use crate::stock::{Proven, Stock};

/// What a row takes at most, in stock and in an engine together; 63 kB at 2^16, with a margin.
const BYTES_PER_ROW: u64 = 80 << 10;
/// How much longer twice the rows take, at most.
const GROWTH: f64 = 2.3;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The circuits in order, smaller ones first.
    pub circuits: Vec<Name>,
    /// Warm proofs of each, on each side.
    pub rounds: usize,
    /// Seconds after which no circuit is begun that would not be finished. `None`: no limit.
    pub seconds: Option<f64>,
    /// The program `janction-stock` compiled for this machine. `None`: stock as this program was compiled.
    pub stock: Option<PathBuf>,
    /// The GPUs that are measured as one backend. None: the first, if there is one.
    pub gpus: Vec<usize>,
}

impl Plan {
    /// Under a minute: up to 2^13 rows.
    #[must_use]
    pub fn quick() -> Self {
        Self { circuits: synthetic(12..=13), rounds: 2, seconds: Some(45.0), stock: None, gpus: Vec::new() }
    }

    /// Under five minutes: up to 2^16 rows, and the circuits of the house.
    #[must_use]
    pub fn standard() -> Self {
        let circuits = synthetic(12..=14).into_iter().chain(Name::HOUSE).chain(synthetic(15..=16)).collect();
        Self { circuits, rounds: 3, seconds: Some(270.0), stock: None, gpus: Vec::new() }
    }

    /// What memory holds, however long it takes.
    #[must_use]
    pub fn full() -> Self {
        let circuits = synthetic(12..=14).into_iter().chain(Name::HOUSE).chain(synthetic(15..=22)).collect();
        Self { circuits, rounds: 3, seconds: None, stock: None, gpus: Vec::new() }
    }
}

fn synthetic(sizes: std::ops::RangeInclusive<usize>) -> Vec<Name> {
    sizes.map(Name::Synthetic).collect()
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A circuit is built.
    Building(Name),
    /// A proof is made: round 0 is the cold one.
    Proving {
        /// Of which circuit.
        name: Name,
        /// By whom.
        backend: &'static str,
        /// The round.
        round: usize,
        /// Rounds in all.
        of: usize,
    },
    /// A circuit is left out.
    Skipped {
        /// Which one.
        name: Name,
        /// Why.
        reason: String,
    },
}

/// Measures the engines beside stock.
///
/// # Errors
/// [`BenchError`]. What memory or time does not allow is no error but an [`Event::Skipped`], unless nothing is left.
pub fn run(plan: &Plan, tell: &mut dyn FnMut(Event)) -> Result<Vec<Measurement>, BenchError> {
    go_through(plan, Some(Stock::new(plan.stock.as_deref())?), tell)
}

/// Measures the engines alone.
///
/// # Errors
/// As [`run`].
pub fn run_engine(plan: &Plan, tell: &mut dyn FnMut(Event)) -> Result<Vec<Measurement>, BenchError> {
    go_through(plan, None, tell)
}

fn go_through(
    plan: &Plan,
    mut stock: Option<Stock>,
    tell: &mut dyn FnMut(Event),
) -> Result<Vec<Measurement>, BenchError> {
    let start = Instant::now();
    let engines = Engine::all(&plan.gpus)?;
    let mut measurements = Vec::new();
    // Seconds that a round of the last synthetic circuit took, its building included.
    let mut last: Option<(usize, f64)> = None;
    for &name in &plan.circuits {
        if let Some(reason) = too_large(name) {
            if measurements.is_empty() && plan.circuits.len() == 1 {
                return Err(memory(name));
            }
            tell(Event::Skipped { name, reason });
            continue;
        }
        let mut rounds = plan.rounds;
        if let (Some(limit), Name::Synthetic(log2_rows), Some((before, seconds))) = (plan.seconds, name, last)
        {
            let round = seconds * GROWTH.powi(log2_rows as i32 - before as i32);
            let left = limit - start.elapsed().as_secs_f64();
            // The building takes about a round.
            rounds = rounds.min(((left / round) as usize).saturating_sub(2));
            if rounds == 0 {
                let reason =
                    format!("it would take about {:.0} s and {:.0} s are left", 3.0 * round, left.max(0.0));
                tell(Event::Skipped { name, reason });
                continue;
            }
        }
        tell(Event::Building(name));
        let subject = Subject::build(name)?;
        if let Some(stock) = &mut stock {
            stock.build(name)?;
        }
        let begun = Instant::now();
        let taken = measure(&subject, stock.as_mut(), &engines, rounds, tell)?;
        if let Name::Synthetic(log2_rows) = name {
            last = Some((log2_rows, begun.elapsed().as_secs_f64() / (rounds + 1) as f64));
        }
        measurements.extend(taken);
    }
    match plan.circuits.first() {
        Some(&smallest) if measurements.is_empty() => Err(memory(smallest)),
        _ => Ok(measurements),
    }
}

fn needed(name: Name) -> u64 {
    // The circuits of the house have up to 2^14 rows.
    let log2_rows = if let Name::Synthetic(log2_rows) = name { log2_rows } else { 14 };
    BYTES_PER_ROW << log2_rows.min(40)
}

fn too_large(name: Name) -> Option<String> {
    let (needed, available) = (needed(name), available_bytes()?);
    (needed > available)
        .then(|| format!("it would take about {} MB and {} MB are free", needed >> 20, available >> 20))
}

fn memory(name: Name) -> BenchError {
    let log2_rows = if let Name::Synthetic(log2_rows) = name { log2_rows } else { 14 };
    let available = available_bytes().unwrap_or(0) >> 20;
    BenchError::Memory { log2_rows, needed: needed(name) >> 20, available }
}

/// An engine that is measured.
struct Engine {
    name: &'static str,
    device: String,
    kind: Kind,
}

enum Kind {
    Cpu(Cpu),
    Cuda(Box<Cuda>),
}

/// A proof of an engine's.
struct Made {
    stages: Stages,
    cost: Cost,
}

impl Engine {
    /// The CPU's, and that of the GPUs: those that were asked for, else the first one if it can be used.
    fn all(gpus: &[usize]) -> Result<Vec<Self>, BenchError> {
        let backend = Backend::current().map_err(EngineError::from)?;
        let device = format!("{}, {}", processor(), backend.name());
        let mut engines = vec![Self { name: "cpu", device, kind: Kind::Cpu(Cpu::with_backend(backend)) }];
        let first = [0];
        let opened = open(if gpus.is_empty() { &first } else { gpus });
        match opened {
            Ok((device, cuda)) => {
                engines.push(Self { name: "cuda", device, kind: Kind::Cuda(Box::new(cuda)) })
            }
            Err(error) if !gpus.is_empty() => return Err(EngineError::from(error).into()),
            Err(_) => {}
        }
        Ok(engines)
    }

    /// Makes a proof and, outside the time, verifies it.
    fn prove(&self, subject: &Subject) -> Result<Made, BenchError> {
        let circuit = subject.circuit();
        let (made, cost) = cost(|| match &self.kind {
            Kind::Cpu(cpu) => cpu.prove_in_stages(circuit, subject.inputs()),
            Kind::Cuda(cuda) => cuda.prove_in_stages(circuit, subject.inputs()),
        });
        let (proof, stages): (Proof, Stages) = made?;
        circuit
            .verify(proof)
            .map_err(|e| EngineError::Invalid { engine: self.name, reason: e.to_string() })?;
        Ok(Made { stages, cost })
    }

    /// A GPU whose proofs the CPU had to make was not measured.
    fn check(&self) -> Result<(), BenchError> {
        let Kind::Cuda(cuda) = &self.kind else { return Ok(()) };
        let made = cuda.metrics();
        let failed = made.out_of_memory + made.failures + made.invalid + made.unserved;
        if failed == 0 { Ok(()) } else { Err(BenchError::FellBack { failed, made: made.proofs }) }
    }
}

fn open(gpus: &[usize]) -> Result<(String, Cuda), CudaError> {
    let devices = gpus.iter().map(|&ordinal| Device::open(ordinal, None)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = devices.iter().map(|device| device.card().to_string()).collect();
    match Cuda::with_devices(devices) {
        Ok(cuda) => Ok((names.join("; "), cuda)),
        Err(EngineError::Cuda(error)) => Err(error),
        Err(other) => Err(CudaError::Driver { action: "open", reason: other.to_string() }),
    }
}

/// The processor's name, as the system tells it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or("unknown processor", |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}

/// One cold round and `rounds` warm ones; in each, stock and the engines take turns.
fn measure(
    subject: &Subject,
    mut stock: Option<&mut Stock>,
    engines: &[Engine],
    rounds: usize,
    tell: &mut dyn FnMut(Event),
) -> Result<Vec<Measurement>, BenchError> {
    let mut theirs = Vec::new();
    let mut ours: Vec<Vec<Made>> = engines.iter().map(|_| Vec::new()).collect();
    let (name, of) = (subject.name, rounds + 1);
    for round in 0..of {
        if let Some(stock) = stock.as_deref_mut() {
            tell(Event::Proving { name, backend: "stock", round, of });
            theirs.push(stock.prove(subject)?);
        }
        for (engine, ours) in engines.iter().zip(&mut ours) {
            tell(Event::Proving { name, backend: engine.name, round, of });
            ours.push(engine.prove(subject)?);
            engine.check()?;
        }
    }
    let (cold, warm) = (0..1, 1..of);
    let phases = [(Phase::Cold, cold), (Phase::Warm, warm)];
    Ok(phases
        .into_iter()
        .filter(|(_, rounds)| !rounds.is_empty())
        .flat_map(|(phase, rounds)| {
            let theirs = theirs.get(rounds.clone()).unwrap_or_default();
            let device = stock.as_deref().map(|stock| format!("{}, {}", processor(), stock.simd()));
            let mut all = device.map_or_else(Vec::new, |device| of_stock(subject, phase, theirs, &device));
            for (engine, ours) in engines.iter().zip(&ours) {
                all.extend(of_engine(subject, phase, theirs, &ours[rounds.clone()], engine));
            }
            all
        })
        .collect())
}

fn of_stock(subject: &Subject, phase: Phase, proofs: &[Proven], device: &str) -> Vec<Measurement> {
    let stages = [(TOTAL, stock_total(proofs)), (WITNESS, stock_witness(proofs))];
    let measurement = |(stage, seconds): (&str, Option<f64>)| {
        let whole = stage == TOTAL;
        Some(Measurement {
            cpu_seconds: whole.then(|| median(proofs.iter().filter_map(|p| p.cpu_seconds))).flatten(),
            peak_bytes: whole.then(|| proofs.iter().filter_map(|p| p.peak_bytes).max()).flatten(),
            stock_seconds: seconds,
            speedup: Some(1.0),
            ..blank(subject, phase, "stock", device, stage, proofs.len(), seconds?)
        })
    };
    stages.into_iter().filter_map(measurement).collect()
}

fn of_engine(
    subject: &Subject,
    phase: Phase,
    theirs: &[Proven],
    ours: &[Made],
    engine: &Engine,
) -> Vec<Measurement> {
    let blank =
        |stage: &str, seconds| blank(subject, phase, engine.name, &engine.device, stage, ours.len(), seconds);
    let whole = median(ours.iter().map(|made| made.cost.seconds)).map(|seconds| {
        let stock_seconds = stock_total(theirs);
        Measurement {
            cpu_seconds: median(ours.iter().filter_map(|made| made.cost.cpu_seconds)),
            peak_bytes: ours.iter().filter_map(|made| made.cost.peak_bytes).max(),
            stock_seconds,
            speedup: stock_seconds.map(|stock| stock / seconds),
            ..blank(TOTAL, seconds)
        }
    });
    let stages = Stage::ALL.into_iter().filter_map(|stage| {
        let seconds = median(ours.iter().map(|made| made.stages.get(stage).as_secs_f64()))?;
        let stock_seconds = if stage == Stage::Witness { stock_witness(theirs) } else { None };
        let speedup = stock_seconds.map(|stock| stock / seconds);
        Some(Measurement { stock_seconds, speedup, ..blank(stage.name(), seconds) })
    });
    whole.into_iter().chain(stages).collect()
}

fn stock_total(proofs: &[Proven]) -> Option<f64> {
    median(proofs.iter().map(|proof| proof.seconds))
}

fn stock_witness(proofs: &[Proven]) -> Option<f64> {
    median(proofs.iter().map(|proof| proof.witness_seconds))
}

fn blank(
    subject: &Subject,
    phase: Phase,
    backend: &str,
    device: &str,
    stage: &str,
    rounds: usize,
    seconds: f64,
) -> Measurement {
    Measurement {
        circuit: subject.name.kind().to_owned(),
        log2_rows: subject.log2_rows,
        backend: backend.to_owned(),
        device: device.to_owned(),
        stage: stage.to_owned(),
        phase,
        threads: rayon::current_num_threads(),
        rounds,
        seconds,
        cpu_seconds: None,
        stock_seconds: None,
        speedup: None,
        peak_bytes: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_and_engine_are_measured_in_turns_and_compared() {
        let plan = Plan {
            circuits: vec![Name::Synthetic(9)],
            rounds: 2,
            seconds: None,
            stock: None,
            gpus: Vec::new(),
        };
        let mut told = Vec::new();
        let measurements = run(&plan, &mut |event| told.push(event)).expect("measured");
        let backends = told.iter().filter_map(|event| match event {
            Event::Proving { backend, .. } if *backend != "cuda" => Some(*backend),
            _ => None,
        });
        assert_eq!(backends.collect::<Vec<_>>(), ["stock", "cpu"].repeat(3));
        let total = |backend: &str, phase| {
            let mut all = measurements.iter().filter(|m| m.backend == backend && m.phase == phase);
            all.find(|m| m.stage == TOTAL).expect("a total").clone()
        };
        let (stock, cpu) = (total("stock", Phase::Warm), total("cpu", Phase::Warm));
        assert_eq!((stock.rounds, cpu.rounds, cpu.log2_rows), (2, 2, 9));
        assert_eq!(cpu.stock_seconds, Some(stock.seconds));
        assert_eq!(cpu.speedup, Some(stock.seconds / cpu.seconds));
        assert_eq!(total("cpu", Phase::Cold).rounds, 1);
        for stage in Stage::ALL {
            let warm =
                |m: &&Measurement| m.backend == "cpu" && m.phase == Phase::Warm && m.stage == stage.name();
            assert_eq!(measurements.iter().filter(warm).count(), 1, "{}", stage.name());
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_said() {
        let circuits = vec![Name::Synthetic(9), Name::Synthetic(22)];
        let plan = Plan { circuits, rounds: 1, seconds: Some(10.0), stock: None, gpus: Vec::new() };
        let mut told = Vec::new();
        let measurements = run(&plan, &mut |event| told.push(event)).expect("measured");
        assert!(measurements.iter().all(|m| m.log2_rows == 9));
        let skipped = |event: &Event| matches!(event, Event::Skipped { name: Name::Synthetic(22), .. });
        assert!(told.iter().any(skipped), "{told:?}");
    }
}
