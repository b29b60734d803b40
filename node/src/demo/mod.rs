//! `janction demo`: the main job, end to end, on an embedded L1, with every role as a process of its own.
//!
//! It drives the house as its users would (deposit, transfer, withdraw, claim) and as an auditor would, and checks
//! every equality on the way. What it reports was read back from the chain or measured.

mod check;
mod deployment;
mod error;
mod house;
mod ledger;
mod process;
pub mod progress;
mod report;
mod stage;

pub use error::DemoError;

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::failure::{Exit, Outcome};
use crate::net;
use crate::output::Output;

use house::Folders;
use stage::Stages;

/// Runs the demonstration in the repository at `root`.
///
/// [`Exit::Success`] only if every equality was checked and held.
///
/// # Errors
/// A process that does not start or ends, a refusal, or a signal.
pub async fn run(config: &Config, output: Output, root: Option<PathBuf>) -> Outcome<Exit> {
    let root = root.unwrap_or_else(here);
    let folders = Folders::fresh(&root)?;
    let mut stages = Stages::new(output.json);
    let shutdown = net::shutdown()?;
    let report = tokio::select! {
        report = ledger::run(&folders, config, &mut stages) => report?,
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
