//! The rows that a beacon draws, opened: of each operation the drawn rows of operands and
//! result, with their paths.

use janction_program::{Cells, Program, Source, commitment::TreeError};
use janction_protocol::{Digest, F};

use crate::{Commitment, OpeningsError, RowOpening, Trace, check_row, draw, trace_root};

/// One drawn row of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPair {
    /// The row of each tensor that holds operands, in the order of [`Program::operands`].
    pub inputs: Vec<RowOpening>,
    /// The row of the result.
    pub output: RowOpening,
}

/// All drawn rows of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnRows {
    /// Roots of the committed tensors, in order.
    pub roots: Vec<Digest>,
    /// For each committed operation its rows, in the order of the draws; as many for each.
    pub operations: Vec<Vec<RowPair>>,
}

impl DrawnRows {
    /// Opens `draws` rows of each operation, those that `beacon` draws.
    ///
    /// # Panics
    /// When `trace` is not of `program`.
    #[must_use]
    pub fn of(program: &Program, trace: &Trace, beacon: [F; 4], draws: usize) -> Self {
        let open = |source: Source, row| RowOpening::open(program, trace.at(source), row);
        let mut operations = Vec::new();
        for (k, step) in program.committed_steps().enumerate() {
            let rows = draw::draw_rows(beacon, k, trace.rows(), draws);
            let operands = program.operands(step);
            let pairs = rows.into_iter().map(|row| {
                let inputs = operands.iter().map(|&source| open(source, row)).collect::<Result<_, _>>()?;
                Ok(RowPair { inputs, output: open(Source::Trace(k), row)? })
            });
            let pairs: Result<_, TreeError> = pairs.collect();
            operations.push(pairs.expect("drawn rows are below the trace's number of rows"));
        }
        let roots = trace.tensors().iter().map(crate::CommittedTensor::root).collect();
        Self { roots, operations }
    }

    /// Rows of each operation that are open.
    #[must_use]
    pub fn draws(&self) -> usize {
        self.operations.first().map_or(0, Vec::len)
    }

    /// Checks everything but the row checks: the roots are the submitted ones, the rows the drawn ones, and they lie under
    /// their roots.
    pub(crate) fn check(&self, program: &Program, commitment: &Commitment) -> Result<(), OpeningsError> {
        let s = commitment.policy.code() as usize;
        let expected = program.committed_steps().len();
        for got in [self.roots.len(), self.operations.len()] {
            if got != expected {
                return Err(OpeningsError::OperationCount { expected, got });
            }
        }
        let got = self.draws();
        if self.operations.iter().any(|pairs| pairs.len() != got)
            || !(s..s + draw::MAX_SURPLUS).contains(&got)
        {
            return Err(OpeningsError::Draws { least: s, most: s + draw::MAX_SURPLUS - 1, got });
        }
        commitment.check_roots(trace_root(&self.roots), self.root(program.output_source(), commitment))?;
        let beacon = commitment.beacon()?;
        for (k, (step, pairs)) in program.committed_steps().zip(&self.operations).enumerate() {
            let name = || step.output.name.clone();
            let rows = draw::draw_rows(beacon, k, commitment.rows, got);
            let operands = program.operands(step);
            for (RowPair { inputs, output }, row) in pairs.iter().zip(rows) {
                if inputs.len() != operands.len() {
                    let (expected, got) = (operands.len(), inputs.len());
                    return Err(OpeningsError::Operands { operation: name(), expected, got });
                }
                if inputs.iter().chain([output]).any(|opening| opening.row != row) {
                    return Err(OpeningsError::Rows { operation: name() });
                }
                let failed = |side| move |source| OpeningsError::Opening { operation: name(), side, source };
                for (opening, &source) in inputs.iter().zip(&operands) {
                    let (root, value) = (self.root(source, commitment), program.tensor(source));
                    let verified = opening.verify(program, root, value, commitment.rows);
                    verified.map_err(failed("operand"))?;
                }
                let verified = output.verify(program, self.roots[k], &step.output, commitment.rows);
                verified.map_err(failed("result"))?;
            }
        }
        Ok(())
    }

    /// The row checks. The rows must have passed [`Self::check`].
    pub(crate) fn check_rows(&self, program: &Program) -> Result<(), OpeningsError> {
        for (k, pairs) in self.operations.iter().enumerate() {
            for RowPair { inputs, output } in pairs {
                let operands: Vec<&Cells> = inputs.iter().map(|opening| &opening.cells).collect();
                check_row(program, k, output.row, &operands, &output.cells)?;
            }
        }
        Ok(())
    }

    /// The root of the tensor that `source` names.
    fn root(&self, source: Source, commitment: &Commitment) -> Digest {
        match source {
            Source::Input => commitment.input_root,
            Source::Trace(k) => self.roots[k],
        }
    }
}
