//! Audit circuits: every program's audit, proven by recomputing committed rows, ends in one proof of one fixed shape.
//!
//! ```text
//! pieces of a program ─ up to three ─> leaf (its key: the audit key) ┐
//! pieces of a program ─ up to three ─> leaf                          ┴ up to three ─> gather ─ ... ─> wrapper
//! ```
//!
//! - A *piece* checks a fixed number of rows of every operation, with the program's constants as constants of the
//!   circuit. It leads from one *audit state* (the subject, a position) to a later one.
//! - A *leaf* joins pieces of one program in the shape of the tree's nodes. Its key, hashed, is what a job leaf
//!   holds.
//! - [`GatherCircuit`] and [`Wrapper`] know no program: they take the audit key as a witness, hash it into the claim, check
//!   that the audit is complete, and append the claim to the chain of claims.
//! - A [`PieceVerifier`] checks pieces themselves: a proof of an execution that is no job's, before aggregation.
//! - An [`ExecutionCircuit`] ends such a proof instead of the wrapper, when it is for a contract.
//! - An [`AuditProof`] is what a worker or prover hands in with a `Settle`, an [`AuditVerifier`] what checks it.
//!
//! `docs/circuits-audit.md` states what each circuit enforces and what that is worth.

mod audit;
mod complete;
mod draw;
mod encoding;
mod error;
mod execution;
mod facts;
mod freivalds;
mod gate;
mod gather;
mod join;
mod key;
pub mod keys;
mod layout;
mod limits;
mod linear;
mod operation;
mod piece;
mod piece_verifier;
mod pieces;
mod place;
mod precheck;
mod preparation;
mod proof;
mod range;
mod requantise;
mod row;
mod sizing;
mod sketch;
mod stage;
mod subject;
mod tags;
mod verifier;
mod wrapper;

pub use audit::AuditCircuits;
pub use error::{AuditError, Place, Rule};
pub use execution::{EXECUTION_INPUTS, Execution, ExecutionCircuit, execution_beacon};
pub use facts::{AuditFacts, PieceFacts};
pub use gather::{AuditNode, GatherCircuit};
pub use join::join;
pub use key::audit_key_digest;
pub use limits::MAX_PIECE_BITS;
pub use piece_verifier::PieceVerifier;
pub use pieces::AuditPieces;
pub use preparation::Preparation;
pub use proof::{AuditProof, ProofBytesError};
pub use sizing::Sizing;
pub use verifier::AuditVerifier;
pub use wrapper::Wrapper;

#[cfg(test)]
mod tests;
