//! The proofs: that the contract accepted the right statements, and that they hold.

use alloy::primitives::B256;
use janction_bindings::{L1, ProvenRange};
use janction_protocol::binding::{PublicInputs, Range};
use janction_protocol::{Address, Deployment};

use super::replay::{History, Replayed};
use super::report::Report;
use crate::failure::Outcome;

/// Checks every proof.
///
/// # Errors
/// L1 does not answer.
pub async fn check(
    report: &mut Report,
    l1: &L1,
    deployment: Deployment,
    history: &History,
    replayed: &Replayed,
) -> Outcome {
    let parameters = l1.parameters().await?;
    let (mut statements, mut accepted) = (Vec::new(), 0);
    let mut next = 1;
    for proven in &history.proven {
        let name = format!("batches {} to {}", proven.event.first, proven.event.last);
        match statement(proven, deployment, replayed, next) {
            Err(reason) => statements.push(format!("{name}: {reason}")),
            Ok(instances) => {
                let proof = proven.call.proof.clone();
                match l1.verify(parameters.wrapper, instances.to_u64s(), proof).await {
                    Ok(true) => accepted += 1,
                    Ok(false) => statements.push(format!("{name}: the deployed verifier refuses the proof")),
                    Err(error) => statements.push(format!("{name}: {error}")),
                }
            }
        }
        next = proven.event.last + 1;
    }
    report.equal(
        "proofs on L1",
        statements.is_empty(),
        format!("{accepted} accepted by the deployed verifier for the statements that the replay gives"),
        statements.join("; "),
    );
    if parameters.development_srs {
        report.unchecked(
            "SRS",
            "made locally for development: whoever made it can forge proofs; only chain 31337 accepts it",
        );
    } else {
        report.unchecked("SRS", format!("hash {}: compare it with the ceremony's", parameters.srs_hash));
    }
    report.unchecked(
        "proofs natively",
        "this version asks the deployed verifier and does not verify the proofs itself",
    );
    report.unchecked("keys", "this version does not recompute the verifying keys from source");
    Ok(())
}

/// The public inputs that a proof of this range must have, if the range is the one that the replay continues with.
fn statement(
    proven: &ProvenRange,
    deployment: Deployment,
    replayed: &Replayed,
    next: u64,
) -> Result<PublicInputs, String> {
    let (first, last) = (proven.event.first, proven.event.last);
    if first != next || last < first {
        return Err(format!("batch {next} should have been next"));
    }
    let entries =
        replayed.entries.get(first as usize - 1..last as usize).ok_or("these batches do not stand")?;
    let (old, new) = (replayed.roots[first as usize - 1], replayed.roots[last as usize]);
    let range = Range::of(entries, &deployment);
    for (what, ours, theirs) in [
        ("old root", old, proven.event.oldRoot),
        ("new root", new, proven.event.newRoot),
        ("D*", range.digest, proven.call.listDigest),
    ] {
        if B256::from(ours.to_bytes()) != theirs {
            return Err(format!("{what} is {ours}, L1 holds {theirs}"));
        }
    }
    let payee = Address(proven.event.payee.into_array());
    Ok(PublicInputs { old_root: old, new_root: new, range, payee, deployment })
}
