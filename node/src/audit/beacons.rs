//! The beacons: each record follows from the L1 block that it must come from.

use alloy::primitives::{B256, U256, keccak256};
use janction_bindings::{L1, Parameters};

use super::replay::History;
use super::report::Report;
use crate::failure::Outcome;

/// Computes every recorded beacon from the RANDAO mix of its block, `beacon_delay` blocks after its `Submit`'s first commit.
///
/// # Errors
/// L1 does not answer, or does not have the blocks any more.
pub async fn check(report: &mut Report, l1: &L1, parameters: &Parameters, history: &History) -> Outcome {
    let mut wrong = Vec::new();
    for record in &history.records {
        let Some(first) = history.submits.get(&(record.job, record.trace_root)) else {
            wrong.push(format!("job {}: recorded for a Submit that was never committed", record.job));
            continue;
        };
        let mix = l1.block(first + parameters.beacon_delay).await?.mix;
        if record.beacon != beacon(l1.chain_id(), record.job, record.trace_root, mix)[..28] {
            wrong.push(format!(
                "job {}: not the beacon of block {}",
                record.job,
                first + parameters.beacon_delay
            ));
        }
    }
    report.equal(
        "beacons",
        wrong.is_empty(),
        format!("{} follow from the RANDAO mix of their block", history.records.len()),
        wrong.join("; "),
    );
    Ok(())
}

/// `keccak256("janction/beacon/1", chain id, job, trace root, mix)`; a beacon is its first 28 bytes.
fn beacon(chain_id: u64, job: u32, trace_root: B256, mix: B256) -> B256 {
    let chain: [u8; 32] = U256::from(chain_id).to_be_bytes();
    let job = job.to_be_bytes();
    keccak256([b"janction/beacon/1", &chain[..], &job[1..], trace_root.as_slice(), mix.as_slice()].concat())
}
