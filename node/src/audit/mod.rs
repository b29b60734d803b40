//! `janction audit`: everything that can be checked from L1's data alone, and an honest list of what was not.
//!
//! The auditor trusts the L1 endpoint for what the chain holds (run your own node), and nobody for what it means: the
//! state is rebuilt from the committed bytes with the state transition function, and what the contract stored, paid and
//! accepted is compared with it.

mod money;
mod proofs;
mod replay;
mod report;

use janction_bindings::L1;
use janction_protocol::{Address, Deployment};

use crate::config::Config;
use crate::failure::{Exit, Outcome};
use crate::l1;
use crate::output::Output;

use report::Report;

/// Audits the configured rollup and prints the report.
///
/// [`Exit::Success`]: everything was checked and is right; [`Exit::Unchecked`]: what was checked is right;
/// [`Exit::Mismatch`]: something is wrong.
///
/// # Errors
/// L1 does not answer, or its data cannot be read.
pub async fn run(config: &Config, output: Output) -> Outcome<Exit> {
    let l1 = l1::connect(config).await?;
    let report = audit(&l1, config.l1.first_block).await?;
    output.print(&report.to_json(), |_| report.to_text());
    Ok(report.exit())
}

/// Audits a rollup whose deployment is in L1 block `from` or later.
///
/// # Errors
/// L1 does not answer, or its data cannot be read.
pub async fn audit(l1: &L1, from: u64) -> Outcome<Report> {
    let rollup = Address(l1.rollup().into_array());
    // One block for everything, else a commit in between would look like a mismatch.
    let head = l1.head().await?.number;
    let state = l1.state(Some(head)).await?;
    let mut report = Report::new(rollup, l1.chain_id(), head, &state);
    match Deployment::new(l1.chain_id(), rollup) {
        Ok(deployment) => {
            let history = replay::read(l1, from, head).await?;
            if let Some(replayed) = replay::replay(&mut report, deployment, &history, &state) {
                proofs::check(&mut report, l1, deployment, &history, &replayed).await?;
                money::check(&mut report, l1, &history, &replayed, &state).await?;
            }
        }
        Err(error) => report.wrong("deployment", error.to_string()),
    }
    Ok(report)
}
