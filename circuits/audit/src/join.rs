//! From the pieces of an audit to one node.

use janction_aggregate::config::Proof;
use janction_aggregate::{ARITY, AggregateError, LeafCircuit, Prover};

use crate::{AuditError, AuditNode, GatherCircuit};

/// One node over all pieces of an audit, each with the number of its circuit: as many as fit under each leaf, then gatherings
/// of three, level by level.
///
/// # Errors
/// When pieces are missing in the middle, out of order, or not of the leaf's circuits.
pub fn join(
    prover: &dyn Prover,
    leaf: &LeafCircuit,
    gather: &GatherCircuit,
    pieces: &[(usize, &Proof)],
) -> Result<AuditNode, AuditError> {
    let leaves = pieces
        .chunks(leaf.arity())
        .map(|group| Ok(AuditNode::Leaf(leaf.prove_of(prover, group)?.proof().clone())))
        .collect::<Result<_, AuditError>>()?;
    join_nodes(prover, leaf, gather, leaves)
}

/// One node of neighbouring nodes.
pub(crate) fn join_nodes(
    prover: &dyn Prover,
    leaf: &LeafCircuit,
    gather: &GatherCircuit,
    mut nodes: Vec<AuditNode>,
) -> Result<AuditNode, AuditError> {
    while nodes.len() > 1 {
        nodes =
            nodes.chunks(ARITY).map(|group| gather.prove(prover, leaf, group)).collect::<Result<_, _>>()?;
    }
    nodes.pop().ok_or(AuditError::Aggregate(AggregateError::Empty))
}
