//! What every proof below the root says: a stretch of a chain, from one digest to another.

use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::{BoolTarget, Target};

use crate::config::{Builder, F, Proof};
use crate::error::AggregateError;

/// Children of a leaf or a join. Two make a join of more than 2^13 rows, so three fit at the price of two.
pub const ARITY: usize = 3;

/// Public inputs of a segment proof: `before[4] ++ after[4]`.
pub const SEGMENT_INPUTS: usize = 8;
/// Public inputs of a node of the tree (leaf or join): a segment's, then `mark[4]`: the family's mark in a leaf, the
/// digest of the join key in a join.
pub const NODE_INPUTS: usize = SEGMENT_INPUTS + 4;

/// The ends of a segment, in a circuit.
#[derive(Clone, Copy, Debug)]
pub struct SegmentTargets {
    /// Digest of the chain's state before the segment.
    pub before: HashOutTarget,
    /// Digest of the chain's state after it.
    pub after: HashOutTarget,
}

impl SegmentTargets {
    /// Two fresh digests.
    pub fn new(builder: &mut Builder) -> Self {
        Self { before: builder.add_virtual_hash(), after: builder.add_virtual_hash() }
    }

    /// Makes the segment the next eight public inputs.
    pub fn register(&self, builder: &mut Builder) {
        builder.register_public_inputs(&self.before.elements);
        builder.register_public_inputs(&self.after.elements);
    }

    /// Reads the segment from the first eight public inputs of an inner proof.
    ///
    /// # Panics
    /// When there are fewer than eight.
    #[must_use]
    pub fn from_public_inputs(inputs: &[Target]) -> Self {
        Self {
            before: HashOutTarget::from_vec(inputs[..4].to_vec()),
            after: HashOutTarget::from_vec(inputs[4..SEGMENT_INPUTS].to_vec()),
        }
    }

    /// The stretch that neighbouring children cover together.
    ///
    /// *Enforced*: each used child starts where the last used one before it ends. The first child is always used; one
    /// that is not used says nothing, wherever it stands.
    pub fn cover(builder: &mut Builder, first: Self, others: &[(BoolTarget, Self)]) -> Self {
        let mut whole = first;
        for (used, child) in others {
            for i in 0..4 {
                let end = whole.after.elements[i];
                builder.conditional_assert_eq(used.target, end, child.before.elements[i]);
                whole.after.elements[i] = builder.select(*used, child.after.elements[i], end);
            }
        }
        whole
    }
}

/// The ends of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Digest of the chain's state before the segment.
    pub before: HashOut<F>,
    /// Digest of the chain's state after it.
    pub after: HashOut<F>,
}

impl Segment {
    /// Checks that the segments of a group are neighbours, in order, and not too many for a node.
    ///
    /// # Errors
    /// [`AggregateError::Empty`], [`AggregateError::TooMany`], [`AggregateError::Gap`].
    pub fn check_group(group: &[Self]) -> Result<(), AggregateError> {
        if group.len() > ARITY {
            return Err(AggregateError::TooMany { limit: ARITY, got: group.len() });
        }
        Self::check_neighbours(group)
    }

    /// Checks that segments are neighbours, in order.
    ///
    /// # Errors
    /// [`AggregateError::Empty`], [`AggregateError::Gap`].
    pub(crate) fn check_neighbours(segments: &[Self]) -> Result<(), AggregateError> {
        if segments.is_empty() {
            return Err(AggregateError::Empty);
        }
        for (index, pair) in segments.windows(2).enumerate() {
            let (expected, got) = (pair[0].after, pair[1].before);
            if expected != got {
                return Err(AggregateError::Gap { index: index + 1, expected, got });
            }
        }
        Ok(())
    }

    /// The segment that a proof of a segment, a leaf or a join is about.
    ///
    /// # Panics
    /// When the proof has fewer than eight public inputs.
    #[must_use]
    pub fn of(proof: &Proof) -> Self {
        Self {
            before: HashOut::from_partial(&proof.public_inputs[..4]),
            after: HashOut::from_partial(&proof.public_inputs[4..SEGMENT_INPUTS]),
        }
    }
}
