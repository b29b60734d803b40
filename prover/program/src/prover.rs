//! From a trace to its proof.

use janction_aggregate::Prover;
use janction_audit::AuditPieces;
use janction_trace::{Openings, Trace};

use crate::{ProgramProof, ProveError, Statement};

/// Proves the execution that `trace` commits to, under the policy of `pieces`. `progress` hears how many pieces of how many
/// are done, first with zero.
///
/// # Errors
/// [`ProveError::Audit`] with operation, row and column when the trace is false, before any proof is begun, and when a proof
/// fails; [`ProveError::Trace`] when the trace is none of the program.
pub fn prove(
    pieces: &AuditPieces,
    prover: &dyn Prover,
    trace: Trace,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ProgramProof, ProveError> {
    let program = pieces.program();
    trace.check_form(program)?;
    let statement = Statement::of(program, pieces.policy(), &trace);
    let commitment = statement.commitment();
    let draws = pieces.end(statement.rows) as usize;
    let openings = Openings::of(program, trace, &commitment, draws)?;
    pieces.check(&openings, &commitment)?;
    let preparation = pieces.prepare_execution(&openings, &commitment);
    let count = preparation.pieces();
    progress(0, count);
    let mut proofs = Vec::with_capacity(count);
    for index in 0..count {
        proofs.push(pieces.prove(prover, &openings, &preparation, index)?);
        progress(index + 1, count);
    }
    let (checked, folds) = (preparation.checked(), preparation.folds());
    Ok(ProgramProof { statement, checked, folds, pieces: proofs })
}
