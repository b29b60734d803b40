//! `program verify`.

use std::path::Path;

use janction_program::npy;
use janction_program_prover::{ProgramProof, VerifyError};
use janction_trace::Policy;
use serde_json::json;

use super::error::ProgramProblem;
use super::keys::PieceKeys;
use super::load;
use super::run::timed;
use super::worth::Worth;
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
    let input = load::input(files.input, &program)?;
    let result = npy::decode(&file::read(files.output)?)
        .map_err(|source| ProgramProblem::Npy { file: files.output.to_owned(), source })?;
    let bar = Progress::spinner(output, "making the keys from the program");
    let verifier = PieceKeys::new(config, &program, policy).verifier()?;
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
