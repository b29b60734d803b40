//! `program prove`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use janction_aggregate::config::{Circuit, F, Proof};
use janction_aggregate::{BoxError, Prover};
use janction_executor::Opened;
use janction_program::{Program, Tensor, npy};
use janction_program_prover::{ProgramProof, ProveError};
use janction_prover::Engines;
use janction_trace::{Policy, Trace};
use janction_worker::DeviceChoice;
use plonky2::iop::witness::PartialWitness;
use serde_json::{Value, json};

use super::error::ProgramProblem;
use super::keys::{PieceKeys, Setup};
use super::load;
use super::run::timed;
use super::worth::Worth;
use crate::config::Config;
use crate::failure::Outcome;
use crate::file;
use crate::output::{Output, columns};
use crate::progress::Progress;

/// What is proven, and where.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The input (.npy)
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// What is checked: full, or rows:S
    #[arg(long, value_name = "POLICY", default_value = "full")]
    policy: Policy,
    /// Write the output, too (.npy)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The proof
    #[arg(short = 'o', long, value_name = "FILE", default_value = "proof.jcp")]
    proof: PathBuf,
    /// What to run on: auto, cpu, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,
    /// The GPUs to prove on, numbered as `nvidia-smi` does [prover.gpus]
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    gpu: Vec<usize>,
    /// Threads to use [default: RAYON_NUM_THREADS, or one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    cores: Option<u16>,
    /// A proof for a contract: not in this version
    #[arg(long, hide = true)]
    evm: bool,
}

/// What was proven, and what it took.
struct Proven<'a> {
    program: &'a Program,
    options: &'a Options,
    setup: Setup,
    device: String,
    engine: &'static str,
    proof: ProgramProof,
    bytes: usize,
    running: Duration,
    proving: Duration,
    verifying: Duration,
}

/// Runs the program, proves the execution, verifies the proof and writes it.
///
/// # Errors
/// Bad input, a device or engine that cannot be used, a trace that is false, files that cannot be written.
pub fn prove(config: &Config, output: Output, path: &Path, options: &Options) -> Outcome {
    if options.evm {
        return Err(ProgramProblem::Evm.into());
    }
    if let Some(cores) = options.cores {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(cores.into());
        pool.build_global().map_err(|e| ProgramProblem::Cores { reason: e.to_string() })?;
    }
    let program = load::program(path)?;
    let input = load::input(&options.input, &program)?;
    let gpus = if options.gpu.is_empty() { &config.prover.gpus } else { &options.gpu };
    let engines = Engines::new(config.prover.engine, gpus, &config.keys_dir.join("kernels"))
        .map_err(ProgramProblem::Engine)?;
    let bar = Progress::spinner(output, "making the circuits");
    let setup = PieceKeys::new(config, &program, options.policy).circuits()?;
    bar.say("running the program".into());
    let Opened { executor, .. } =
        janction_executor::open(options.device.into()).map_err(ProgramProblem::Device)?;
    let (trace, running) = timed(|| executor.run(&program, input.clone()));
    let trace = trace.map_err(ProgramProblem::Device)?;
    drop(bar);
    let result = trace.output().tensor().clone();
    let engine = engines.goldilocks();
    let prover = |circuit: &Circuit, inputs: PartialWitness<F>| -> Result<Proof, BoxError> {
        Ok(engine.prove(circuit, inputs)?)
    };
    let (proof, proving) = timed(|| prove_trace(output, &setup, &prover, trace));
    let proof = proof.map_err(|e| ProgramProblem::Prove(Box::new(e)))?;
    let bytes = proof.to_bytes();
    let (verified, verifying) = timed(|| check(&program, &setup, &input, &result, &bytes));
    verified?;
    if let Some(file) = &options.output {
        file::write(file, &npy::encode(&result))?;
    }
    file::write(&options.proof, &bytes)?;
    let (device, engine, bytes) = (executor.device().to_string(), engine.name(), bytes.len());
    let program = &program;
    let proven =
        Proven { program, options, setup, device, engine, proof, bytes, running, proving, verifying };
    output.print(&proven.describe(), |_| proven.in_words());
    Ok(())
}

fn prove_trace(
    output: Output,
    setup: &Setup,
    prover: &dyn Prover,
    trace: Trace,
) -> Result<ProgramProof, ProveError> {
    let mut bar = Progress::spinner(output, "checking the trace");
    janction_program_prover::prove(&setup.circuits, prover, trace, &mut |done, of| match done {
        0 => bar = Progress::steps(output, "proving", of as u64),
        _ => bar.advance(1),
    })
}

/// What is written is what a verifier will read.
fn check(
    program: &Program,
    setup: &Setup,
    input: &Tensor,
    output: &Tensor,
    bytes: &[u8],
) -> Result<(), ProgramProblem> {
    let verifier = &setup.verifier;
    let unreadable = |source| ProgramProblem::OwnProof { source: Box::new(source) };
    let proof = ProgramProof::from_bytes(verifier, bytes).map_err(unreadable)?;
    janction_program_prover::verify(program, verifier, input, output, &proof)
        .map_err(|e| ProgramProblem::Verify(Box::new(e)))
}

/// Most memory that this process has held, in bytes; `None` where the system does not tell.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

impl Proven<'_> {
    fn describe(&self) -> Value {
        let statement = &self.proof.statement;
        let seconds = |d: Duration| d.as_secs_f64();
        let worth = Worth::of(&self.setup.verifier);
        json!({
            "model": self.program.name(),
            "system": "janction",
            "settings": statement.policy.to_string(),
            "rows": statement.rows,
            "cores": rayon::current_num_threads(),
            "engine": self.engine,
            "device": self.device,
            "setup_s": seconds(self.setup.took),
            "setup_cached": self.setup.cached,
            "run_s": seconds(self.running),
            "prove_s": seconds(self.proving),
            "verify_s": seconds(self.verifying),
            "peak_bytes": peak_bytes(),
            "proof_bytes": self.bytes,
            "pieces": self.proof.pieces.len(),
            "log2_rows": self.setup.verifier.facts().piece_bits,
            "soundness": worth.in_words(),
            "soundness_bits": worth.describe(),
            "key": self.setup.verifier.digest().to_string(),
            "program": statement.program.to_string(),
            "input_root": statement.input_root.to_string(),
            "trace_root": statement.trace_root.to_string(),
            "output_root": statement.output_root.to_string(),
            "proof": self.options.proof,
            "output": self.options.output,
        })
    }

    fn in_words(&self) -> String {
        let statement = &self.proof.statement;
        let how = if self.setup.cached { "read" } else { "made" };
        let seconds = format!(
            "{:.2} to set up (circuits {how}), {:.3} to run, {:.2} to prove, {:.3} to verify",
            self.setup.took.as_secs_f64(),
            self.running.as_secs_f64(),
            self.proving.as_secs_f64(),
            self.verifying.as_secs_f64()
        );
        let mut rows = vec![
            ("proof", format!("{}, {} bytes", self.options.proof.display(), self.bytes)),
            ("policy", statement.policy.to_string()),
            ("rows", statement.rows.to_string()),
            (
                "pieces",
                format!(
                    "{} of 2^{} rows of circuit",
                    self.proof.pieces.len(),
                    self.setup.verifier.facts().piece_bits
                ),
            ),
            ("soundness", Worth::of(&self.setup.verifier).in_words()),
            ("key", self.setup.verifier.digest().to_string()),
            ("output root", statement.output_root.to_string()),
            ("run on", self.device.clone()),
            ("proven on", format!("{}, {} threads", self.engine, rayon::current_num_threads())),
            ("seconds", seconds),
        ];
        if let Some(file) = &self.options.output {
            rows.insert(1, ("output", file.display().to_string()));
        }
        if let Some(bytes) = peak_bytes() {
            rows.push(("memory", format!("{} MB at most", bytes >> 20)));
        }
        columns(&rows)
    }
}
