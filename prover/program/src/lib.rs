//! Proofs for a developer alone: a program, an input and an output go in, and whoever has them can check that the output is the
//! program's. No network, no job, no claim.
//!
//! A *program proof* is the list of the pieces that an audit of the execution is made of (`janction-audit`), before they are
//! joined:
//!
//! ```text
//! start ─ piece 0 ─> state ─ piece 1 ─> state ─ ... ─> done
//! ```
//!
//! - [`prove`] makes it from a trace, [`verify`] checks it. Under `full` every row of every operation is proven.
//! - Under `rows(s)` the drawn rows follow from the commitment to the execution ([`Statement::beacon`]). A prover may try many
//!   executions until the draws miss its false rows: see [`soundness`].
//! - [`ProgramProof`] is its form in a file.
//! - [`ContractProof`] is what contracts read: the same pieces, joined and wrapped.
//!
//! A verifier takes the keys from the program ([`janction_audit::PieceVerifier`]), never from the proof.

mod contract;
mod error;
mod proof;
mod prover;
mod solidity;
pub mod soundness;
mod statement;
mod verifier;

pub use contract::{ContractProof, join_pieces, verify_contract_proof};
pub use error::{FileError, ProveError, VerifyError};
pub use proof::ProgramProof;
pub use prover::prove;
pub use solidity::{VerifierPins, contract_name, is_contract_name, solidity};
pub use statement::Statement;
pub use verifier::verify;

#[cfg(test)]
mod tests;
