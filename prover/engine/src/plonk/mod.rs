//! Plonky2 1.1's protocol, once for all engines: what is said on the transcript, in which order, and what a proof is made
//! of. A [`Machine`] does the arithmetic in between.

mod challenges;
mod fri;
mod lookup;
mod machine;
mod openings;
mod prove;
mod shape;
mod stages;
mod transcript;
mod witness;

pub(crate) use challenges::Challenges;
pub(crate) use lookup::{LookupChallenges, LookupShape, chunks, entry_wires, lookup_wires, table_evaluation};
pub(crate) use machine::{Machine, Opened};
pub(crate) use prove::{Statement, prove};
pub(crate) use shape::{
    FIXED_LOOKUP_SELECTORS, GateSelector, LookupSelector, gate_selectors, quotient_bits, served, wire_chunks,
};
pub use stages::{Stage, Stages};
pub(crate) use witness::generate;
