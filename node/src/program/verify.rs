//! `program verify`.

use std::path::Path;
use std::time::Duration;

use janction_audit::Sizing;
use janction_program::{Program, Tensor, npy};
use janction_program_prover::{ProgramProof, VerifyError};
use janction_protocol::Digest;
use janction_trace::Policy;
use serde_json::{Value, json};

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
    let shown = Shown {
        rows: statement.rows,
        policy,
        roots: [statement.input_root, statement.output_root],
        key: ("key", verifier.digest()),
        worth: Worth::of(&verifier, program.scheme()),
        took,
    };
    let more = json!({
        "trace_root": statement.trace_root.to_string(),
        "pieces": verifier.count(statement.rows),
    });
    shown.print(output, &program, more);
    Ok(())
}

/// What a proof has shown.
struct Shown {
    rows: u32,
    policy: Policy,
    /// Of input and output.
    roots: [Digest; 2],
    /// What it was verified with, and what that is called.
    key: (&'static str, Digest),
    worth: Worth,
    took: Duration,
}

impl Shown {
    /// Prints it; with `--json` also the fields of `more`.
    fn print(&self, output: Output, program: &Program, more: Value) {
        let [input_root, output_root] = self.roots.map(|root| root.to_string());
        let (key_name, key) = (self.key.0, self.key.1.to_string());
        let mut value = json!({
            "verified": true,
            "program": program.digest().to_string(),
            "policy": self.policy.to_string(),
            "rows": self.rows,
            "input_root": input_root,
            "output_root": output_root,
            (key_name.replace(' ', "_")): key,
            "verify_s": self.took.as_secs_f64(),
            "soundness": self.worth.in_words(),
            "soundness_bits": self.worth.describe(),
        });
        if let (Value::Object(fields), Value::Object(more)) = (&mut value, more) {
            fields.extend(more);
        }
        output.print(&value, |_| {
            columns(&[
                ("verified", format!("the output is what {} makes of the input", program.name())),
                ("policy", self.policy.to_string()),
                ("rows", self.rows.to_string()),
                ("soundness", self.worth.in_words()),
                (key_name, key.clone()),
                ("seconds", format!("{:.3}", self.took.as_secs_f64())),
            ])
        });
    }
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
    let shown = Shown {
        rows: stated.rows,
        policy,
        roots: [stated.input_root, stated.output_root],
        key: ("audit key", audit_key),
        worth: Worth::of_contract(&verifier, program.scheme(), &keys),
        took,
    };
    shown.print(output, program, json!({}));
    Ok(())
}
