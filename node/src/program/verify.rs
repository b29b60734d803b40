//! `program verify`.

use std::path::Path;

use janction_audit::Sizing;
use janction_program::{Program, Tensor, npy};
use janction_program_prover::{ProgramProof, VerifyError};
use janction_trace::Policy;
use serde_json::json;

use super::error::ProgramProblem;
use super::keys::PieceKeys;
use super::run::timed;
use super::worth::Worth;
use super::{contract, load};
use crate::config::Config;
use crate::failure::Outcome;
use crate::file;
use crate::output::{Output, columns};
use crate::progress::Progress;

/// What is checked.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The job binary.
    pub program: &'a Path,
    /// The proof.
    pub proof: &'a Path,
    /// The input.
    pub input: &'a Path,
    /// The output.
    pub output: &'a Path,
}

/// Checks that the output is the program's, by a proof under `policy`.
///
/// # Errors
/// Files that cannot be read; a proof that does not show it.
pub fn verify(config: &Config, output: Output, files: Files<'_>, policy: Policy) -> Outcome {
    let program = load::program(files.program)?;
    let bytes = file::read(files.proof)?;
    if contract::is_one(&bytes) {
        return verify_for_contract(config, output, files, policy, &program, &bytes);
    }
    let unreadable =
        |source| ProgramProblem::ProofFile { file: files.proof.to_owned(), source: Box::new(source) };
    let statement = ProgramProof::statement_in(&bytes).map_err(unreadable)?;
    // Said before the seconds that keys may take.
    if statement.program != program.digest() {
        let other = VerifyError::Program { expected: program.digest(), got: statement.program };
        return Err(ProgramProblem::Verify(Box::new(other)).into());
    }
    if statement.policy != policy {
        let (file, found) = (files.proof.to_owned(), statement.policy);
        return Err(ProgramProblem::ProofPolicy { file, found, wanted: policy }.into());
    }
    let [input, result] = tensors(files, &program)?;
    if statement.rows as usize != input.rows() {
        let other = VerifyError::Rows { expected: input.rows(), got: statement.rows };
        return Err(ProgramProblem::Verify(Box::new(other)).into());
    }
    let sizing = Sizing::of_proof(&program, policy, input.rows());
    let bar = Progress::spinner(output, "making the keys from the program");
    let verifier = PieceKeys::new(config, &program, policy, sizing).verifier()?;
    bar.say("verifying".into());
    let (verified, took) = timed(|| {
        let proof = ProgramProof::from_bytes(&verifier, &bytes).map_err(unreadable)?;
        janction_program_prover::verify(&program, &verifier, &input, &result, &proof)
            .map_err(|e| ProgramProblem::Verify(Box::new(e)))
    });
    drop(bar);
    verified?;
    let worth = Worth::of(&verifier);
    let pieces = verifier.count(statement.rows);
    let value = json!({
        "verified": true,
        "program": statement.program.to_string(),
        "policy": policy.to_string(),
        "rows": statement.rows,
        "input_root": statement.input_root.to_string(),
        "trace_root": statement.trace_root.to_string(),
        "output_root": statement.output_root.to_string(),
        "pieces": pieces,
        "key": verifier.digest().to_string(),
        "verify_s": took.as_secs_f64(),
        "soundness": worth.in_words(),
        "soundness_bits": worth.describe(),
    });
    output.print(&value, |_| {
        columns(&[
            ("verified", format!("the output is what {} makes of the input", program.name())),
            ("policy", policy.to_string()),
            ("rows", statement.rows.to_string()),
            ("soundness", worth.in_words()),
            ("key", verifier.digest().to_string()),
            ("seconds", format!("{:.3}", took.as_secs_f64())),
        ])
    });
    Ok(())
}

/// Input and output.
fn tensors(files: Files<'_>, program: &Program) -> Outcome<[Tensor; 2]> {
    let input = load::input(files.input, program)?;
    let result = npy::decode(&file::read(files.output)?)
        .map_err(|source| ProgramProblem::Npy { file: files.output.to_owned(), source })?;
    Ok([input, result])
}

/// [`verify`] for a proof that was made for the program's contract.
fn verify_for_contract(
    config: &Config,
    output: Output,
    files: Files<'_>,
    policy: Policy,
    program: &Program,
    bytes: &[u8],
) -> Outcome {
    let proof = contract::read(files.proof, bytes)?;
    let stated = proof.execution;
    // Said before the seconds that keys may take.
    if stated.program != program.digest() {
        let other = VerifyError::Program { expected: program.digest(), got: stated.program };
        return Err(ProgramProblem::Verify(Box::new(other)).into());
    }
    if stated.policy != policy {
        let (file, found) = (files.proof.to_owned(), stated.policy);
        return Err(ProgramProblem::ProofPolicy { file, found, wanted: policy }.into());
    }
    let [input, result] = tensors(files, program)?;
    let bar = Progress::spinner(output, "making the keys from the program");
    let verifier = PieceKeys::new(config, program, policy, Sizing::Audit).verifier()?;
    drop(bar);
    let keys = contract::keys(config, output)?;
    let audit_key = contract::audit_key(&verifier, keys.wrapper.shape())?;
    let (verified, took) =
        timed(|| contract::verify(&keys, program, (policy, audit_key), [&input, &result], &proof));
    verified?;
    let worth = Worth::of_contract(&verifier, &keys);
    let value = json!({
        "verified": true,
        "program": stated.program.to_string(),
        "policy": policy.to_string(),
        "rows": stated.rows,
        "input_root": stated.input_root.to_string(),
        "output_root": stated.output_root.to_string(),
        "audit_key": audit_key.to_string(),
        "verify_s": took.as_secs_f64(),
        "soundness": worth.in_words(),
        "soundness_bits": worth.describe(),
    });
    output.print(&value, |_| {
        columns(&[
            ("verified", format!("the output is what {} makes of the input", program.name())),
            ("policy", policy.to_string()),
            ("rows", stated.rows.to_string()),
            ("soundness", worth.in_words()),
            ("audit key", audit_key.to_string()),
            ("seconds", format!("{:.3}", took.as_secs_f64())),
        ])
    });
    Ok(())
}
