//! The circuits' rules, natively: a false trace is refused with operation, row and rule before any proof is begun.

use std::fmt::Display;

use janction_program::commitment::row_digest;
use janction_protocol::claim::Claim;
use janction_trace::{Policy, Trace, draw};
use plonky2::field::types::Field;

use janction_gadgets::F;

use crate::audit::AuditCircuits;
use crate::error::{AuditError, Place, Rule};
use crate::piece::tensor;

/// Fails when the claim's field is not what this audit is about.
fn same<T: PartialEq + Display>(field: &'static str, claimed: T, here: T) -> Result<(), AuditError> {
    if claimed == here {
        return Ok(());
    }
    Err(AuditError::Claim { field, claimed: claimed.to_string(), here: here.to_string() })
}

/// Checks that the trace has the program's form and is the one that the claim names.
pub(crate) fn claim(audit: &AuditCircuits, trace: &Trace, claim: &Claim) -> Result<(), AuditError> {
    shape(audit, trace)?;
    let rows = trace.rows() as u32;
    let policy = audit.policy().code();
    same("program", claim.program, audit.program().digest())?;
    same("audit key", claim.audit_key, audit.audit_key_digest())?;
    same("policy", claim.policy, policy)?;
    same("input rows", claim.input_rows, rows)?;
    same("coverage", claim.coverage, if policy == 0 { rows } else { policy })?;
    same("input root", claim.input_root, trace.input_root())?;
    same("trace root", claim.trace_root, trace.trace_root())?;
    same("output root", claim.output_root, trace.output_root())
}

fn shape(audit: &AuditCircuits, trace: &Trace) -> Result<(), AuditError> {
    let shapes = &audit.plan.shapes;
    if trace.tensors().len() + 1 != shapes.len() {
        let (expected, got) = (shapes.len() - 1, trace.tensors().len());
        return Err(AuditError::Trace {
            reason: format!("{got} tensors, the program commits to {expected}"),
        });
    }
    for (k, shape) in shapes.iter().enumerate() {
        let committed = tensor(trace, k);
        let (t, depth) = (committed.tensor(), committed.tree().depth());
        let fits = (t.dtype(), t.columns(), t.rows(), depth)
            == (shape.dtype, shape.columns, trace.rows(), audit.program().depth());
        if !fits {
            return Err(AuditError::Trace {
                reason: format!(
                    "tensor {k} has {} rows of {} {} in a tree of depth {depth}, the program wants {} rows of {} {} in \
                     one of depth {}",
                    t.rows(),
                    t.columns(),
                    t.dtype(),
                    trace.rows(),
                    shape.columns,
                    shape.dtype,
                    audit.program().depth()
                ),
            });
        }
    }
    Ok(())
}

/// Checks every audited row. The trace must have passed [`claim`].
pub(crate) fn rows(audit: &AuditCircuits, trace: &Trace, claim: &Claim) -> Result<(), AuditError> {
    let beacon = claim.beacon.map(F::from_canonical_u64);
    for k in 0..audit.plan.steps.len() {
        let rows = match audit.policy() {
            Policy::Full => (0..trace.rows()).collect(),
            Policy::Rows(_) => {
                let draws = audit.end(claim.input_rows) as usize;
                let mut rows = draw::draw_rows(beacon, k, trace.rows(), draws);
                rows.sort_unstable();
                rows.dedup();
                rows
            }
        };
        for row in rows {
            check_row(audit, trace, k, row)?;
        }
    }
    Ok(())
}

/// The row check of row `row` of operation `k`.
fn check_row(audit: &AuditCircuits, trace: &Trace, k: usize, row: usize) -> Result<(), AuditError> {
    let step = &audit.plan.steps[k];
    check_digest(audit, trace, step.operand, row)?;
    check_digest(audit, trace, k + 1, row)?;
    let operand = tensor(trace, step.operand).tensor().row(row);
    let output = tensor(trace, k + 1).tensor().row(row);
    for (column, expected) in step.check.run(&operand).into_iter().enumerate() {
        let got = output.get(column);
        if got != expected {
            return Err(AuditError::FalseRow {
                operation: step.name.clone(),
                row,
                place: Place::Column(column),
                rule: Rule::Result,
                expected: expected.to_string(),
                got: got.to_string(),
            });
        }
    }
    Ok(())
}

/// Row `row` of tensor `k` is committed to by its hash.
fn check_digest(audit: &AuditCircuits, trace: &Trace, k: usize, row: usize) -> Result<(), AuditError> {
    let committed = tensor(trace, k);
    let (expected, got) = (row_digest(&committed.tensor().row(row)), committed.tree().leaves()[row]);
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
