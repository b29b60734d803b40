//! Everything that an audit looks at. A worker hands it out once the beacon is known; whoever has it can check it against
//! what the worker submitted before, and prove the audit from it.

use janction_program::Program;
use janction_protocol::claim::Claim;
use janction_protocol::{Digest, F};
use plonky2::field::types::Field;
use thiserror::Error;

use crate::{CheckError, DrawnRows, OpeningError, Policy, PolicyError, Trace};

/// What an audit is bound to: the parts of a job's claim that openings are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Root over the input's rows.
    pub input_root: Digest,
    /// Number of rows of the job, at least one.
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

impl Commitment {
    /// What `claim` says. A beacon of zeros is none.
    ///
    /// # Errors
    /// A policy that does not exist, or a beacon that is none although rows are drawn; a job without rows.
    pub fn of(claim: &Claim) -> Result<Self, PolicyError> {
        let recorded = claim.beacon != [0; 4];
        if claim.input_rows == 0 {
            return Err(PolicyError::NoRows);
        }
        Ok(Self {
            input_root: claim.input_root,
            rows: claim.input_rows as usize,
            trace_root: claim.trace_root,
            output_root: claim.output_root,
            policy: Policy::from_code(claim.policy)?,
            // Limbs of seven bytes in every claim of the ledger.
            beacon: recorded.then(|| claim.beacon.map(F::from_noncanonical_u64)),
        })
    }

    /// The beacon.
    pub(crate) fn beacon(&self) -> Result<[F; 4], PolicyError> {
        self.beacon.ok_or(PolicyError::NoBeacon(self.policy.code()))
    }

    /// Compares roots with the submitted ones.
    pub(crate) fn check_roots(&self, trace_root: Digest, output_root: Digest) -> Result<(), OpeningsError> {
        if trace_root != self.trace_root {
            return Err(OpeningsError::TraceRoot { expected: self.trace_root, got: trace_root });
        }
        if output_root != self.output_root {
            return Err(OpeningsError::OutputRoot { expected: self.output_root, got: output_root });
        }
        Ok(())
    }
}

/// What an audit opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Openings {
    /// Under `full`: the whole trace.
    Full(Trace),
    /// Under `rows`: the drawn rows.
    Drawn(DrawnRows),
}

/// Openings that do not show what they should.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpeningsError {
    /// A whole trace where rows are drawn, or the other way round.
    #[error("the policy is {policy}; {wanted} must be opened")]
    Policy {
        /// The job's policy.
        policy: Policy,
        /// What it opens.
        wanted: &'static str,
    },
    /// Not one list of rows and one root for each operation.
    #[error("the program commits to {expected} tensors; the openings are of {got}")]
    OperationCount {
        /// By the program.
        expected: usize,
        /// In the openings.
        got: usize,
    },
    /// Too few or too many draws, or not as many for each operation.
    #[error("{got} draws of an operation are open; the audit takes {least} to {most} of each")]
    Draws {
        /// Draws of the policy.
        least: usize,
        /// What the last piece of an audit may check.
        most: usize,
        /// In the openings, of the first operation.
        got: usize,
    },
    /// A trace of another number of rows than the job's.
    #[error("the trace has {got} rows, the job {expected}")]
    RowCount {
        /// Rows of the job.
        expected: usize,
        /// Rows of the trace.
        got: usize,
    },
    /// The input is not the job's.
    #[error("the input's root is {got}, but the job's is {expected}")]
    InputRoot {
        /// The job's.
        expected: Digest,
        /// Of the openings.
        got: Digest,
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
    /// Other rows than the drawn ones.
    #[error("operation {operation:?}: the rows that were opened are not the drawn ones")]
    Rows {
        /// Name of the operation's output.
        operation: String,
    },
    /// Rows of another number of tensors than the operation's operands lie in.
    #[error("operation {operation:?} reads rows of {expected} tensors; the openings have {got}")]
    Operands {
        /// Name of the operation's output.
        operation: String,
        /// Tensors that hold its operands.
        expected: usize,
        /// Rows in the openings.
        got: usize,
    },
    /// The policy's rows are not known.
    #[error(transparent)]
    Undrawn(#[from] PolicyError),
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
    /// Opens what `commitment` asks for: the whole trace, or `draws` drawn rows of each operation. An audit takes more draws
    /// than its policy has, up to the end of its last piece (`AuditCircuits::end` of `janction-audit`).
    ///
    /// # Errors
    /// When rows are to be drawn without a beacon.
    ///
    /// # Panics
    /// When `trace` is not of `program`.
    pub fn of(
        program: &Program,
        trace: Trace,
        commitment: &Commitment,
        draws: usize,
    ) -> Result<Self, PolicyError> {
        Ok(match commitment.policy {
            Policy::Full => Self::Full(trace),
            Policy::Rows(_) => Self::Drawn(DrawnRows::of(program, &trace, commitment.beacon()?, draws)),
        })
    }

    /// Checks everything but the row checks: the openings are of the audited rows of the submitted trace. A cheating worker's
    /// openings pass: its false rows are for provers to name ([`Self::verify`]).
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, program: &Program, commitment: &Commitment) -> Result<(), OpeningsError> {
        let policy = commitment.policy;
        match (self, policy) {
            (Self::Full(trace), Policy::Full) => check_trace(trace, program, commitment),
            (Self::Drawn(rows), Policy::Rows(_)) => rows.check(program, commitment),
            (_, Policy::Full) => Err(OpeningsError::Policy { policy, wanted: "the whole trace" }),
            (_, Policy::Rows(_)) => Err(OpeningsError::Policy { policy, wanted: "the drawn rows" }),
        }
    }

    /// The whole audit, natively: [`Self::check`], and every opened row follows from its operands'.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, program: &Program, commitment: &Commitment) -> Result<(), OpeningsError> {
        self.check(program, commitment)?;
        match self {
            Self::Drawn(rows) => rows.check_rows(program),
            Self::Full(trace) => {
                for k in 0..trace.tensors().len() {
                    (0..trace.rows()).try_for_each(|row| trace.check_row(program, k, row))?;
                }
                Ok(())
            }
        }
    }
}

/// The trace is of the program and of the commitment.
fn check_trace(trace: &Trace, program: &Program, commitment: &Commitment) -> Result<(), OpeningsError> {
    trace.check_form(program).map_err(CheckError::from)?;
    let (expected, got) = (commitment.rows, trace.rows());
    if expected != got {
        return Err(OpeningsError::RowCount { expected, got });
    }
    let (expected, got) = (commitment.input_root, trace.input_root());
    if expected != got {
        return Err(OpeningsError::InputRoot { expected, got });
    }
    commitment.check_roots(trace.trace_root(), trace.output_root())
}
