//! Job binaries, inputs and audit keys, as the commands need them.

use std::path::Path;

use janction_aggregate::NodeShape;
use janction_audit::{AuditCircuits, AuditError};
use janction_program::{Program, Tensor, container, npy};
use janction_trace::Policy;

use super::error::ProgramProblem;
use crate::failure::Outcome;
use crate::file;

/// The program in a job binary; whatever the bytes, an error and no panic.
///
/// # Errors
/// No such file, no job binary, a corrupt one.
pub fn program(path: &Path) -> Outcome<Program> {
    let bytes = file::read(path)?;
    Ok(container::decode(&bytes)
        .map_err(|source| ProgramProblem::Binary { file: path.to_owned(), source })?)
}

/// The input in a NumPy file, which must be one that `program` takes.
///
/// # Errors
/// No such file, no tensor, another type or shape.
pub fn input(path: &Path, program: &Program) -> Outcome<Tensor> {
    let bytes = file::read(path)?;
    let tensor =
        npy::decode(&bytes).map_err(|source| ProgramProblem::Npy { file: path.to_owned(), source })?;
    fits(path, program, &tensor)?;
    Ok(tensor)
}

fn fits(path: &Path, program: &Program, input: &Tensor) -> Result<(), ProgramProblem> {
    let value = program.input();
    if input.dtype() != value.dtype {
        let (found, wanted) = (input.dtype(), value.dtype);
        return Err(ProgramProblem::InputType { file: path.to_owned(), found, wanted });
    }
    if input.columns() != value.columns() || input.rows() > program.max_rows() {
        return Err(ProgramProblem::InputShape {
            file: path.to_owned(),
            rows: input.rows(),
            columns: input.columns(),
            wanted: value.columns(),
            max_rows: program.max_rows(),
        });
    }
    Ok(())
}

/// The audit circuits of `program` under `policy`, made anew: seconds.
///
/// # Errors
/// The program is too large to be audited.
pub fn audit(program: &Program, policy: Policy) -> Result<AuditCircuits, ProgramProblem> {
    let shape = NodeShape::find().map_err(AuditError::from).map_err(ProgramProblem::AuditKey)?;
    AuditCircuits::build(&shape, program.clone(), policy).map_err(ProgramProblem::AuditKey)
}
