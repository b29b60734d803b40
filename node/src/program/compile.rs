//! `program compile`.

use std::path::Path;

use janction_onnx::{Import, Quantisation};
use janction_program::commitment::{Scheme, depth_for};
use janction_program::{ProgramError, container, text};
use janction_worker::multiply_adds;
use serde_json::{Value, json};

use super::SchemeChoice;
use super::error::ProgramProblem;
use crate::failure::Outcome;
use crate::file;
use crate::output::{Output, columns};
use crate::progress::Progress;

/// The first bytes of a job binary.
const MAGIC: &[u8] = b"JANCTION";

/// Most rows of a job when nobody says.
const MAX_ROWS: u32 = 4096;

/// Makes a job binary from a model or a text.
///
/// # Errors
/// What is wrong with the model; files that cannot be read or written.
pub fn compile(
    output: Output,
    model: &Path,
    target: &Path,
    name: Option<&str>,
    max_rows: Option<u32>,
    scheme: SchemeChoice,
) -> Outcome {
    let bytes = file::read(model)?;
    let bar = Progress::spinner(output, "compiling");
    let import = if bytes.starts_with(MAGIC) {
        return Err(ProgramProblem::Compiled { file: model.to_owned() }.into());
    } else if model.extension().is_some_and(|e| e == "txt") {
        from_text(model, &bytes, name, max_rows, scheme)?
    } else {
        let stem = model.file_stem().unwrap_or_default().to_string_lossy();
        let depth = depth_for(max_rows.unwrap_or(MAX_ROWS) as usize);
        janction_onnx::import(&bytes, name.unwrap_or(&stem), depth)
            .map_err(|e| ProgramProblem::Model { file: model.to_owned(), source: e.into() })?
    };
    let import = with_scheme(import, scheme).map_err(|e| ProgramProblem::Scheme(Box::new(e)))?;
    let binary = container::encode(&import.program);
    file::write(target, &binary)?;
    drop(bar);
    let value = describe(target, binary.len(), &import);
    output.print(&value, |_| in_words(target, binary.len(), &import));
    Ok(())
}

/// The program, committed to by another scheme than rows where that was asked for.
fn with_scheme(import: Import, choice: SchemeChoice) -> Result<Import, ProgramError> {
    let scheme = match choice {
        SchemeChoice::Is(Scheme::Rows) => return Ok(import),
        SchemeChoice::Is(scheme) => scheme,
        SchemeChoice::Best => import.program.recommended_scheme(),
    };
    Ok(Import { program: import.program.with_scheme(scheme)?, ..import })
}

fn from_text(
    file: &Path,
    bytes: &[u8],
    name: Option<&str>,
    max_rows: Option<u32>,
    scheme: SchemeChoice,
) -> Result<Import, ProgramProblem> {
    let scheme = scheme != SchemeChoice::Is(Scheme::Rows);
    for (option, given) in
        [("--name", name.is_some()), ("--max-rows", max_rows.is_some()), ("--scheme", scheme)]
    {
        if given {
            return Err(ProgramProblem::TextSays { option });
        }
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ProgramProblem::NotText { file: file.to_owned() })?;
    let program =
        text::parse(text).map_err(|e| ProgramProblem::Text { file: file.to_owned(), source: e.into() })?;
    Ok(Import { program, input: None, output: None })
}

fn describe(target: &Path, bytes: usize, import: &Import) -> Value {
    let Import { program, input, output } = import;
    let real = |q: &Option<Quantisation>| {
        q.map(|q| json!({ "type": q.dtype.name(), "scale": q.scale, "zero": q.zero }))
    };
    json!({
        "file": target,
        "bytes": bytes,
        "name": program.name(),
        "digest": program.digest().to_string(),
        "commitment_scheme": program.scheme().code(),
        "block_rows": program.scheme().block_rows(),
        "operations": program.steps().len(),
        "max_rows": program.max_rows(),
        "multiply_adds_per_row": multiply_adds(program, 1),
        "input": program.input().to_string(),
        "output": program.output().to_string(),
        "input_quantisation": real(input),
        "output_quantisation": real(output),
    })
}

fn in_words(target: &Path, bytes: usize, import: &Import) -> String {
    let Import { program, input, output } = import;
    let real = |q: &Option<Quantisation>| {
        q.map_or_else(String::new, |q| format!(", real = (cell - {}) * {}", q.zero, q.scale))
    };
    columns(&[
        ("program", program.name().to_owned()),
        ("digest", program.digest().to_string()),
        ("operations", program.steps().len().to_string()),
        ("input", format!("{}{}", program.input(), real(input))),
        ("output", format!("{}{}", program.output(), real(output))),
        ("rows", format!("1 to {}", program.max_rows())),
        ("commitment", format!("scheme {}", program.scheme())),
        ("job binary", format!("{}, {bytes} bytes", target.display())),
    ])
}
