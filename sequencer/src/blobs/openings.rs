//! Whether openings show what a claim names: everything that an audit checks but the rows themselves. A worker that
//! computed false rows may publish them; that is what the audit is for. What nobody could audit is kept out, since the
//! first openings of a claim take its name.

use janction_program::npy;
use janction_protocol::claim::Claim;
use janction_trace::{Commitment, Openings};

use super::content::Material;

/// Checks openings against the claim that they are to prove.
///
/// # Errors
/// One line that says what is wrong.
pub fn check(material: &Material, claim: &Claim, bytes: &[u8]) -> Result<(), String> {
    let program = material.program()?;
    let input = material.input.as_deref().ok_or("the job's input is not known")?;
    let input = npy::decode(input).map_err(|e| format!("the input in the store is damaged: {e}"))?;
    let commitment = Commitment::of(claim).map_err(|e| e.to_string())?;
    let openings = Openings::from_bytes(&program, &input, bytes).map_err(|e| e.to_string())?;
    openings.check(&program, &commitment).map_err(|e| e.to_string())
}
