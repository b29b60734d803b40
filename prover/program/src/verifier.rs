//! Whether a proof shows that an output is the program's for an input.

use janction_audit::PieceVerifier;
use janction_program::{Program, Tensor};
use janction_protocol::Digest;
use janction_trace::TraceError;

use crate::{ProgramProof, Statement, VerifyError};

/// Checks that `output` is what `program` makes of `input`, as far as the policy of `verifier` says ([`crate::soundness`]).
///
/// `verifier` must follow from the program: take [`PieceVerifier::of`] of circuits that were built from it, or what was kept of
/// them where only you write.
///
/// # Errors
/// [`VerifyError`]: the first thing that does not hold.
pub fn verify(
    program: &Program,
    verifier: &PieceVerifier,
    input: &Tensor,
    output: &Tensor,
    proof: &ProgramProof,
) -> Result<(), VerifyError> {
    let Statement { program: of_program, policy, .. } = proof.statement;
    let digest = program.digest();
    if verifier.program() != digest {
        return Err(VerifyError::Verifier { expected: digest, got: verifier.program() });
    }
    if of_program != digest {
        return Err(VerifyError::Program { expected: digest, got: of_program });
    }
    if policy != verifier.policy() {
        return Err(VerifyError::Policy { expected: verifier.policy(), got: policy });
    }
    let Statement { rows, input_root, output_root, .. } = proof.statement;
    check_tensors(program, rows, [(input, input_root), (output, output_root)])?;
    check_chain(verifier, proof)?;
    for (index, (circuit, piece)) in verifier.circuits(proof.statement.rows).zip(&proof.pieces).enumerate() {
        verifier
            .verify(circuit, piece)
            .map_err(|error| VerifyError::Piece { index, source: Box::new(error) })?;
    }
    Ok(())
}

/// Input and output are of the program's form, of `rows` rows, and have these roots.
pub(crate) fn check_tensors(
    program: &Program,
    rows: u32,
    [input, output]: [(&Tensor, Digest); 2],
) -> Result<(), VerifyError> {
    program.check_input(input.0)?;
    let expected = input.0.rows();
    if rows as usize != expected {
        return Err(VerifyError::Rows { expected, got: rows });
    }
    let value = program.tensor(program.output_source());
    let form = |rows, columns, dtype| format!("{rows} rows of {columns} cells of type {dtype}");
    let got = form(output.0.rows(), output.0.columns(), output.0.dtype());
    let expected = form(expected, value.columns(), value.dtype);
    if expected != got {
        return Err(VerifyError::Output { expected, got });
    }
    for (what, (tensor, got)) in [("input", input), ("output", output)] {
        let expected = program.root_of(tensor).map_err(TraceError::from)?;
        if expected != got {
            return Err(VerifyError::Root { what, expected, got });
        }
    }
    Ok(())
}

/// The pieces are as many as the rows take, and lead from the start of the statement's audit to its end.
fn check_chain(verifier: &PieceVerifier, proof: &ProgramProof) -> Result<(), VerifyError> {
    let ProgramProof { statement, checked, folds, pieces } = proof;
    let (expected, got) = (verifier.count(statement.rows), pieces.len());
    if expected != got {
        return Err(VerifyError::PieceCount { expected, got });
    }
    let [mut state, done] = verifier.ends(&statement.commitment(), *checked, *folds);
    let same = |index, what, expected: Digest, got| {
        if expected == got { Ok(()) } else { Err(VerifyError::Chain { index, what, expected, got }) }
    };
    for (index, piece) in pieces.iter().enumerate() {
        let [before, after] = PieceVerifier::states(piece)
            .map_err(|error| VerifyError::Piece { index, source: Box::new(error) })?;
        same(index, "begins", state, before)?;
        state = after;
    }
    same(pieces.len() - 1, "ends", done, state)
}
