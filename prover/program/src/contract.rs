//! From a program proof to one that a contract reads.
//!
//! ```text
//! pieces ─> leaves ─> gatherings ─> execution ─> last layers ─> halo2 proof
//! ```
//!
//! Leaf and audit key are the program's; everything from the gatherings on is the same for all programs, so one generated
//! verifier on L1 serves them all, and a contract of a few lines pins program, audit key and policy.

use janction_aggregate::config::Proof;
use janction_aggregate::{LeafCircuit, Prover};
use janction_audit::{AuditError, AuditProof, Execution, PieceVerifier, Wrapper, join};
use janction_program::{Program, Tensor};
use janction_protocol::Digest;
use janction_trace::Policy;
use janction_wrap::{AuditKey, EvmProof};

use crate::verifier::check_tensors;
use crate::{ProgramProof, VerifyError};

/// A proof that a contract reads, with what it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractProof {
    /// What is proven.
    pub execution: Execution,
    /// The halo2 proof.
    pub proof: Vec<u8>,
}

/// Joins all pieces of a proof into one node, with the program's leaf circuit ([`PieceVerifier::leaf`]).
///
/// # Errors
/// [`AuditError::Aggregate`] when the pieces are not those of `verifier`, in order.
pub fn join_pieces(
    prover: &dyn Prover,
    verifier: &PieceVerifier,
    leaf: &LeafCircuit,
    wrapper: &Wrapper,
    proof: &ProgramProof,
) -> Result<AuditProof, AuditError> {
    let rows = proof.statement.rows;
    let pieces: Vec<(usize, &Proof)> = verifier.circuits(rows).zip(&proof.pieces).collect();
    Ok(AuditProof {
        audit_key: leaf.data().verifier_only.clone(),
        node: join(prover, leaf, wrapper.gather(), &pieces)?,
        end: verifier.end(rows),
        checked: proof.checked,
        folds: proof.folds,
    })
}

impl ContractProof {
    /// The proof as halo2's verifiers take it.
    #[must_use]
    pub fn to_evm(&self) -> EvmProof {
        let word = |instance: u64| {
            let mut word = [0; 32];
            word[24..].copy_from_slice(&instance.to_be_bytes());
            word
        };
        EvmProof { instances: self.execution.instances().map(word).to_vec(), proof: self.proof.clone() }
    }
}

/// Checks that `output` is what `program` makes of `input`, as far as `policy` says, by a proof for contracts.
///
/// `audit_key` must be the digest of the program's own leaf circuit under the policy, and `key` that of the
/// [`janction_audit::ExecutionCircuit`]: never take either from whoever sent the proof.
///
/// # Errors
/// [`VerifyError`]: the first thing that does not hold.
pub fn verify_contract_proof(
    program: &Program,
    (policy, audit_key): (Policy, Digest),
    key: &AuditKey,
    input: &Tensor,
    output: &Tensor,
    proof: &ContractProof,
) -> Result<(), VerifyError> {
    let stated = proof.execution;
    if stated.program != program.digest() {
        return Err(VerifyError::Program { expected: program.digest(), got: stated.program });
    }
    if stated.policy != policy {
        return Err(VerifyError::Policy { expected: policy, got: stated.policy });
    }
    if stated.audit_key != audit_key {
        return Err(VerifyError::AuditKey { expected: audit_key, got: stated.audit_key });
    }
    check_tensors(program, stated.rows, [(input, stated.input_root), (output, stated.output_root)])?;
    Ok(key.verify(&proof.to_evm())?)
}
