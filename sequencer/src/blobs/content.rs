//! Whether content is what its name says. Reading never panics and takes no more than a few times the bytes in memory.

use janction_program::{DType, Program, container, npy};
use janction_protocol::Digest;

use super::openings;
use crate::batcher::uploads::Wanted;

/// What a check needs besides the content: blobs that were checked when they came in.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// The job binary; for everything but a job binary.
    pub program: Option<Vec<u8>>,
    /// The input; for the openings of a `full` audit.
    pub input: Option<Vec<u8>>,
}

impl Material {
    /// The decoded job binary.
    ///
    /// # Errors
    /// When it is not there or damaged.
    pub fn program(&self) -> Result<Program, String> {
        let bytes = self.program.as_deref().ok_or("its program is not known")?;
        container::decode(bytes).map_err(|e| format!("its program in the store is damaged: {e}"))
    }
}

/// Checks content against what it must be.
///
/// # Errors
/// One line that says what is wrong.
pub fn check(wanted: &Wanted, material: &Material, bytes: &[u8]) -> Result<(), String> {
    match wanted {
        Wanted::Program { digest } => {
            // The digest in the file is compared with the content's by `decode`.
            let got = container::decode(bytes).map_err(|e| e.to_string())?.digest();
            same("program digest", *digest, got)
        }
        Wanted::Input { root, rows, .. } => {
            let program = material.program()?;
            let value = program.input();
            check_tensor(&program, value.dtype, value.columns(), *root, *rows, bytes)
        }
        Wanted::Output { root, rows, .. } => {
            let program = material.program()?;
            let value = program.output();
            check_tensor(&program, value.dtype, value.columns(), *root, *rows, bytes)
        }
        Wanted::Openings { claim } => openings::check(material, claim, bytes),
    }
}

fn check_tensor(
    program: &Program,
    dtype: DType,
    columns: usize,
    root: Digest,
    rows: u32,
    bytes: &[u8],
) -> Result<(), String> {
    let tensor = npy::decode(bytes).map_err(|e| e.to_string())?;
    let expected = format!("{rows} rows of {columns} cells of {dtype}");
    let got = format!("{} rows of {} cells of {}", tensor.rows(), tensor.columns(), tensor.dtype());
    if expected != got {
        return Err(format!("it has {got}; the job and its program ask for {expected}"));
    }
    same("root", root, program.root_of(&tensor).map_err(|e| e.to_string())?)
}

/// Compares a digest with the name's.
pub(super) fn same(what: &str, expected: Digest, got: Digest) -> Result<(), String> {
    if expected == got { Ok(()) } else { Err(format!("its {what} is {got}, the name says {expected}")) }
}
