//! The recursive tree: joins ledger chunks and audits into one root proof.
//!
//! ```text
//! segment proofs ─ up to three ─> leaf ┐
//! segment proofs ─ up to three ─> leaf ┼ up to three ─> join ─ ... ─> root ─> the last layers (janction-wrap)
//! segment proofs ─ up to three ─> leaf ┘
//! ```

pub mod config;
mod error;
mod family;
mod join;
mod key_set;
mod leaf;
mod prove;
mod range;
mod root;
pub mod run;

mod segment;
mod shape;
mod tree;

pub use error::AggregateError;
pub use family::Family;
pub use join::{JoinCircuit, Node};
pub use key_set::KeySet;
pub use leaf::LeafCircuit;
pub use prove::{BoxError, Prover, Stock, prove_verified};
pub use range::ROOT_INPUTS;
pub use root::{RootCircuit, TreeCircuits};
pub use segment::{ARITY, NODE_INPUTS, SEGMENT_INPUTS, Segment, SegmentTargets};
pub use shape::NodeShape;
pub use tree::prove_tree;

#[cfg(test)]
mod tests;
