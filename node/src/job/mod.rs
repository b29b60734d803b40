//! `janction job`: what a developer does.

mod error;
mod estimate;
mod output;
mod post;
pub mod proving;
mod show;
mod soundness;
pub mod terms;
mod view;

use std::path::PathBuf;

use clap::Subcommand;
use janction_protocol::state::Index;

use crate::config::Config;
use crate::failure::Outcome;
use crate::output::Output;

use post::Order;
use terms::{PolicyChoice, Windows};

/// What a developer must know before posting; said at every post.
pub const WARNING: &str = "until transactions can be forced through L1 (submitClaim, forceTransaction), a sequencer that \
    censors can make this job time out; your budget comes back then, and a unit without fault may be slashed";

/// The subcommands of `job`.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// What a job would cost, how long it takes, and what its audit is worth; nothing is sent
    #[command(after_help = "Examples:
  janction job estimate mlp.janction images.npy
  janction job estimate mlp.janction images.npy --policy rows:176 --json

Prices come from settled jobs of the same program when a sequencer answers and has some, otherwise from the default
policy of workers; the answer says which.")]
    Estimate {
        /// The job binary
        #[arg(value_name = "PROGRAM")]
        program: PathBuf,
        /// The input (.npy)
        #[arg(value_name = "INPUT")]
        input: PathBuf,
        /// How much is audited.
        #[command(flatten)]
        policy: PolicyChoice,
        /// How long its stages may take.
        #[command(flatten)]
        windows: Windows,
    },
    /// Post a job: upload program and input, and lock the budget
    #[command(after_help = "Examples:
  janction job post mlp.janction images.npy --from alice --budget 2
  janction job post mlp.janction images.npy --from alice --budget 2 --policy rows:176 --bid-window 20 --json

The winner is paid the second price, at most the budget; what is left comes back when the job settles.
Until submitClaim and forced transactions exist, a sequencer that censors can make a job time out.")]
    Post(Box<Order>),
    /// Where a job stands
    #[command(after_help = "Examples:
  janction job status 7
  janction job status 7 --json | jq .phase")]
    Status {
        /// The job
        #[arg(value_name = "JOB")]
        index: Index,
    },
    /// What has happened to a job, with times, and why provers could not prove its audit
    #[command(after_help = "Example:
  janction job logs 7")]
    Logs {
        /// The job
        #[arg(value_name = "JOB")]
        index: Index,
    },
    /// Fetch a job's output, and check that it is what the ledger says
    #[command(after_help = "Example:
  janction job output 7 -o logits.npy

The output is committed to when it is submitted, and proven right when the job is settled; the answer says how far
it is.")]
    Output {
        /// The job
        #[arg(value_name = "JOB")]
        index: Index,
        /// The output (.npy)
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// The jobs on the ledger
    #[command(after_help = "Examples:
  janction job list
  janction job list --live --json")]
    List {
        /// Only those that have not ended
        #[arg(long)]
        live: bool,
    },
}

/// Does what was asked for.
///
/// # Errors
/// Those of the subcommand.
pub async fn run(job: Job, config: &Config, output: Output) -> Outcome {
    match job {
        Job::Estimate { program, input, policy, windows } => {
            estimate::estimate(config, output, (&program, &input), policy.policy, &windows).await
        }
        Job::Post(order) => post::post(config, output, &order).await,
        Job::Status { index } => show::status(config, output, index).await,
        Job::Logs { index } => show::logs(config, output, index).await,
        Job::Output { index, output: file } => output::fetch(config, output, index, &file).await,
        Job::List { live } => show::list(config, output, live).await,
    }
}
