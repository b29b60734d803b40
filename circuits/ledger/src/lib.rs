//! The ledger chunk circuit: one file per rule.
//!
//! A chunk is a fixed number of *universal steps* ([`step`]); a step is any kind of transaction, `Open`, `Close` or `Noop`.
//! It parses and absorbs its blocks ([`stream`], [`layout`]), opens and writes three leaves through successive roots
//! ([`slot`]), applies the rules ([`rules`]), and carries the run state on. What is enforced stands at each item;
//! `docs/circuits.md` collects the statements.

pub mod chunk;
mod error;
pub mod keys;
pub mod kind;
pub mod layout;
pub mod leaf;
mod prover;
pub mod rules;
pub mod slot;
pub mod step;
pub mod stream;
mod witness;

pub use chunk::{ChunkCircuit, STEPS_PER_CHUNK};
pub use error::LedgerError;
pub use prover::LedgerProver;
pub use witness::ChunkWitness;

#[cfg(test)]
mod tests;
