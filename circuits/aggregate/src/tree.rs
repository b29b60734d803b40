//! The whole tree over a range: which proofs become which node.

use crate::config::Proof;
use crate::error::AggregateError;
use crate::join::{JoinCircuit, Node};
use crate::leaf::LeafCircuit;
use crate::prove::Prover;
use crate::segment::{ARITY, Segment};

/// Proves the tree over neighbouring segments, in order, and returns its top: a leaf for up to three segments, else a
/// join. A node that is left over at a level is passed up as it is.
///
/// # Errors
/// [`AggregateError::Empty`], [`AggregateError::Gap`], and those of the prover.
pub fn prove_tree(
    prover: &dyn Prover,
    leaf: &LeafCircuit,
    join: &JoinCircuit,
    segments: &[Proof],
) -> Result<Node, AggregateError> {
    Segment::check_neighbours(&segments.iter().map(Segment::of).collect::<Vec<_>>())?;
    let leaves = segments.chunks(ARITY).map(|group| leaf.prove(prover, group));
    let mut level: Vec<Node> = leaves.collect::<Result<_, _>>()?;
    while level.len() > 1 {
        let groups = level.chunks(ARITY).map(|group| match group {
            [single] => Ok(single.clone()),
            group => join.prove(prover, group),
        });
        level = groups.collect::<Result<_, _>>()?;
    }
    level.pop().ok_or(AggregateError::Empty)
}
