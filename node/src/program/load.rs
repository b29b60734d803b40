//! Job binaries, inputs and audit keys, as the commands need them.

use std::path::Path;

use janction_audit::AuditFacts;
use janction_program::{Program, Tensor, container, npy};
use janction_trace::Policy;
use janction_worker::AuditKeys;

use super::error::ProgramProblem;
use crate::config::Config;
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

/// Key and size of the audit of `program` under `policy`: made in seconds the first time, then kept in the data folder.
///
/// # Errors
/// The program is too large to be audited.
pub fn audit(config: &Config, program: &Program, policy: Policy) -> Result<AuditFacts, ProgramProblem> {
    let keys = AuditKeys::on_disk(config.data_dir.join("audit-keys")).unwrap_or_else(|error| {
        tracing::warn!(%error, "audit keys are not kept");
        AuditKeys::default()
    });
    keys.facts(program, policy).map_err(ProgramProblem::AuditKey)
}
