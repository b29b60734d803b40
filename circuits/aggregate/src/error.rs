//! What can go wrong when proofs are joined.

use plonky2::hash::hash_types::HashOut;
use thiserror::Error;

use crate::config::F;

/// An error of the aggregation.
#[derive(Debug, Error)]
pub enum AggregateError {
    /// A circuit that should have the shape of the tree's nodes came out different.
    #[error(
        "the {circuit} circuit has 2^{got_bits} rows and {got_gates} kinds of gates where the tree wants 2^{want_bits} \
         and {want_gates}: its inner circuit is too large or uses a gate that the recursive verifier does not; shrink it"
    )]
    Shape {
        /// Which circuit.
        circuit: &'static str,
        /// log2 of its rows.
        got_bits: usize,
        /// Kinds of gates it uses.
        got_gates: usize,
        /// log2 of the rows of a node.
        want_bits: usize,
        /// Kinds of gates of a node.
        want_gates: usize,
    },
    /// The recursion never became stable.
    #[error("no node shape after {rounds} rounds: a join does not fit into the size of its own children")]
    NoFixedPoint {
        /// Rounds tried.
        rounds: usize,
    },
    /// An inner circuit has the wrong number of public inputs.
    #[error("a segment circuit has {expected} public inputs (before, after), this one has {got}")]
    SegmentInputs {
        /// What a segment has.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// Neighbours do not meet.
    #[error(
        "segment {index} starts at {got:?}, but the one before it ends at {expected:?}: pass the segments in order and \
         without gaps"
    )]
    Gap {
        /// Index of the later segment.
        index: usize,
        /// Where it should start.
        expected: HashOut<F>,
        /// Where it starts.
        got: HashOut<F>,
    },
    /// A tree does not belong to the range.
    #[error("the tree's {end} is {got:?}, the range's is {expected:?}: pass the tree over this very range")]
    End {
        /// Start, end, or chain of claims.
        end: &'static str,
        /// The range's.
        expected: HashOut<F>,
        /// The tree's.
        got: HashOut<F>,
    },
    /// There is nothing to join.
    #[error("there are no segments to join: a range needs at least one")]
    Empty,
    /// A group is too large for one node.
    #[error("a node has at most {limit} children, got {got}: cut the group")]
    TooMany {
        /// What a node takes.
        limit: usize,
        /// What was given.
        got: usize,
    },
    /// Claims without audits.
    #[error("the range makes {claims} claims and no audit is given: prove the audits of its Settles first")]
    Unaudited {
        /// How many.
        claims: u64,
    },
    /// The witness of a circuit could not be made or the prover failed.
    #[error("{circuit}: {reason} (the statement is false or an inner proof does not belong here)")]
    Prove {
        /// Which circuit.
        circuit: &'static str,
        /// What the prover said.
        reason: String,
    },
    /// A proof that was just made, or was handed in, does not verify.
    #[error("{circuit}: the proof does not verify: {reason}")]
    Invalid {
        /// Which circuit.
        circuit: &'static str,
        /// What the verifier said.
        reason: String,
    },
}
