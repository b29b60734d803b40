//! Why there is no proof, or why one shows nothing.

use janction_audit::{AuditError, ProofBytesError};
use janction_program::ProgramError;
use janction_protocol::Digest;
use janction_trace::{Policy, PolicyError, TraceError};
use thiserror::Error;

/// An execution that was not proven.
#[derive(Debug, Error)]
pub enum ProveError {
    /// The trace is false ([`AuditError::FalseRow`] with operation, row and column), or there is no proof.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The trace is not one of the program.
    #[error("the trace is none of this program: {0}")]
    Trace(#[from] TraceError),
    /// Rows that cannot be drawn.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Bytes that are no program proof.
#[derive(Debug, Error)]
pub enum FileError {
    /// Other bytes than expected at the start.
    #[error("not a program proof: it does not begin with \"JNCPROOF\"")]
    Magic,
    /// Made by another version.
    #[error("program proof of version {got}; this build reads version {expected}")]
    Version {
        /// What this build reads.
        expected: u16,
        /// The version found.
        got: u16,
    },
    /// Too short or too long: the length follows from program, policy and rows.
    #[error("a program proof of {pieces} pieces has {expected} bytes, these are {got}")]
    Length {
        /// Pieces by policy and rows.
        pieces: usize,
        /// Bytes of such a proof.
        expected: u128,
        /// Bytes found.
        got: usize,
    },
    /// A digest that is not in its only form.
    #[error("program proof corrupt at offset {offset}: no digest")]
    Digest {
        /// Where it stands.
        offset: usize,
    },
    /// A policy that does not exist.
    #[error("program proof corrupt: {0}")]
    Policy(#[from] PolicyError),
    /// A proof of another program than the verifier is of.
    #[error("the proof is of program {got}, the verifier of {expected}")]
    Program {
        /// The verifier's.
        expected: Digest,
        /// The proof's.
        got: Digest,
    },
    /// A proof under another policy than the verifier is of.
    #[error("the proof is of policy {got}, the verifier of {expected}")]
    OtherPolicy {
        /// The verifier's.
        expected: Policy,
        /// The proof's.
        got: Policy,
    },
    /// A piece that is not in its only form.
    #[error("piece {index}: {source}")]
    Piece {
        /// Which piece.
        index: usize,
        /// What is wrong.
        source: ProofBytesError,
    },
}

/// A proof that does not show that the output is the program's.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The verifier is of another program than the one at hand.
    #[error("the program's digest is {expected}, the verifier is of {got}")]
    Verifier {
        /// The program's.
        expected: Digest,
        /// The verifier's.
        got: Digest,
    },
    /// The proof is of another program.
    #[error("the proof is of program {got}, this one is {expected}")]
    Program {
        /// The program at hand.
        expected: Digest,
        /// The proof's.
        got: Digest,
    },
    /// The proof is under another policy.
    #[error("the proof is of policy {got}, wanted is {expected}")]
    Policy {
        /// The verifier's.
        expected: Policy,
        /// The proof's.
        got: Policy,
    },
    /// The proof was made with another audit key.
    #[error("the program's audit key is {expected}, the proof is of {got}")]
    AuditKey {
        /// That of program and policy.
        expected: Digest,
        /// The proof's.
        got: Digest,
    },
    /// A proof for contracts that is none.
    #[error(transparent)]
    Contract(#[from] janction_wrap::AuditError),
    /// The input is none of the program.
    #[error(transparent)]
    Input(#[from] ProgramError),
    /// The output is none of the program.
    #[error("the program's output has {expected}, this one has {got}")]
    Output {
        /// Rows, cells and type by program and input.
        expected: String,
        /// Those of the output at hand.
        got: String,
    },
    /// A tensor that cannot be committed to.
    #[error(transparent)]
    Commit(#[from] TraceError),
    /// Another number of rows.
    #[error("the proof is of {got} rows, the input has {expected}")]
    Rows {
        /// Rows of the input at hand.
        expected: usize,
        /// The proof's.
        got: u32,
    },
    /// Another input or output.
    #[error("the {what}'s root is {expected}, the proof is of {got}")]
    Root {
        /// Input or output.
        what: &'static str,
        /// That of the tensor at hand.
        expected: Digest,
        /// The proof's.
        got: Digest,
    },
    /// Too few or too many pieces.
    #[error("the proof has {got} pieces, these rows take {expected}")]
    PieceCount {
        /// By program, policy and rows.
        expected: usize,
        /// In the proof.
        got: usize,
    },
    /// A piece that does not go on where the one before ended, or does not begin or end with the execution.
    #[error("piece {index} {what} at state {got}, expected {expected}")]
    Chain {
        /// Which piece.
        index: usize,
        /// Begins or ends.
        what: &'static str,
        /// The end of the piece before, or what the statement gives.
        expected: Digest,
        /// The piece's.
        got: Digest,
    },
    /// A piece that is no proof.
    #[error("piece {index}: {source}")]
    Piece {
        /// Which piece.
        index: usize,
        /// What is wrong.
        source: Box<AuditError>,
    },
}
