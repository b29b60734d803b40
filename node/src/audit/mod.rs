//! `janction audit`: everything that can be checked from L1's data alone, and an honest list of what was not.
//!
//! The auditor trusts the L1 endpoint for what the chain holds (run your own node), and nobody for what it means: the
//! state is rebuilt from the committed bytes with the state transition function, and what the contract stored, paid and
//! accepted is compared with it.

mod beacons;
mod error;
mod keys;
mod money;
mod programs;
mod proofs;
mod replay;
mod report;

use std::path::PathBuf;

use janction_bindings::L1;
use janction_protocol::{Address, Deployment};

use crate::config::Config;
use crate::failure::{Exit, Outcome};
use crate::l1;
use crate::output::Output;
use crate::progress::Progress;

pub use keys::KeySource;

use error::AuditFailure;
use report::Report;

/// What an auditor brings along.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Means {
    /// Folder of job binaries and inputs (a blob store): their audit keys are recomputed, and settled outputs compared
    /// with the reference
    #[arg(long, value_name = "DIR")]
    pub blobs: Option<PathBuf>,
    /// Build the verifying keys from source, or trust those that this machine built before
    #[arg(long, value_enum, default_value = "rebuild")]
    pub keys: KeySource,
}

/// Audits the configured rollup and prints the report.
///
/// [`Exit::Success`]: everything was checked and is right; [`Exit::Unchecked`]: what was checked is right;
/// [`Exit::Mismatch`]: something is wrong.
///
/// # Errors
/// L1 does not answer, or its data cannot be read.
pub async fn run(config: &Config, output: Output, means: &Means) -> Outcome<Exit> {
    if let Some(folder) = means.blobs.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(AuditFailure::NoBlobs { folder: folder.clone() }.into());
    }
    let l1 = l1::connect(config).await?;
    let building = keys::build(config, means.keys)?;
    let report = audit(&l1, config.l1.first_block, building, means, output).await?;
    output.print(&report.to_json(), |_| report.to_text());
    Ok(report.exit())
}

/// Audits a rollup whose deployment is in L1 block `from` or later.
///
/// # Errors
/// L1 does not answer, or its data cannot be read.
async fn audit(
    l1: &L1,
    from: u64,
    building: keys::Building,
    means: &Means,
    output: Output,
) -> Outcome<Report> {
    let rollup = Address(l1.rollup().into_array());
    // One block for everything, else a commit in between would look like a mismatch.
    let head = l1.head().await?.number;
    let state = l1.state(Some(head)).await?;
    let mut report = Report::new(rollup, l1.chain_id(), head, &state);
    let parameters = l1.parameters().await?;
    match Deployment::new(l1.chain_id(), rollup) {
        Ok(deployment) => {
            let history = replay::read(l1, from, head).await?;
            let replayed = replay::replay(&mut report, deployment, &history, &state);
            let find = async {
                match &replayed {
                    Some(replayed) => programs::find(&replayed.ledger, means.blobs.as_deref()).await,
                    None => Ok(None),
                }
            };
            let shown = Progress::spinner(output, "making keys and recomputing jobs");
            let (built, jobs) = tokio::join!(building.ready(), find);
            drop(shown);
            let (built, jobs) = (built?, jobs?);
            keys::check(&mut report, l1, &parameters, built.as_ref(), means.keys).await?;
            if let Some(replayed) = replayed {
                beacons::check(&mut report, l1, &parameters, &history).await?;
                let key = built.map(|built| built.audit_key);
                proofs::check(&mut report, l1, deployment, &history, &replayed, &parameters, key.as_ref())
                    .await?;
                money::check(&mut report, l1, &history, &replayed, &state).await?;
                programs::check(&mut report, jobs);
            }
        }
        Err(error) => report.wrong("deployment", error.to_string()),
    }
    Ok(report)
}
