//! A contract that has nothing to do with the rollup reads what a settled job computed.

use serde_json::Value;

use super::DemoError;
use super::deployment;
use super::house::{self, OPERATOR};
use super::report::Report;
use super::scene::Scene;
use crate::failure::Outcome;
use crate::l1;

/// Publishes the output root of every settled job, and has a contract of its own read each.
///
/// # Errors
/// L1 refuses.
pub async fn read_outputs(scene: &mut Scene, report: &mut Report) -> Outcome {
    let head = scene.l1.head().await?.number;
    let (rpc, rollup) = (scene.l1.endpoint().to_owned(), scene.l1.rollup().to_string());
    let jobs: Vec<_> = report.jobs.iter().filter(|job| job.outcome == "settled").map(|job| job.job).collect();
    for job in jobs {
        let settled = scene.l1.settled_job(0, head, job).await?;
        report.checks.equal(format!("job {job} is settled in a proven batch on L1"), true, settled.is_some());
        let Some(job) = settled else { continue };
        scene.l1.execute(&job.publish(&scene.l1), &house::signer(OPERATOR), l1::PATIENCE).await?;
        let index = job.job.to_string();
        let arguments = ["--rollup", &rollup, "--job", &index, "--rpc", &rpc];
        let answer =
            deployment::script(&scene.folders, "script/read-output.mjs", "reader.log", &arguments).await?;
        let answer: Value = serde_json::from_slice(&answer)
            .map_err(|e| DemoError::Unreadable { what: "the reader's answer", reason: e.to_string() })?;
        let ledger = scene.client.job(job.job).await?.job.output_root.to_bytes();
        report.checks.equal(
            format!("a contract reads the output root of job {index}"),
            format!("0x{}", hex::encode(ledger)),
            answer["outputRoot"].as_str().unwrap_or_default().to_owned(),
        );
    }
    Ok(())
}
