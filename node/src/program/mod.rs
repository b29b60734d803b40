//! `janction program`: job binaries and what they compute, on this machine alone.

mod compile;
pub mod error;
mod inspect;
pub mod load;
mod run;

use std::path::PathBuf;

use clap::Subcommand;
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
    },
    /// What a job binary computes, how it is committed to, and by which key it is audited
    #[command(after_help = "Examples:
  janction program inspect mlp.janction
  janction program inspect mlp.janction --policy full --policy rows:176 --json

A key is made from the job binary, which takes some seconds for each policy, and kept in the data folder. It is what a
job names and what anyone who holds the job binary can recompute.")]
    Inspect {
        /// The job binary
        #[arg(value_name = "PROGRAM")]
        program: PathBuf,
        /// Also make the audit key of this policy: full, or rows:S (may be given more than once)
        #[arg(long, value_name = "POLICY")]
        policy: Vec<Policy>,
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
}

/// Does what was asked for.
///
/// # Errors
/// Those of the subcommand.
pub fn run(config: &Config, action: ProgramAction, output: Output) -> Outcome {
    match action {
        ProgramAction::Compile { model, output: file, name, max_rows } => {
            compile::compile(output, &model, &file, name.as_deref(), max_rows)
        }
        ProgramAction::Inspect { program, policy } => inspect::inspect(config, output, &program, &policy),
        ProgramAction::Run { program, input, output: file, device, check } => {
            run::run(output, &program, &input, &file, device, check)
        }
    }
}
