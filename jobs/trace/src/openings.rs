//! Everything that an audit looks at: the tensors' roots and, for each audited row of each operation, that row of the
//! operand and of the result, opened. A worker hands it out once the beacon is known; whoever has it can check it
//! against what the worker submitted before.

use janction_program::{Program, Source, commitment::TreeError};
use janction_protocol::{Digest, F};
use thiserror::Error;

use crate::{CheckError, OpeningError, Policy, PolicyError, RowOpening, Trace, check_row, trace_root};

/// What an audit is bound to: the parts of a job's claim that openings are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Root over the input's rows.
    pub input_root: Digest,
    /// Number of rows of the job.
    pub rows: usize,
    /// The submitted trace root.
    pub trace_root: Digest,
    /// The submitted output root.
    pub output_root: Digest,
    /// How much is audited.
    pub policy: Policy,
    /// The beacon, once it is recorded.
    pub beacon: Option<[F; 4]>,
}

/// One audited row of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPair {
    /// The row of the operand.
    pub input: RowOpening,
    /// The row of the result.
    pub output: RowOpening,
}

/// All audited rows of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openings {
    /// Roots of the committed tensors, in order.
    pub roots: Vec<Digest>,
    /// For each committed operation its audited rows, in the order of [`Policy::audited_rows`].
    pub operations: Vec<Vec<RowPair>>,
}

/// Openings that do not show that the audited rows are right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuditError {
    /// Not one list of rows and one root for each operation.
    #[error("the program commits to {expected} tensors; the openings are of {got}")]
    OperationCount {
        /// By the program.
        expected: usize,
        /// In the openings.
        got: usize,
    },
    /// The roots do not hash to the trace root.
    #[error("the tensors' roots hash to {got}, but the trace root {expected} was submitted")]
    TraceRoot {
        /// As submitted.
        expected: Digest,
        /// Of the openings.
        got: Digest,
    },
    /// The root of the output's tensor is not the output root.
    #[error("the output's tensor has the root {got}, but the output root {expected} was submitted")]
    OutputRoot {
        /// As submitted.
        expected: Digest,
        /// Of the openings.
        got: Digest,
    },
    /// Other rows than the audited ones.
    #[error("operation {operation:?}: the audited rows are not the ones that were opened")]
    Rows {
        /// Name of the operation's output.
        operation: String,
    },
    /// The policy's rows are not known.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A row is not under its root.
    #[error("operation {operation:?}, its {side}: {source}")]
    Opening {
        /// Name of the operation's output.
        operation: String,
        /// Operand or result.
        side: &'static str,
        /// What does not hold.
        source: OpeningError,
    },
    /// A row is wrong.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl Openings {
    /// Opens the rows of `trace` that `policy` and `beacon` audit.
    ///
    /// # Errors
    /// When rows are to be drawn without a beacon.
    ///
    /// # Panics
    /// When `trace` is not of `program`.
    pub fn of(
        program: &Program,
        trace: &Trace,
        policy: Policy,
        beacon: Option<[F; 4]>,
    ) -> Result<Self, PolicyError> {
        let open = |source: Source, row| -> Result<RowOpening, TreeError> {
            RowOpening::open(trace.at(source), row)
        };
        let mut operations = Vec::new();
        for (k, step) in program.committed_steps().enumerate() {
            let rows = policy.audited_rows(beacon, k, trace.rows())?;
            let pairs = rows.into_iter().map(|row| {
                let input = open(program.source(step.operation.input()), row)?;
                Ok(RowPair { input, output: open(Source::Trace(k), row)? })
            });
            let pairs: Result<_, TreeError> = pairs.collect();
            operations.push(pairs.expect("audited rows are below the trace's number of rows"));
        }
        let roots = trace.tensors().iter().map(crate::CommittedTensor::root).collect();
        Ok(Self { roots, operations })
    }

    /// The whole audit, natively: the openings are of the audited rows, under the submitted roots, and every row
    /// follows from its operand's.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, program: &Program, commitment: &Commitment) -> Result<(), AuditError> {
        let expected = program.committed_steps().len();
        for got in [self.roots.len(), self.operations.len()] {
            if got != expected {
                return Err(AuditError::OperationCount { expected, got });
            }
        }
        let got = trace_root(&self.roots);
        if got != commitment.trace_root {
            return Err(AuditError::TraceRoot { expected: commitment.trace_root, got });
        }
        let root = |source| match source {
            Source::Input => commitment.input_root,
            Source::Trace(k) => self.roots[k],
        };
        let got = root(program.output_source());
        if got != commitment.output_root {
            return Err(AuditError::OutputRoot { expected: commitment.output_root, got });
        }
        let depth = program.depth();
        for (k, (step, pairs)) in program.committed_steps().zip(&self.operations).enumerate() {
            let name = || step.output.name.clone();
            let rows = commitment.policy.audited_rows(commitment.beacon, k, commitment.rows)?;
            let opened = |of: fn(&RowPair) -> usize| pairs.iter().map(of).eq(rows.iter().copied());
            if !opened(|pair| pair.input.row) || !opened(|pair| pair.output.row) {
                return Err(AuditError::Rows { operation: name() });
            }
            let operand = program.value(step.operation.input());
            let operand_root = root(program.source(step.operation.input()));
            for RowPair { input, output } in pairs {
                let failed = |side| move |source| AuditError::Opening { operation: name(), side, source };
                input
                    .verify(operand_root, operand.dtype, operand.columns(), depth)
                    .map_err(failed("operand"))?;
                output
                    .verify(self.roots[k], step.output.dtype, step.output.columns(), depth)
                    .map_err(failed("result"))?;
                check_row(program, k, input.row, &input.cells, &output.cells)?;
            }
        }
        Ok(())
    }
}
