//! `janction demo`: the main job, end to end, on an embedded L1, with every role as a process of its own.
//!
//! It drives the house as its users would (with this same binary's commands) and as an auditor would, and checks every
//! equality on the way. What it reports was read back from the chain or measured.

mod cheat;
mod check;
mod cli;
mod consumer;
mod deployment;
mod error;
mod house;
mod kill;
mod market;
mod money;
mod people;
mod process;
pub mod progress;
mod proof;
mod report;
mod scene;
mod stage;
mod story;

pub use error::DemoError;

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::failure::{Exit, Outcome};
use crate::net;
use crate::output::Output;

use house::Folders;
use stage::Stages;

/// What is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Cheat {
    /// Two honest workers and two models.
    #[default]
    No,
    /// The winner falsifies some rows: nothing can be proven, the developer is refunded, the unit slashed.
    Only,
    /// Both, in one proven range.
    Too,
}

/// How the demonstration runs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// The check-out that holds contracts and scripts [default: this folder, else where the binary was built]
    #[arg(long, value_name = "DIR")]
    pub repository: Option<PathBuf>,
    /// Whether a winner cheats
    #[arg(long, value_enum, default_value = "no")]
    pub cheat: Cheat,
    /// Kill every role at its worst moments (SIGKILL) and start it again
    #[arg(long)]
    pub kill: bool,
}

/// Runs the demonstration.
///
/// [`Exit::Success`] only if every equality was checked and held.
///
/// # Errors
/// A process that does not start or ends, a refusal, or a signal.
pub async fn run(config: &Config, output: Output, options: &Options) -> Outcome<Exit> {
    let root = options.repository.clone().unwrap_or_else(here);
    let folders = Folders::fresh(&root)?;
    let mut stages = Stages::new(output.json);
    let shutdown = net::shutdown()?;
    let report = tokio::select! {
        report = story::run(&folders, config, &mut stages, options) => report?,
        // Leaving drops the processes, which stops them.
        () = shutdown.cancelled() => return Err(DemoError::Stopped.into()),
    };
    let report = report.finish(stages);
    let file = folders.demo.join("report.json");
    let value = report.to_json();
    let text = serde_json::to_string_pretty(&value).unwrap_or_default();
    std::fs::write(&file, text + "\n").map_err(|source| DemoError::File { file: file.clone(), source })?;
    output.print(&value, |_| report.to_text(&file));
    Ok(if report.holds() { Exit::Success } else { Exit::Failed })
}

/// The repository: the current folder when it is one, else the one that this binary was built from.
fn here() -> PathBuf {
    let current = PathBuf::from(".");
    if current.join("verifier-contracts/package.json").exists() {
        return current;
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or(current, Path::to_path_buf)
}
