//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::account::Account;
use crate::audit;
use crate::bench::Bench;
use crate::config::LogFormat;
use crate::demo;
use crate::earnings::ProverAction;
use crate::job::Job;
use crate::program::ProgramAction;
use crate::worker::Worker;

/// A market for GPU computation in which escrow moves only on a proof.
#[derive(Debug, Parser)]
#[command(
    name = "janction",
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  janction doctor                          what this machine can do and what it lacks
  janction --config janction.toml doctor   the same, for a configuration
  janction doctor --json | jq .checks      for scripts

Exit status: 0 done, 1 failed or refused, 2 wrong command line or configuration.
Errors have a stable code and a remedy; docs/operations.md lists them, and every configuration key."
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The role or command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes. Flags win over `JANCTION_*` variables, which win over the file.
#[derive(Debug, Args)]
pub struct Global {
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "JANCTION_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print one JSON object instead of text; errors too, on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Log filter, for example `info` or `janction=debug` [telemetry.log]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// Form of the log lines [telemetry.format]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Folder of databases, proofs and keystores [data_dir]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// JSON-RPC endpoint of L1 [l1.url]
    #[arg(long, global = true, value_name = "URL")]
    pub l1_url: Option<String>,
    /// Address of the rollup contract [l1.rollup]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub rollup: Option<String>,
}

impl Global {
    /// The flags that override configuration keys.
    pub fn overrides(&self) -> Vec<(&'static str, String)> {
        let format = self.log_format.map(|f| match f {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        });
        let data_dir = self.data_dir.as_ref().map(|d| d.display().to_string());
        [
            ("telemetry.log", self.log.clone()),
            ("telemetry.format", format),
            ("data_dir", data_dir),
            ("l1.url", self.l1_url.clone()),
            ("l1.rollup", self.rollup.clone()),
        ]
        .into_iter()
        .filter_map(|(key, value)| value.map(|v| (key, v)))
        .collect()
    }
}

/// Roles and commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a sequencer: order transactions into batches and bring them to L1
    #[command(after_help = "Examples:
  janction --config janction.toml sequencer
  JANCTION_L1_KEY=operator janction sequencer --password-file /run/secrets/operator

SIGINT or SIGTERM stops it; requests in work finish first. It may be killed at any time: after a restart nothing
that was acknowledged is lost and nothing on L1 is repeated.")]
    Sequencer {
        /// Read the L1 keystore's password from this file [or JANCTION_PASSWORD, or a prompt]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Run a prover: take ranges of batches from the sequencer and prove them
    #[command(args_conflicts_with_subcommands = true)]
    #[command(after_help = "Examples:
  janction prover --prepare                        make proving keys and SRS, minutes the first time
  JANCTION_PROVER_PAYEE=0x... janction prover
  janction prover --gpu 0,1                        proofs spread over two GPUs
  janction prover earnings                         what it has been paid
  janction prover calibrate --cost-per-hour 2.49   what a job must pay for its proofs

SIGINT or SIGTERM stops it. Finished parts of a range are kept; a restart goes on from them.")]
    Prover {
        /// Only make proving keys and SRS, and end
        #[arg(long)]
        prepare: bool,
        /// The GPUs to prove on, numbered as `nvidia-smi` does [prover.gpus]
        #[arg(long, value_name = "N,N", value_delimiter = ',')]
        gpu: Vec<usize>,
        /// Something else than running one.
        #[command(subcommand)]
        action: Option<ProverAction>,
    },
    /// Keys, and what an owner does with money
    #[command(arg_required_else_help = true)]
    Account {
        /// What to do.
        #[command(subcommand)]
        action: Account,
    },
    /// Job binaries: make, look at and run them, on this machine alone
    #[command(arg_required_else_help = true)]
    Program {
        /// What to do.
        #[command(subcommand)]
        action: ProgramAction,
    },
    /// Jobs: estimate, post, watch, fetch the output
    #[command(arg_required_else_help = true)]
    Job {
        /// What to do.
        #[command(subcommand)]
        action: Box<Job>,
    },
    /// Worker units: register, stake, and run them
    #[command(arg_required_else_help = true)]
    Worker {
        /// What to do.
        #[command(subcommand)]
        action: Worker,
    },
    /// Check a rollup from L1's data alone, and say what was not checked
    #[command(after_help = "Examples:
  janction --l1-url http://127.0.0.1:8545 --rollup 0x5FbDB2315678afecb367f032d93F642f64180aa3 audit
  janction audit --blobs ~/blobs --json       job binaries too: their audit keys are recomputed
  janction audit --keys cached                sooner, when this machine has built the keys before
  janction audit --keys none                  seconds: state and money only

Exit status: 0 everything was checked and is right, 3 everything that was checked is right,
4 something is wrong, 1 L1 does not answer.")]
    Audit {
        /// What the auditor brings along.
        #[command(flatten)]
        means: audit::Means,
    },
    /// Measure how fast this machine proves
    #[command(arg_required_else_help = true)]
    Bench {
        /// What is measured.
        #[command(subcommand)]
        action: Bench,
    },
    /// Run the main job end to end on an embedded L1, every role a process of its own
    #[command(after_help = "Examples:
  make demo
  make demo CHEAT=1                          the winner falsifies rows: no proof, no payment
  janction demo --repository ~/janction --json
  janction demo --cheat too --kill           everything at once, with SIGKILL for every role

Logs and report.json are in target/demo of the repository.
Exit status: 0 every equality held, 1 otherwise.")]
    Demo {
        /// What is shown, and where.
        #[command(flatten)]
        options: demo::Options,
    },
    /// What this machine can do, what it lacks, and what to do about it
    #[command(after_help = "Examples:
  janction doctor
  janction --l1-url http://127.0.0.1:8545 doctor --json

Exit status: 0 no problem (warnings are none), 1 at least one problem.")]
    Doctor,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        use clap::CommandFactory;
        fn walk(command: &clap::Command) {
            if !command.has_subcommands() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "`{}` has no examples", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }
}
