//! What can go wrong when a job is audited.

use std::fmt;

use janction_aggregate::AggregateError;
use janction_protocol::Digest;
use janction_trace::OpeningsError;
use thiserror::Error;

use crate::ProofBytesError;

/// The rule of a row check that a trace breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The digest in the row tree is the hash of the row's cells.
    Digest,
    /// The cell is the operation's result for the operand's row.
    Result,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "the committed digest is the hash of the row's cells",
            Self::Result => "the cell is the operation's exact result for the operand's row",
        })
    }
}

/// An error of the audit.
#[derive(Debug, Error)]
pub enum AuditError {
    /// A program that is too large to be audited at all.
    #[error("program {program:?} has {got} {what}; at most {limit} can be audited: cut it into several jobs")]
    TooLarge {
        /// Name of the program.
        program: String,
        /// Weights, or cells of operands.
        what: &'static str,
        /// How many.
        got: usize,
        /// How many are supported.
        limit: usize,
    },
    /// One row of one operation does not fit into a circuit.
    #[error(
        "operation {operation:?} of program {program:?}: the check of one row takes 2^{got_bits} rows of circuit, at most \
         2^{limit_bits} are supported: cut it into operations with fewer output cells"
    )]
    PieceTooLarge {
        /// Name of the program.
        program: String,
        /// Name of the operation's output.
        operation: String,
        /// log2 of the rows needed.
        got_bits: usize,
        /// log2 of the limit.
        limit_bits: usize,
    },
    /// The trace is false: it cannot be proven, and its worker will not be paid.
    #[error("operation {operation:?}, row {row}, {place}: {rule}; expected {expected}, got {got}")]
    FalseRow {
        /// Name of the operation's output (or of the program's input).
        operation: String,
        /// The row.
        row: usize,
        /// The cell, or the whole row.
        place: Place,
        /// What does not hold.
        rule: Rule,
        /// What is right.
        expected: String,
        /// What the trace has.
        got: String,
    },
    /// A claim says something else than the trace, the program or the policy.
    #[error(
        "the claim's {field} is {claimed}, here it is {here}: prove the claim of the job that this trace is of"
    )]
    Claim {
        /// Which field.
        field: &'static str,
        /// What the claim says.
        claimed: String,
        /// What this audit is about.
        here: String,
    },
    /// The openings are not those of the claim.
    #[error("these openings do not open what the claim audits: {0}")]
    Openings(#[from] OpeningsError),
    /// No such piece.
    #[error("the job has {pieces} pieces, there is no piece {index}")]
    NoSuchPiece {
        /// The piece asked for.
        index: usize,
        /// Pieces of the job.
        pieces: usize,
    },
    /// A node does not prove the claim that it was handed in for.
    #[error(
        "the node does not prove the claim: its {what} is {got}, expected {expected}: join all pieces of this job, made \
         with this audit key"
    )]
    Node {
        /// Which of its public inputs.
        what: &'static str,
        /// What the claim wants.
        expected: Digest,
        /// What the node has.
        got: Digest,
    },
    /// An audit does not cover what the claim says.
    #[error(
        "the audit ends at position {end}, the claim covers {coverage} of policy {policy} and {rows} rows: prove and join \
         every piece of the job"
    )]
    Coverage {
        /// Where the audit ends.
        end: u32,
        /// The claim's policy.
        policy: u32,
        /// The claim's coverage.
        coverage: u32,
        /// The claim's rows.
        rows: u32,
    },
    /// A proof that is no node's.
    #[error("a node has {expected} public inputs, this proof has {got}: hand in what `join` made")]
    NodeInputs {
        /// What a node has.
        expected: usize,
        /// What was handed in.
        got: usize,
    },
    /// Bytes that are no audit proof.
    #[error(transparent)]
    ProofBytes(#[from] ProofBytesError),
    /// A cached key cannot be written or read.
    #[error(
        "the key of the {circuit} circuit cannot be {action}: delete the cached file and it is made anew"
    )]
    KeyBytes {
        /// Which circuit.
        circuit: &'static str,
        /// What was tried.
        action: &'static str,
    },
    /// A cached key is not the one that is wanted.
    #[error(
        "the cached key of the {circuit} circuit is {got}, expected {expected}: it is of another build, program or \
         policy; delete the file and it is made anew"
    )]
    Key {
        /// Which circuit.
        circuit: &'static str,
        /// The digest that is wanted.
        expected: String,
        /// That of the file.
        got: String,
    },
    /// A circuit's inputs could not be set: a proof of another shape was handed in.
    #[error("{circuit}: its inputs cannot be set: {reason}")]
    Inputs {
        /// Which circuit.
        circuit: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// Proving or joining failed.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
}

/// Where in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One cell.
    Column(usize),
    /// All of it.
    Row,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => write!(f, "column {column}"),
            Self::Row => f.write_str("whole row"),
        }
    }
}

/// Turns an error while setting inputs into ours.
pub(crate) fn inputs_error(circuit: &'static str) -> impl Fn(anyhow::Error) -> AuditError {
    move |reason| AuditError::Inputs { circuit, reason: reason.to_string() }
}
