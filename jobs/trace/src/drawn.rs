//! The rows that a beacon draws, opened: of each operation the drawn rows of operand and result, with their paths.

use janction_program::{Program, Source, commitment::TreeError};
use janction_protocol::{Digest, F};

use crate::{Commitment, OpeningsError, RowOpening, Trace, check_row, draw, trace_root};

/// One drawn row of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPair {
    /// The row of the operand.
    pub input: RowOpening,
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
        let open = |source: Source, row| RowOpening::open(trace.at(source), row);
        let mut operations = Vec::new();
        for (k, step) in program.committed_steps().enumerate() {
            let rows = draw::draw_rows(beacon, k, trace.rows(), draws);
            let pairs = rows.into_iter().map(|row| {
                let input = open(program.source(step.operation.input()), row)?;
                Ok(RowPair { input, output: open(Source::Trace(k), row)? })
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
        let depth = program.depth();
        for (k, (step, pairs)) in program.committed_steps().zip(&self.operations).enumerate() {
            let name = || step.output.name.clone();
            let rows = draw::draw_rows(beacon, k, commitment.rows, got);
            let opened = |of: fn(&RowPair) -> usize| pairs.iter().map(of).eq(rows.iter().copied());
            if !opened(|pair| pair.input.row) || !opened(|pair| pair.output.row) {
                return Err(OpeningsError::Rows { operation: name() });
            }
            let operand = program.value(step.operation.input());
            let operand_root = self.root(program.source(step.operation.input()), commitment);
            for RowPair { input, output } in pairs {
                let failed = |side| move |source| OpeningsError::Opening { operation: name(), side, source };
                input
                    .verify(operand_root, operand.dtype, operand.columns(), depth)
                    .map_err(failed("operand"))?;
                output
                    .verify(self.roots[k], step.output.dtype, step.output.columns(), depth)
                    .map_err(failed("result"))?;
            }
        }
        Ok(())
    }

    /// The row checks. The rows must have passed [`Self::check`].
    pub(crate) fn check_rows(&self, program: &Program) -> Result<(), OpeningsError> {
        for (k, pairs) in self.operations.iter().enumerate() {
            for RowPair { input, output } in pairs {
                check_row(program, k, input.row, &input.cells, &output.cells)?;
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
