//! `janction program`: job binaries and what they compute, on this machine alone.

mod compile;
mod contract;
pub mod error;
mod export;
mod inspect;
mod keys;
pub mod load;
mod prove;
mod run;
mod verify;
pub mod worth;

use std::path::PathBuf;

use clap::Subcommand;
use janction_program::commitment::Scheme;
use janction_trace::Policy;
use janction_worker::DeviceChoice;

use crate::config::Config;
use crate::failure::Outcome;
use crate::output::Output;

/// The subcommands of `program`.
#[derive(Debug, Subcommand)]
pub enum ProgramAction {
    /// Make a job binary from a quantised ONNX model, or from a program's text form
    #[command(after_help = "Examples:
  janction program compile mlp.onnx -o mlp.janction
  janction program compile mlp.onnx -o mlp.janction --max-rows 65536
  janction program compile filter.txt -o filter.janction

The text form is described in docs/jobs.md; a file whose name ends in .txt is read as text.
A job has at most --max-rows rows; every doubling adds a step to each path that the audit opens.")]
    Compile {
        /// Quantised ONNX model, or a text (.txt)
        #[arg(value_name = "MODEL")]
        model: PathBuf,
        /// The job binary
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Name of the program [default: the file's]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Most rows of a job, rounded up to a power of two [default: 4096]
        #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
        max_rows: Option<u32>,
        /// How tensors are committed to: rows; sketch:N, in blocks of N rows (a power of two); or best, what the sizes recommend
        #[arg(long, value_name = "SCHEME", default_value = "rows", value_parser = scheme)]
        scheme: SchemeChoice,
    },
    /// What a job binary computes, how it is committed to, and by which key it is audited
    #[command(after_help = "Examples:
  janction program inspect mlp.janction
  janction program inspect mlp.janction --policy full --policy rows:176 --json
  janction program inspect mlp.janction --policy full --rows 360

A key is made from the job binary, which takes some seconds for each policy, and kept in the data folder. It is what a
job names and what anyone who holds the job binary can recompute. Seconds are those of two cores without a GPU.")]
    Inspect {
        /// The job binary
        #[arg(value_name = "PROGRAM")]
        program: PathBuf,
        /// Also make the audit key of this policy: full, or rows:S (may be given more than once)
        #[arg(long, value_name = "POLICY")]
        policy: Vec<Policy>,
        /// Say what the proof of so many rows takes [default: as many as the program takes]
        #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
        rows: Option<u32>,
    },
    /// Run a program on an input and commit to what was computed, as a worker does
    #[command(after_help = "Examples:
  janction program run mlp.janction images.npy -o logits.npy
  janction program run mlp.janction images.npy -o logits.npy --device cuda:0 --check

Inputs and outputs are NumPy files (in Python: numpy.save) of int8 or uint8; the first dimension counts the rows.")]
    Run {
        /// The job binary
        #[arg(value_name = "PROGRAM")]
        program: PathBuf,
        /// The input (.npy)
        #[arg(value_name = "INPUT")]
        input: PathBuf,
        /// The output (.npy)
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// What to run on: auto, cpu, or cuda:N
        #[arg(long, value_name = "DEVICE", default_value = "auto")]
        device: DeviceChoice,
        /// Compare every cell with the reference, which is slow
        #[arg(long)]
        check: bool,
    },
    /// Run a program and prove the output, without a network, a job or a claim
    #[command(after_help = "Examples:
  janction program prove mlp.janction --input images.npy --output logits.npy -o logits.jcp
  janction program prove mlp.janction --input images.npy --policy rows:1838
  janction program prove mlp.janction --input images.npy --cores 1 --json
  janction program prove mlp.janction --input image.npy --output logits.npy --evm -o proof.json

Under `full` every row of every operation is proven. Under `rows:S` the S rows of each operation follow from a hash of
the execution: whoever proves can change a false cell and draw again, for a few dozen hashes a try. Choose S for 2^64
tries; the command says what the draws are worth. One false row among many is missed nearly always.
The first proof of a program under a policy makes its circuits, in seconds, and keeps them in keys_dir.
With --evm the proof is one that the program's contract (`janction program export-verifier`) takes: 2 kB whatever the
program, for half a minute of two cores and 2.5 GB. The first one makes the keys that all programs share (0.7 GB).")]
    Prove {
        /// The job binary
        #[arg(value_name = "PROGRAM")]
        program: PathBuf,
        /// What is proven, and where.
        #[command(flatten)]
        options: prove::Options,
    },
    /// Check that an output is a program's, by a proof
    #[command(after_help = "Examples:
  janction program verify mlp.janction logits.jcp --input images.npy --output logits.npy
  janction program verify mlp.janction logits.jcp --input images.npy --output logits.npy --policy rows:1838
  janction program verify mlp.janction proof.json --input image.npy --output logits.npy

The keys are made from the job binary, never read from the proof: seconds the first time, then kept in keys_dir.
Exit status: 0 the output is the program's, 1 it is not shown to be.")]
    Verify {
        /// The job binary
        #[arg(value_name = "PROGRAM")]
        program: PathBuf,
        /// The proof
        #[arg(value_name = "PROOF")]
        proof: PathBuf,
        /// The input (.npy)
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// The output (.npy)
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// What the proof must have checked: full, or rows:S; a proof of another policy is refused
        #[arg(long, value_name = "POLICY", default_value = "full")]
        policy: Policy,
    },
    /// Write the contracts that verify a program's proofs on an EVM chain
    #[command(after_help = "Examples:
  janction program export-verifier mlp.janction -o contracts
  janction program export-verifier mlp.janction --policy rows:1838 --name Classifier -o contracts

Two contracts: Halo2Verifier, generated, the same for all programs, so that one on a chain is enough; and one named after
the program, which pins program, audit key and policy and takes what `janction program prove --evm` makes. Compile
Halo2Verifier without optimiser. Over the development SRS (the default) they work on chain 31337 only: set prover.srs_file,
and pass the hash of the code that you compiled as --code-hash.")]
    ExportVerifier {
        /// The job binary
        #[arg(value_name = "PROGRAM")]
        program: PathBuf,
        /// What proofs must have checked: full, or rows:S
        #[arg(long, value_name = "POLICY", default_value = "full")]
        policy: Policy,
        /// Name of the contract [default: the program's, in capitals and small letters]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Hash of the generated verifier's code, which the contract then demands [default: that of the one over the
        /// development SRS, which is known]
        #[arg(long, value_name = "HASH", value_parser = word)]
        code_hash: Option<[u8; 32]>,
        /// The folder that they are written into
        #[arg(short, long, value_name = "FOLDER", default_value = "contracts")]
        output: PathBuf,
    },
}

/// A commitment scheme as it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemeChoice {
    /// This one.
    Is(Scheme),
    /// What the program's sizes recommend.
    Best,
}

fn scheme(text: &str) -> Result<SchemeChoice, String> {
    let wanted = || "rows, sketch:N with N a power of two, or best is needed".to_owned();
    Ok(match text.strip_prefix("sketch:") {
        Some(rows) => {
            let rows: u32 = rows.parse().map_err(|_| wanted())?;
            let bits = rows.is_power_of_two().then(|| rows.ilog2() as u8).ok_or_else(wanted)?;
            SchemeChoice::Is(Scheme::Sketch { block_bits: bits })
        }
        None if text == "rows" => SchemeChoice::Is(Scheme::Rows),
        None if text == "best" => SchemeChoice::Best,
        None => return Err(wanted()),
    })
}

/// 32 bytes in hex.
fn word(text: &str) -> Result<[u8; 32], String> {
    let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|e| e.to_string())?;
    bytes.try_into().map_err(|_| "32 bytes are needed, as hexadecimal digits".to_owned())
}

/// Does what was asked for.
///
/// # Errors
/// Those of the subcommand.
pub fn run(config: &Config, action: ProgramAction, output: Output) -> Outcome {
    match action {
        ProgramAction::Compile { model, output: file, name, max_rows, scheme } => {
            compile::compile(output, &model, &file, name.as_deref(), max_rows, scheme)
        }
        ProgramAction::Inspect { program, policy, rows } => {
            inspect::inspect(config, output, &program, &policy, rows)
        }
        ProgramAction::Run { program, input, output: file, device, check } => {
            run::run(output, &config.keys_dir, &program, &input, &file, device, check)
        }
        ProgramAction::Prove { program, options } => prove::prove(config, output, &program, &options),
        ProgramAction::Verify { program, proof, input, output: file, policy } => {
            let files = verify::Files { program: &program, proof: &proof, input: &input, output: &file };
            verify::verify(config, output, files, policy)
        }
        ProgramAction::ExportVerifier { program, policy, name, code_hash, output: out } => {
            export::export(config, output, &program, policy, name.as_deref(), code_hash, &out)
        }
    }
}
