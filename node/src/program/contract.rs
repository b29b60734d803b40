//! Proofs that contracts read: how they stand in a file, and the keys that all programs share.
//!
//! The file is JSON: `program`, `audit_key`, `policy`, `rows`, `input_root`, `output_root`, `proof`, all that a contract's `verify`
//! is asked with; and `calldata`, that call, for whoever sends it as it is.

use std::path::Path;
use std::time::Duration;

use alloy::primitives::{Bytes, U256};
use alloy::sol;
use alloy::sol_types::SolCall;
use janction_aggregate::config::{Circuit, F, Proof};
use janction_aggregate::{BoxError, NodeShape};
use janction_audit::{Execution, PieceVerifier, audit_key_digest};
use janction_program::{Program, Tensor};
use janction_program_prover::{ContractProof, ProgramProof, join_pieces, verify_contract_proof};
use janction_protocol::Digest;
use janction_prover::progress::{Progress as Told, Stage};
use janction_prover::{Engines, ExecutionKeys};
use janction_trace::Policy;
use plonky2::iop::witness::PartialWitness;
use serde::{Deserialize, Serialize};

use super::error::ProgramProblem;
use crate::config::Config;
use crate::failure::Outcome;
use crate::file;
use crate::output::Output;
use crate::progress::Progress;

sol! {
    /// `ProgramVerifier` (verifier-contracts/src/ProgramVerifier.sol).
    function verify(uint256 rows, bytes32 inputRoot, bytes32 outputRoot, bytes proof) external view returns (bool);
}

/// A proof as it stands in a file.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
struct Form {
    program: String,
    audit_key: String,
    policy: String,
    rows: u32,
    input_root: String,
    output_root: String,
    proof: String,
    calldata: String,
}

/// The call that asks a program's contract about a proof.
pub fn calldata(proof: &ContractProof) -> Vec<u8> {
    let Execution { rows, input_root, output_root, .. } = proof.execution;
    verifyCall {
        rows: U256::from(rows),
        inputRoot: input_root.to_bytes().into(),
        outputRoot: output_root.to_bytes().into(),
        proof: Bytes::copy_from_slice(&proof.proof),
    }
    .abi_encode()
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn encode(proof: &ContractProof) -> Form {
    let Execution { audit_key, program, input_root, output_root, rows, policy } = proof.execution;
    Form {
        program: program.to_string(),
        audit_key: audit_key.to_string(),
        policy: policy.to_string(),
        rows,
        input_root: input_root.to_string(),
        output_root: output_root.to_string(),
        proof: hex(&proof.proof),
        calldata: hex(&calldata(proof)),
    }
}

/// The proof in a file, or what is wrong with it in words. What is accepted has no other fields.
fn decode(bytes: &[u8]) -> Result<ContractProof, String> {
    let form: Form = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let digest = |name: &str, text: &str| text.parse::<Digest>().map_err(|e| format!("{name}: {e}"));
    let proof = hex::decode(form.proof.strip_prefix("0x").unwrap_or(&form.proof));
    let proof = ContractProof {
        execution: Execution {
            audit_key: digest("audit_key", &form.audit_key)?,
            program: digest("program", &form.program)?,
            input_root: digest("input_root", &form.input_root)?,
            output_root: digest("output_root", &form.output_root)?,
            rows: form.rows,
            policy: form.policy.parse().map_err(|e| format!("policy: {e}"))?,
        },
        proof: proof.map_err(|e| format!("proof: {e}"))?,
    };
    // One form only: what is shown is what is sent.
    let written = encode(&proof);
    if form.calldata != written.calldata {
        return Err("calldata is not the call with these fields".to_owned());
    }
    if form != written {
        return Err("a field is not in its only form (0x and small letters)".to_owned());
    }
    Ok(proof)
}

/// Whether a file is such a proof, and no program proof.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The proof in `bytes`, which were read from `path`.
///
/// # Errors
/// [`ProgramProblem::ContractFile`].
pub fn read(path: &Path, bytes: &[u8]) -> Result<ContractProof, ProgramProblem> {
    decode(bytes).map_err(|reason| ProgramProblem::ContractFile { file: path.to_owned(), reason })
}

/// Writes a proof.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, proof: &ContractProof) -> Outcome {
    let text = serde_json::to_string_pretty(&encode(proof))
        .map_err(|e| ProgramProblem::ContractFile { file: path.to_owned(), reason: e.to_string() })?;
    Ok(file::write(path, (text + "\n").as_bytes())?)
}

/// The keys that all programs' proofs for contracts share: from `keys_dir`, or made.
///
/// # Errors
/// No SRS, a full disk.
pub fn keys(config: &Config, output: Output) -> Outcome<ExecutionKeys> {
    let bar =
        Progress::spinner(output, "reading the keys that all programs share; the first time they are made");
    let own = config.prover()?;
    let keys = ExecutionKeys::load_or_build(&own.keys, own.chain_id, &own.srs, &Shown(&bar))?;
    drop(bar);
    Ok(keys)
}

/// Tells the spinner.
struct Shown<'a>(&'a Progress);

impl Told for Shown<'_> {
    fn step(&self, stage: Stage, done: usize, _: usize, _: Duration) {
        if stage == Stage::WrapKeys && done == 0 {
            self.0
                .say("reading the keys of the last proof; the first time they are made, in a minute".into());
        }
    }
}

/// The digest of a program's audit key under the policy of `verifier`.
///
/// # Errors
/// [`ProgramProblem::AuditKey`].
pub fn audit_key(verifier: &PieceVerifier, shape: &NodeShape) -> Result<Digest, ProgramProblem> {
    let leaf = verifier.leaf(shape).map_err(ProgramProblem::AuditKey)?;
    Ok(audit_key_digest(&leaf.data().verifier_only))
}

/// Makes a program proof one that contracts read, and verifies it.
///
/// # Errors
/// [`ProgramProblem::Joining`], [`ProgramProblem::Wrapping`].
pub fn prove(
    output: Output,
    keys: &ExecutionKeys,
    engines: &Engines,
    verifier: &PieceVerifier,
    proof: &ProgramProof,
) -> Result<ContractProof, ProgramProblem> {
    let ExecutionKeys { wrapper, circuit, wrap } = keys;
    let engine = engines.goldilocks();
    let prover = |circuit: &Circuit, inputs: PartialWitness<F>| -> Result<Proof, BoxError> {
        Ok(engine.prove(circuit, inputs)?)
    };
    let bar = Progress::spinner(output, "joining the pieces");
    let joined = || {
        let leaf = verifier.leaf(wrapper.shape())?;
        let audit = join_pieces(&prover, verifier, &leaf, wrapper, proof)?;
        let (program, commitment) = (proof.statement.program, proof.statement.commitment());
        circuit.prove(&prover, wrapper.verifier(), &audit, program, &commitment)
    };
    let (execution, joined) = joined().map_err(ProgramProblem::Joining)?;
    bar.say("making the last layer".into());
    let wrapping = |error| ProgramProblem::Wrapping(Box::new(error));
    let last = wrap.layers().prove(engines, &joined).map_err(wrapping)?;
    bar.say("making the proof for the contract".into());
    let made = wrap.wrap(&last).map_err(wrapping)?;
    let proof = ContractProof { execution, proof: made.proof.clone() };
    // What the circuits state is what is handed out.
    if proof.to_evm() != made {
        let reason = "its public inputs are not those of the execution".to_owned();
        return Err(ProgramProblem::Wrapping(Box::new(janction_wrap::WrapError::InvalidProof(reason))));
    }
    Ok(proof)
}

/// Checks that `result` is what `program` makes of `input`, by a proof for contracts.
///
/// # Errors
/// [`ProgramProblem::Verify`], [`ProgramProblem::AuditKey`].
pub fn verify(
    keys: &ExecutionKeys,
    program: &Program,
    (policy, audit_key): (Policy, Digest),
    [input, result]: [&Tensor; 2],
    proof: &ContractProof,
) -> Result<(), ProgramProblem> {
    let refused = |error| ProgramProblem::Verify(Box::new(error));
    let key = keys.wrap.verifier().audit_key().map_err(|error| refused(error.into()))?;
    verify_contract_proof(program, (policy, audit_key), &key, input, result, proof).map_err(refused)
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;

    use super::*;

    fn proof() -> ContractProof {
        let digest = |i: u64| Digest([i, 2, 3, 4].map(F::from_canonical_u64));
        ContractProof {
            execution: Execution {
                audit_key: digest(1),
                program: digest(2),
                input_root: digest(3),
                output_root: digest(4),
                rows: 7,
                policy: Policy::Rows(44),
            },
            proof: vec![1, 2, 0xff],
        }
    }

    #[test]
    fn survives_the_disk_and_nothing_else_does() {
        let text = serde_json::to_string(&encode(&proof())).expect("plain data");
        assert_eq!(decode(text.as_bytes()), Ok(proof()));
        assert!(is_one(format!(" \n{text}").as_bytes()) && !is_one(b"JNCPROOF") && !is_one(b""));
        for (from, to) in [
            ("rows\":7", "rows\":8"),
            ("rows:44", "rows:+44"),
            ("0102ff\"", "0102FF\""),
            ("0102ff", "0102fe"),
            ("0102ff", "0102f"),
            ("\"rows\":7,", ""),
            ("{", "{\"more\":1,"),
            ("0x0000000000000003", "0xffffffffffffffff"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert!(changed != text && decode(changed.as_bytes()).is_err(), "{from} -> {to}");
        }
        for cut in 0..text.len() {
            assert!(decode(&text.as_bytes()[..cut]).is_err());
        }
    }

    #[test]
    fn instances_are_those_of_the_contract() {
        let instances = proof().execution.instances();
        assert_eq!(instances, [1, 2, 3, 4, 2, 2, 3, 4, 3, 2, 3, 4, 4, 2, 3, 4, 7, 44]);
        let evm = proof().to_evm();
        assert!(
            evm.instances
                .iter()
                .zip(instances)
                .all(|(word, i)| { word[..24] == [0; 24] && word[24..] == i.to_be_bytes() })
        );
    }
}
