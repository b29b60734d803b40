//! `program prove`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use janction_aggregate::config::{Circuit, F, Proof};
use janction_aggregate::{BoxError, Prover};
use janction_audit::{AuditPieces, PieceVerifier, Sizing};
use janction_executor::Opened;
use janction_program::{Program, Tensor, npy};
use janction_program_prover::{ContractProof, ProgramProof, ProveError};
use janction_protocol::Digest;
use janction_prover::Engines;
use janction_trace::{Policy, Trace};
use janction_worker::DeviceChoice;
use plonky2::iop::witness::PartialWitness;
use serde_json::{Value, json};

use super::error::ProgramProblem;
use super::keys::{PieceKeys, Setup};
use super::run::timed;
use super::worth::Worth;
use super::{contract, load};
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
    /// The proof [default: proof.jcp, with --evm proof.json]
    #[arg(short = 'o', long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// What to run on: auto, cpu, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceChoice,
    /// The GPUs to prove on, numbered as `nvidia-smi` does [prover.gpus]
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    gpu: Vec<usize>,
    /// Threads to use [default: RAYON_NUM_THREADS, or one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    cores: Option<u16>,
    /// Make a proof that the program's contract takes
    #[arg(long)]
    evm: bool,
}

impl Options {
    /// Where the proof goes.
    fn file(&self) -> PathBuf {
        let usual = if self.evm { "proof.json" } else { "proof.jcp" };
        self.proof.clone().unwrap_or_else(|| usual.into())
    }
}

/// What was proven, and what it took.
struct Proven<'a> {
    program: &'a Program,
    options: &'a Options,
    verifier: PieceVerifier,
    /// The circuits were read from disk.
    cached: bool,
    setup: Duration,
    device: String,
    engine: &'static str,
    proof: ProgramProof,
    bytes: usize,
    running: Duration,
    proving: Duration,
    verifying: Duration,
    contract: Option<OfContract>,
}

/// What a proof for a contract took besides.
struct OfContract {
    worth: Worth,
    audit_key: Digest,
    /// Reading or making the keys that all programs share.
    keys: Duration,
    joining: Duration,
    verifying: Duration,
}

/// Runs the program, proves the execution, verifies the proof and writes it.
///
/// # Errors
/// Bad input, a device or engine that cannot be used, a trace that is false, files that cannot be written.
pub fn prove(config: &Config, output: Output, path: &Path, options: &Options) -> Outcome {
    if let Some(cores) = options.cores {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(cores.into());
        pool.build_global().map_err(|e| ProgramProblem::Cores { reason: e.to_string() })?;
    }
    let program = load::program(path)?;
    let input = load::input(&options.input, &program)?;
    let gpus = if options.gpu.is_empty() { &config.prover.gpus } else { &options.gpu };
    let engines = Engines::new(config.prover.engine, gpus, &config.keys_dir.join("kernels"))
        .map_err(ProgramProblem::Engine)?;
    if options.evm {
        // Said before the seconds that the pieces take.
        config.prover()?;
    }
    // What a contract reads is made of the pieces of audits, whose key it pins.
    let sizing =
        if options.evm { Sizing::Audit } else { Sizing::of_proof(&program, options.policy, input.rows()) };
    let bar = Progress::spinner(output, "making the circuits");
    let Setup { circuits, verifier, cached, took } =
        PieceKeys::new(config, &program, options.policy, sizing).circuits()?;
    bar.say("running the program".into());
    let Opened { executor, .. } =
        janction_executor::open(options.device.into(), Some(&config.keys_dir.join("kernels")))
            .map_err(ProgramProblem::Device)?;
    let (trace, running) = timed(|| executor.run(&program, input.clone()));
    let trace = trace.map_err(ProgramProblem::Device)?;
    drop(bar);
    let result = trace.output().tensor().clone();
    let engine = engines.goldilocks();
    let prover = |circuit: &Circuit, inputs: PartialWitness<F>| -> Result<Proof, BoxError> {
        Ok(engine.prove(circuit, inputs)?)
    };
    let (proof, proving) = timed(|| prove_trace(output, &circuits, &prover, trace));
    // Whatever comes needs the memory.
    drop(circuits);
    let proof = proof.map_err(|e| ProgramProblem::Prove(Box::new(e)))?;
    let bytes = proof.to_bytes();
    let (verified, verifying) = timed(|| check(&program, &verifier, &input, &result, &bytes));
    verified?;
    if let Some(file) = &options.output {
        file::write(file, &npy::encode(&result))?;
    }
    let mut length = bytes.len();
    let mut contract = None;
    if options.evm {
        drop(bytes);
        let (made, of) =
            for_contract(config, output, &engines, &program, &verifier, [&input, &result], &proof)?;
        contract::write(&options.file(), &made)?;
        length = made.proof.len();
        contract = Some(of);
    } else {
        file::write(&options.file(), &bytes)?;
    }
    let (device, engine, bytes) = (executor.device().to_string(), engine.name(), length);
    let program = &program;
    let proven = Proven {
        program,
        options,
        verifier,
        cached,
        setup: took,
        device,
        engine,
        proof,
        bytes,
        running,
        proving,
        verifying,
        contract,
    };
    output.print(&proven.describe(), |_| proven.in_words());
    Ok(())
}

/// Takes a program proof on to one for the program's contract.
fn for_contract(
    config: &Config,
    output: Output,
    engines: &Engines,
    program: &Program,
    verifier: &PieceVerifier,
    tensors: [&Tensor; 2],
    proof: &ProgramProof,
) -> Outcome<(ContractProof, OfContract)> {
    let (keys, reading) = timed(|| contract::keys(config, output));
    let keys = keys?;
    let (made, joining) = timed(|| contract::prove(output, &keys, engines, verifier, proof));
    let made = made?;
    let asked = (proof.statement.policy, made.execution.audit_key);
    let (verified, verifying) = timed(|| contract::verify(&keys, program, asked, tensors, &made));
    verified?;
    let audit_key = made.execution.audit_key;
    let worth = Worth::of_contract(verifier, program.scheme(), &keys);
    Ok((made, OfContract { worth, audit_key, keys: reading, joining, verifying }))
}

fn prove_trace(
    output: Output,
    circuits: &AuditPieces,
    prover: &dyn Prover,
    trace: Trace,
) -> Result<ProgramProof, ProveError> {
    let mut bar = Progress::spinner(output, "checking the trace");
    janction_program_prover::prove(circuits, prover, trace, &mut |done, of| match done {
        0 => bar = Progress::steps(output, "proving", of as u64),
        _ => bar.advance(1),
    })
}

/// What is written is what a verifier will read.
fn check(
    program: &Program,
    verifier: &PieceVerifier,
    input: &Tensor,
    output: &Tensor,
    bytes: &[u8],
) -> Result<(), ProgramProblem> {
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
    /// What the proof that was written is worth.
    fn worth(&self) -> Worth {
        match &self.contract {
            Some(contract) => contract.worth,
            None => Worth::of(&self.verifier, self.program.scheme()),
        }
    }

    fn describe(&self) -> Value {
        let statement = &self.proof.statement;
        let seconds = |d: Duration| d.as_secs_f64();
        let worth = self.worth();
        json!({
            "model": self.program.name(),
            "system": "janction",
            "settings": statement.policy.to_string(),
            "rows": statement.rows,
            "cores": rayon::current_num_threads(),
            "engine": self.engine,
            "device": self.device,
            "setup_s": seconds(self.setup),
            "setup_cached": self.cached,
            "run_s": seconds(self.running),
            "prove_s": seconds(self.proving),
            "verify_s": seconds(self.verifying),
            "peak_bytes": peak_bytes(),
            "proof_bytes": self.bytes,
            "pieces": self.proof.pieces.len(),
            "log2_rows": self.verifier.facts().piece_bits,
            "soundness": worth.in_words(),
            "soundness_bits": worth.describe(),
            "key": self.verifier.digest().to_string(),
            "program": statement.program.to_string(),
            "input_root": statement.input_root.to_string(),
            "trace_root": statement.trace_root.to_string(),
            "output_root": statement.output_root.to_string(),
            "proof": self.options.file(),
            "output": self.options.output,
            "evm": self.contract.as_ref().map(|contract| json!({
                "audit_key": contract.audit_key.to_string(),
                "keys_s": seconds(contract.keys),
                "join_and_wrap_s": seconds(contract.joining),
                "verify_s": seconds(contract.verifying),
            })),
        })
    }

    fn in_words(&self) -> String {
        let statement = &self.proof.statement;
        let how = if self.cached { "read" } else { "made" };
        let seconds = format!(
            "{:.2} to set up (circuits {how}), {:.3} to run, {:.2} to prove, {:.3} to verify",
            self.setup.as_secs_f64(),
            self.running.as_secs_f64(),
            self.proving.as_secs_f64(),
            self.verifying.as_secs_f64()
        );
        let mut rows = vec![
            ("proof", format!("{}, {} bytes", self.options.file().display(), self.bytes)),
            ("policy", statement.policy.to_string()),
            ("rows", statement.rows.to_string()),
            (
                "pieces",
                format!(
                    "{} of 2^{} rows of circuit",
                    self.proof.pieces.len(),
                    self.verifier.facts().piece_bits
                ),
            ),
            ("soundness", self.worth().in_words()),
            ("key", self.verifier.digest().to_string()),
            ("output root", statement.output_root.to_string()),
            ("run on", self.device.clone()),
            ("proven on", format!("{}, {} threads", self.engine, rayon::current_num_threads())),
            ("seconds", seconds),
        ];
        if let Some(file) = &self.options.output {
            rows.insert(1, ("output", file.display().to_string()));
        }
        if let Some(contract) = &self.contract {
            rows.push(("audit key", contract.audit_key.to_string()));
            rows.push((
                "for the contract",
                format!(
                    "{:.1} s for the keys, {:.1} to join and wrap, {:.3} to verify",
                    contract.keys.as_secs_f64(),
                    contract.joining.as_secs_f64(),
                    contract.verifying.as_secs_f64()
                ),
            ));
        }
        if let Some(bytes) = peak_bytes() {
            rows.push(("memory", format!("{} MB at most", bytes >> 20)));
        }
        columns(&rows)
    }
}
