//! The test instrument: a trace with false rows that is consistent in everything else.

use janction_program::{Cells, Program, Source, Step, Tensor, reference};
use janction_trace::Trace;

use crate::{Falsify, WorkerError};

/// Changes one cell in each of the named rows of one operation's result, computes everything behind it from the false
/// rows, and commits to that. A trace of a program without that operation is left as it is.
///
/// # Errors
/// [`WorkerError::FalsifyRow`]; what committing returns.
pub(crate) fn falsify(program: &Program, trace: Trace, what: &Falsify) -> Result<Trace, WorkerError> {
    let Some(target) = program.committed_steps().position(|step| step.output.name == what.operation) else {
        tracing::warn!(operation = what.operation, "the program has no such operation: nothing is falsified");
        return Ok(trace);
    };
    if let Some(&row) = what.rows.iter().find(|&&row| row >= trace.rows()) {
        return Err(WorkerError::FalsifyRow { rows: trace.rows(), row });
    }
    let input = trace.input().tensor();
    let mut tensors: Vec<Tensor> = Vec::new();
    for (k, step) in program.committed_steps().enumerate() {
        let honest = trace.tensors()[k].tensor();
        let result = if k < target {
            honest.clone()
        } else if k == target {
            changed(honest, &what.rows)?
        } else {
            let mut values: Vec<i64> = Vec::new();
            for row in 0..input.rows() {
                let cells = recomputed(program, step, input, &tensors, row);
                values.extend((0..cells.len()).map(|i| i64::from(cells.get(i))));
            }
            tensor(honest, &values)?
        };
        tensors.push(result);
    }
    tracing::warn!(
        operation = what.operation,
        rows = what.rows.len(),
        "TEST INSTRUMENT: rows were falsified"
    );
    Trace::commit(program, input.clone(), tensors).map_err(|e| WorkerError::Executor(e.into()))
}

/// What `step` makes of row `row` of the tensors before it.
fn recomputed(program: &Program, step: &Step, input: &Tensor, tensors: &[Tensor], row: usize) -> Cells {
    let at = |source| match source {
        Source::Input => input.row(row),
        Source::Trace(k) => tensors[k].row(row),
    };
    let rows: Vec<(Source, Cells)> =
        program.operands(step).into_iter().map(|source| (source, at(source))).collect();
    let find = |wanted| rows.iter().find(|(source, _)| *source == wanted).map(|(_, cells)| cells);
    let operands = step.operation.inputs().into_iter().map(|id| {
        program
            .gather(id, |source| find(source).expect("the rows of all of the operands' sources were taken"))
    });
    reference::apply(program, step, &operands.collect::<Vec<_>>())
}

/// The tensor with another first cell in each of the rows, of the same type.
fn changed(tensor_: &Tensor, rows: &[usize]) -> Result<Tensor, WorkerError> {
    let cells = tensor_.cells();
    let mut values: Vec<i64> = (0..cells.len()).map(|i| i64::from(cells.get(i))).collect();
    let (min, max) = (i64::from(tensor_.dtype().min()), i64::from(tensor_.dtype().max()));
    for &row in rows {
        let cell = &mut values[row * tensor_.columns()];
        *cell = if *cell == max { min } else { *cell + 1 };
    }
    tensor(tensor_, &values)
}

fn tensor(like: &Tensor, values: &[i64]) -> Result<Tensor, WorkerError> {
    let cells = Cells::from_values(like.dtype(), values)
        .map_err(|i| WorkerError::Panicked { reason: format!("cell {i} is out of its type's range") })?;
    Tensor::new(like.rows(), like.columns(), cells)
        .map_err(|error| WorkerError::Panicked { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use janction_executor::{Executor, cpu::Cpu};
    use janction_program::test_utils::{random_input, random_program};

    use super::*;

    /// Rows of each committed operation that do not follow from their operand's.
    fn false_rows(program: &Program, trace: &Trace) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for k in 0..program.committed_steps().len() {
            for row in 0..trace.rows() {
                if trace.check_row(program, k, row).is_err() {
                    found.push((k, row));
                }
            }
        }
        found
    }

    #[test]
    fn only_the_named_rows_are_false() {
        for seed in 0..20 {
            let program = random_program(seed);
            let trace = Cpu::new().run(&program, random_input(&program, seed)).unwrap();
            assert_eq!(false_rows(&program, &trace), vec![]);
            let count = program.committed_steps().len();
            for (k, step) in program.committed_steps().enumerate() {
                let rows = vec![trace.rows() - 1];
                let what = Falsify { operation: step.output.name.clone(), rows: rows.clone() };
                let cheated = falsify(&program, trace.clone(), &what).unwrap();
                assert_eq!(false_rows(&program, &cheated), vec![(k, rows[0])], "{seed}, {k} of {count}");
                assert_ne!(cheated.trace_root(), trace.trace_root());
            }
            let nothing = Falsify { operation: "nowhere".into(), rows: vec![0] };
            assert_eq!(falsify(&program, trace.clone(), &nothing).unwrap(), trace);
            let operation = program.committed_steps().next().unwrap().output.name.clone();
            let outside = Falsify { operation, rows: vec![trace.rows()] };
            assert!(matches!(falsify(&program, trace, &outside), Err(WorkerError::FalsifyRow { .. })));
        }
    }
}
