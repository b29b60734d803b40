//! The circuits' rules, natively: a false trace is refused with operation, row and rule before any proof is begun.

use std::fmt::Display;

use janction_program::Cells;
use janction_protocol::claim::Claim;
use janction_trace::{CheckError, Commitment, CommittedTensor, Openings, OpeningsError, Trace};

use crate::audit::AuditCircuits;
use crate::error::{AuditError, Place, Rule};
use crate::piece::tensor;
use crate::pieces::AuditPieces;

/// Fails when the claim's field is not what this audit is about.
fn same<T: PartialEq + Display>(field: &'static str, claimed: T, here: T) -> Result<(), AuditError> {
    if claimed == here {
        return Ok(());
    }
    Err(AuditError::Claim { field, claimed: claimed.to_string(), here: here.to_string() })
}

/// Checks that the claim is one of this program, key and policy. Returns what its openings are bound to.
pub(crate) fn claim(audit: &AuditCircuits, claim: &Claim) -> Result<Commitment, AuditError> {
    let policy = audit.policy().code();
    same("program", claim.program, audit.program().digest())?;
    same("audit key", claim.audit_key, audit.audit_key_digest())?;
    same("policy", claim.policy, policy)?;
    same("coverage", claim.coverage, if policy == 0 { claim.input_rows } else { policy })?;
    Commitment::of(claim).map_err(|e| AuditError::Openings(e.into()))
}

/// Checks that the openings are those of the commitment, as many as its pieces check.
pub(crate) fn openings(
    audit: &AuditPieces,
    openings: &Openings,
    commitment: &Commitment,
) -> Result<(), AuditError> {
    openings.check(audit.program(), commitment)?;
    if let Openings::Drawn(rows) = openings {
        let (end, got) = (end(audit, commitment), rows.draws());
        if got < end {
            return Err(AuditError::Openings(OpeningsError::Draws { least: end, most: end, got }));
        }
    }
    Ok(())
}

/// Where the audit's stages of rows end. A job has at most 2^24 rows.
fn end(audit: &AuditPieces, commitment: &Commitment) -> usize {
    audit.end(commitment.rows as u32) as usize
}

/// Checks every audited row. The openings must have passed [`openings`].
pub(crate) fn rows(
    audit: &AuditPieces,
    openings: &Openings,
    commitment: &Commitment,
) -> Result<(), AuditError> {
    match openings {
        Openings::Full(trace) => {
            for k in 0..audit.plan.steps.len() {
                (0..trace.rows()).try_for_each(|row| check_row(audit, trace, k, row))?;
            }
            Ok(())
        }
        // That these rows are the committed ones, their paths have shown.
        Openings::Drawn(rows) => {
            let end = end(audit, commitment);
            for (k, pairs) in rows.operations.iter().enumerate() {
                for pair in pairs.iter().take(end) {
                    let operands: Vec<&Cells> = pair.inputs.iter().map(|opened| &opened.cells).collect();
                    check_result(audit, k, pair.output.row, &operands, &pair.output.cells)?;
                }
            }
            Ok(())
        }
    }
}

/// The row check of row `row` of operation `k`, with the digests that the row trees hold.
fn check_row(audit: &AuditPieces, trace: &Trace, k: usize, row: usize) -> Result<(), AuditError> {
    let step = &audit.plan.steps[k];
    let open = |t: usize| {
        let committed = tensor(trace, t);
        let cells = committed.tensor().row(row);
        check_leaf(audit, t, row, committed)?;
        Ok::<_, AuditError>(cells)
    };
    let operands = step.operands.iter().map(|&t| open(t)).collect::<Result<Vec<_>, _>>()?;
    check_result(audit, k, row, &operands.iter().collect::<Vec<_>>(), &open(step.output)?)
}

/// Row `row` of operation `k`'s output follows from the same row of its operands.
fn check_result(
    audit: &AuditPieces,
    k: usize,
    row: usize,
    operands: &[&Cells],
    output: &Cells,
) -> Result<(), AuditError> {
    let error = match janction_trace::check_row(audit.program(), k, row, operands, output) {
        Ok(()) => return Ok(()),
        Err(CheckError::Fault(fault)) => fault,
        Err(error) => return Err(AuditError::Openings(error.into())),
    };
    Err(AuditError::FalseRow {
        operation: error.operation,
        row,
        place: Place::Column(error.column),
        rule: Rule::Result,
        expected: error.expected.to_string(),
        got: error.got.to_string(),
    })
}

/// Row `row` of tensor `k`, the first one of its leaf, is committed to with the others of it.
fn check_leaf(
    audit: &AuditPieces,
    k: usize,
    row: usize,
    committed: &CommittedTensor,
) -> Result<(), AuditError> {
    let (program, rows) = (audit.program(), committed.tensor().rows());
    let block = janction_trace::block_of(program, row, rows);
    if block.start != row {
        // Its block's first row is checked as well.
        return Ok(());
    }
    let cells: Vec<Cells> = block.map(|row| committed.tensor().row(row)).collect();
    let expected = program.scheme().leaf(&cells.iter().collect::<Vec<_>>());
    let got = committed.tree().leaves()[row >> program.scheme().block_bits()];
    if expected == got {
        return Ok(());
    }
    let operation = match k.checked_sub(1) {
        None => audit.program().input().name.clone(),
        Some(step) => audit.plan.steps[step].name.clone(),
    };
    Err(AuditError::FalseRow {
        operation,
        row,
        place: Place::Row,
        rule: Rule::Digest,
        expected: expected.to_string(),
        got: got.to_string(),
    })
}
