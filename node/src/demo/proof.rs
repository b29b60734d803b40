//! The range proof: everything that happened, proven at once, verified on L1, and audited by a stranger.

use std::time::Duration;

use janction_rpc::v1::TransactionStage;
use serde_json::Value;

use super::DemoError;
use super::house::{self, PAYEE};
use super::people::units;
use super::progress;
use super::report::Report;
use super::scene::Scene;
use super::stage::Stages;
use crate::client::name;
use crate::failure::Outcome;

/// How long the range may take to be proven and verified on L1: with keys to be made first, on two cores.
const PROVE: Duration = Duration::from_secs(1_800);
/// Name of the process that proves ranges.
pub const PROVER: &str = "prover";

/// Starts a prover of ranges.
///
/// # Errors
/// It does not start.
pub fn start(scene: &mut Scene) -> Outcome {
    let variables = [("JANCTION_PROVER_PAYEE", PAYEE), ("JANCTION_PROVER_WORK", "ranges")];
    scene.add(house::start_role(&scene.folders, &scene.file, PROVER, &["prover"], &variables)?);
    Ok(())
}

/// Waits until the transaction `id` is proven on L1, and shows what the prover is at. With `kill`, the prover is killed
/// once after it has finished a first part.
///
/// # Errors
/// A process ends, or it takes too long.
pub async fn proven(
    scene: &mut Scene,
    stages: &Stages,
    id: &[u8],
    mut kill: bool,
    report: &mut Report,
) -> Outcome {
    let id = id.to_vec();
    let log = scene.process(PROVER)?.log().to_owned();
    scene
        .until("the proof of the batches", PROVE, async |scene| {
            let stage = scene.client.standing(&id).await?.stage;
            let at = progress::latest(&log);
            if let Some(text) = &at {
                stages.detail(&format!("Proving ({text}); the transaction is {}", name(stage)));
            }
            if kill && progress::finished(&log, "chunks") > 0 {
                kill = false;
                scene.kill(PROVER).await?;
                report.killed.push(PROVER.to_owned());
            }
            Ok((stage as i32 >= TransactionStage::Proven as i32).then_some(()))
        })
        .await
}

/// What L1 says in the end: root, escrow, gas, proof. `held` is what must be left in escrow, in units.
///
/// # Errors
/// L1 or the sequencer does not answer.
pub async fn chain(scene: &mut Scene, report: &mut Report, batch: u64, held: u64) -> Outcome {
    let l1 = scene.l1.clone();
    let state = l1.state(None).await?;
    let info = scene.client.info().await?;
    report.checks.equal("JCT in escrow on L1", units(held), units(state.escrowed));
    if info.heads.unwrap_or_default().sealed == state.proven {
        report.checks.equal(
            "ledger root on L1",
            hex::encode(&info.ledger_root),
            hex::encode(state.state_root),
        );
    }
    let head = l1.head().await?.number;
    for committed in l1.committed_batches(0, head).await? {
        if let Some(receipt) = l1.receipt(committed.transaction).await? {
            report.commit_gas.push(receipt.gas_used);
        }
        report.stream_bytes += committed.call.committed.len();
    }
    let ranges = l1.proven_ranges(0, head).await?;
    let range = ranges.iter().find(|r| (r.event.first..=r.event.last).contains(&batch));
    report.checks.equal("proofs on L1 that cover the last withdrawal", 1, usize::from(range.is_some()));
    if let Some(range) = range {
        report.proof_bytes = range.call.proof.len();
        report.proven_batches = range.event.last - range.event.first + 1;
        if let Some(receipt) = l1.receipt(range.transaction).await? {
            report.verify_gas = receipt.gas_used;
        }
    }
    Ok(())
}

/// Runs the auditor as a process of its own, which is given L1, the contract's address and the jobs' blobs.
///
/// # Errors
/// It does not answer.
pub async fn audit(scene: &Scene, report: &mut Report) -> Outcome {
    let blobs = scene.config.data_dir.join("blobs").display().to_string();
    let output = scene.cli.output(None, &["audit", "--blobs", &blobs]).await?;
    report.audit = serde_json::from_slice(&output.stdout).map_err(|e| DemoError::Unreadable {
        what: "the auditor's answer",
        reason: format!("{e}: {}", String::from_utf8_lossy(&output.stderr)),
    })?;
    // 0: everything checked; 3: everything that was checked is right. The report names what was not.
    let right = matches!(output.status.code(), Some(0 | 3));
    report.checks.equal("auditor finds nothing wrong", true, right);
    let verdict = |what: &str| {
        let findings = report.audit["findings"].as_array();
        let finding = findings.into_iter().flatten().find(|f| f["what"] == what);
        finding.and_then(|f: &Value| f["verdict"].as_str()).unwrap_or("absent").to_owned()
    };
    let checked = ["keys", "contracts", "proofs on L1", "proofs natively", "audit keys"].map(verdict);
    report.checks.equal(
        "auditor rebuilt keys, verified proofs natively",
        "right, right, right, right, right".to_owned(),
        checked.join(", "),
    );
    Ok(())
}
