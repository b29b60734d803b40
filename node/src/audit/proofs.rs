//! The proofs: that the contract accepted the right statements, and that they hold.

use alloy::primitives::B256;
use janction_bindings::{L1, Parameters, ProvenRange};
use janction_protocol::binding::{PublicInputs, Range};
use janction_protocol::{Address, Deployment};
use janction_wrap::{AuditKey, EvmProof};

use super::replay::{History, Replayed};
use super::report::Report;
use crate::failure::Outcome;

/// Checks every proof: by `eth_call` of the deployed verifier, and, with `key`, here with arkworks.
///
/// # Errors
/// L1 does not answer.
pub async fn check(
    report: &mut Report,
    l1: &L1,
    deployment: Deployment,
    history: &History,
    replayed: &Replayed,
    parameters: &Parameters,
    key: Option<&AuditKey>,
) -> Outcome {
    let (mut statements, mut native, mut accepted) = (Vec::new(), Vec::new(), 0);
    let mut next = 1;
    for proven in &history.proven {
        let name = format!("batches {} to {}", proven.event.first, proven.event.last);
        let due = std::mem::replace(&mut next, proven.event.last + 1);
        let instances = match statement(proven, deployment, replayed, due) {
            Ok(instances) => instances.to_u64s(),
            Err(reason) => {
                statements.push(format!("{name}: {reason}"));
                continue;
            }
        };
        let proof = proven.call.proof.clone();
        if let Some(Err(reason)) = key.map(|key| key.verify(&evm_proof(&instances, &proof))) {
            native.push(format!("{name}: {reason}"));
        }
        match l1.verify(parameters.wrapper, instances, proof).await {
            Ok(true) => accepted += 1,
            Ok(false) => statements.push(format!("{name}: the deployed verifier refuses the proof")),
            Err(error) => statements.push(format!("{name}: {error}")),
        }
    }
    report.equal(
        "proofs on L1",
        statements.is_empty(),
        format!("{accepted} accepted by the deployed verifier for the statements that the replay gives"),
        statements.join("; "),
    );
    if key.is_none() {
        report.unchecked("proofs natively", "not without keys (--keys none)");
    } else {
        report.equal(
            "proofs natively",
            native.is_empty() && statements.is_empty(),
            format!("{accepted} verified here with arkworks, under the key of this source"),
            native.join("; "),
        );
    }
    if parameters.development_srs {
        report.unchecked(
            "SRS",
            "made locally for development: whoever made it can forge proofs; only chain 31337 accepts it",
        );
    } else {
        report.unchecked("SRS", format!("hash {}: compare it with the ceremony's", parameters.srs_hash));
    }
    let unproven = (history.batches.len() as u64 + 1).saturating_sub(next);
    if unproven > 0 {
        report.unchecked("unproven batches", format!("{unproven} are committed and not proven yet"));
    }
    Ok(())
}

/// As the auditor's verifier takes it: instances as words.
fn evm_proof(instances: &[u64], proof: &[u8]) -> EvmProof {
    let word = |x: &u64| {
        let mut word = [0; 32];
        word[24..].copy_from_slice(&x.to_be_bytes());
        word
    };
    EvmProof { instances: instances.iter().map(word).collect(), proof: proof.to_vec() }
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
