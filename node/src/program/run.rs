//! `program run`.

use std::path::Path;
use std::time::{Duration, Instant};

use janction_executor::Opened;
use janction_program::{Program, Tensor, npy, reference};
use janction_trace::Trace;
use janction_worker::DeviceChoice;
use serde_json::json;

use super::error::ProgramProblem;
use super::load;
use crate::failure::Outcome;
use crate::file;
use crate::output::{Output, columns};
use crate::progress::Progress;

/// Runs a program as a worker does: compute, commit, and write the output.
///
/// # Errors
/// Bad input, a device that cannot be used, a result that differs from the reference.
pub fn run(
    output: Output,
    keys: &Path,
    program: &Path,
    input: &Path,
    target: &Path,
    device: DeviceChoice,
    check: bool,
) -> Outcome {
    let program = load::program(program)?;
    let input = load::input(input, &program)?;
    let bar = Progress::spinner(output, "opening the device");
    let (opened, opening) = timed(|| janction_executor::open(device.into(), Some(&keys.join("kernels"))));
    let Opened { executor, no_gpu } = opened.map_err(ProgramProblem::Device)?;
    bar.say(format!("running on {}", executor.device()));
    let (trace, running) = timed(|| executor.run(&program, input));
    let trace = trace.map_err(ProgramProblem::Device)?;
    let checked = match check {
        true => {
            bar.say("comparing with the reference".into());
            let (equal, seconds) = timed(|| compare(&program, &trace));
            equal?;
            Some(seconds)
        }
        false => None,
    };
    drop(bar);
    file::write(target, &npy::encode(trace.output().tensor()))?;
    let seconds = |d: Duration| d.as_secs_f64();
    let value = json!({
        "program": program.digest().to_string(),
        "device": executor.device().to_string(),
        "no_gpu": no_gpu.as_ref().map(ToString::to_string),
        "rows": trace.rows(),
        "input_root": trace.input_root().to_string(),
        "trace_root": trace.trace_root().to_string(),
        "output_root": trace.output_root().to_string(),
        "output": target,
        "equals_reference": checked.map(|_| true),
        "seconds": { "open": seconds(opening), "run": seconds(running), "reference": checked.map(seconds) },
    });
    output.print(&value, |_| {
        let mut rows = vec![
            ("device", executor.device().to_string()),
            ("rows", trace.rows().to_string()),
            ("input root", trace.input_root().to_string()),
            ("trace root", trace.trace_root().to_string()),
            ("output root", trace.output_root().to_string()),
            ("output", target.display().to_string()),
            (
                "seconds",
                format!(
                    "{:.3} to open the device, {:.3} to run and commit",
                    seconds(opening),
                    seconds(running)
                ),
            ),
        ];
        if let Some(reason) = &no_gpu {
            rows.insert(1, ("no GPU", reason.to_string()));
        }
        if let Some(took) = checked {
            rows.push(("reference", format!("equal in every cell, {:.3} s", seconds(took))));
        }
        columns(&rows)
    });
    Ok(())
}

/// The result of some work, and how long it took.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Compares every committed cell with the reference.
fn compare(program: &Program, trace: &Trace) -> Result<(), ProgramProblem> {
    let right =
        reference::run(program, trace.input().tensor()).map_err(|e| ProgramProblem::Device(e.into()))?;
    for ((step, right), computed) in program.committed_steps().zip(&right).zip(trace.tensors()) {
        if let Some((row, column)) = difference(right, computed.tensor()) {
            return Err(ProgramProblem::Differs {
                operation: step.output.name.clone(),
                row,
                column,
                expected: right.get(row, column),
                got: computed.tensor().get(row, column),
            });
        }
    }
    Ok(())
}

/// The first cell in which two tensors of one shape differ.
fn difference(right: &Tensor, got: &Tensor) -> Option<(usize, usize)> {
    let columns = right.columns();
    (0..right.rows() * columns)
        .map(|cell| (cell / columns, cell % columns))
        .find(|&(row, column)| right.get(row, column) != got.get(row, column))
}

#[cfg(test)]
mod tests {
    use janction_program::{Cells, text};

    use super::*;

    const TEXT: &str = "program p\nscheme 1\ndepth 2\ninput x: i8[2]\nconst w: i8[2, 1] = [\n  [3],\n  [-5],\n]\ny: \
                        i8[1] = matmul(x, w) {\n  requantise 1073741824 >> 31\n}\noutput y\n";

    #[test]
    fn a_false_cell_is_found_and_named() {
        let program = text::parse(TEXT).expect("a program");
        let input = Tensor::new(2, 2, Cells::I8(vec![1, 2, 3, 4])).expect("a tensor");
        let right = reference::run(&program, &input).expect("runs");
        let honest = Trace::commit(&program, input.clone(), right.clone()).expect("a trace");
        compare(&program, &honest).expect("equal");
        let Cells::I8(mut cells) = right[0].cells().clone() else { panic!("i8") };
        cells[1] += 1;
        let wrong = Tensor::new(2, 1, Cells::I8(cells)).expect("a tensor");
        let trace = Trace::commit(&program, input, vec![wrong]).expect("a trace");
        match compare(&program, &trace) {
            Err(ProgramProblem::Differs { operation, row, column, expected, got }) => {
                assert_eq!((operation.as_str(), row, column, got), ("y", 1, 0, expected + 1));
            }
            other => panic!("{other:?}"),
        }
    }
}
