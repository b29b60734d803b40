//! Paths in fixed-depth binary Merkle trees whose nodes are hashed with the protocol's node rule.
//!
//! A path names its leaf by index bits, least significant = lowest level. Each level costs one row: the permutation's
//! row swaps its children by the bit, checks that the bit is 0 or 1, and hashes.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use crate::sponge::node;
use crate::{Builder, F};

/// A leaf's place in a tree: index bits from the lowest level up, and the sibling at each level.
#[derive(Clone, Debug)]
pub struct PathTarget {
    /// Bits of the leaf's index, least significant first.
    pub bits: Vec<BoolTarget>,
    /// Sibling digests, lowest first.
    pub siblings: Vec<HashOutTarget>,
}

impl PathTarget {
    /// A path of `depth` levels to be set by the prover. Where it is used, its bits are checked to be bits.
    pub fn new(builder: &mut Builder, depth: usize) -> Self {
        let bits = (0..depth).map(|_| BoolTarget::new_unsafe(builder.add_virtual_target())).collect();
        Self { bits, siblings: builder.add_virtual_hashes(depth) }
    }

    /// The leaf's index (does not wrap around for depths up to 63). One operation per level.
    ///
    /// The caller must ensure that the path is used in [`root`] or [`update`] (they check the bits).
    pub fn index(&self, builder: &mut Builder) -> Target {
        let zero = builder.zero();
        self.bits.iter().rev().fold(zero, |acc, bit| builder.mul_const_add(F::TWO, acc, bit.target))
    }
}

/// Root of the tree `tag` in which `leaf` stands at `path`. One row per level.
///
/// Enforces: the path's bits are bits; the result is the root. The caller must ensure that `leaf` is the hash of data
/// under a tag of its own (else a node could pose as a leaf).
pub fn root(builder: &mut Builder, tag: u64, leaf: HashOutTarget, path: &PathTarget) -> HashOutTarget {
    path.bits
        .iter()
        .zip(&path.siblings)
        .fold(leaf, |digest, (&bit, &sibling)| node(builder, tag, digest, sibling, bit))
}

/// The roots before and after replacing a leaf.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// Root with the old leaf.
    pub old: HashOutTarget,
    /// Root with the new leaf, along the same path.
    pub new: HashOutTarget,
}

/// Replaces `old_leaf` by `new_leaf` at `path`. Two rows per level.
///
/// Enforces: both roots are computed from the same bits and siblings, so every other leaf is untouched. The caller must
/// connect `old` to the root that is current, and carry `new` on.
pub fn update(
    builder: &mut Builder,
    tag: u64,
    old_leaf: HashOutTarget,
    new_leaf: HashOutTarget,
    path: &PathTarget,
) -> Update {
    Update { old: root(builder, tag, old_leaf, path), new: root(builder, tag, new_leaf, path) }
}

#[cfg(test)]
mod tests {
    use janction_protocol::hash::{Digest, tag};
    use plonky2::field::types::Sample;
    use plonky2::hash::hash_types::HashOut;
    use plonky2::iop::witness::{PartialWitness, Witness, WitnessWrite};
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;
    use crate::C;
    use crate::test_utils::{assert_rejected, check, generate};

    const DEPTH: usize = 24;
    const TAG: u64 = tag::NODE_ACCOUNT;

    fn native_root(leaf: HashOut<F>, index: u64, siblings: &[HashOut<F>]) -> HashOut<F> {
        let digest = |h: HashOut<F>| Digest(h.elements);
        let root = siblings.iter().enumerate().fold(digest(leaf), |child, (level, &sibling)| {
            let bit = (index >> level) & 1 == 1;
            let (l, r) = if bit { (digest(sibling), child) } else { (child, digest(sibling)) };
            janction_protocol::hash::node(TAG, l, r)
        });
        HashOut { elements: root.0 }
    }

    #[test]
    fn update_matches_native_and_binds_the_path() {
        let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
        let path = PathTarget::new(&mut builder, DEPTH);
        let (old_leaf, new_leaf) = (builder.add_virtual_hash(), builder.add_virtual_hash());
        let before = builder.num_gates();
        let out = update(&mut builder, TAG, old_leaf, new_leaf, &path);
        assert_eq!(builder.num_gates() - before, 2 * DEPTH, "rows of an update");
        let index_target = path.index(&mut builder);
        builder.register_public_inputs(&out.old.elements);
        builder.register_public_inputs(&out.new.elements);
        let circuit = builder.build::<C>();

        let index = 0xa5_5a3c;
        let siblings: Vec<HashOut<F>> = (0..DEPTH).map(|_| HashOut::rand()).collect();
        let leaves = [HashOut::rand(), HashOut::rand()];
        let inputs = |index: u64| {
            let mut pw = PartialWitness::new();
            for (level, &sibling) in siblings.iter().enumerate() {
                pw.set_bool_target(path.bits[level], (index >> level) & 1 == 1).unwrap();
                pw.set_hash_target(path.siblings[level], sibling).unwrap();
            }
            pw.set_hash_target(old_leaf, leaves[0]).unwrap();
            pw.set_hash_target(new_leaf, leaves[1]).unwrap();
            pw
        };
        let witness = generate(&circuit, inputs(index), &[]).unwrap();
        check(&circuit, &witness).unwrap();
        let roots = leaves.map(|leaf| native_root(leaf, index, &siblings));
        assert_eq!(witness.get_hash_target(out.old), roots[0]);
        assert_eq!(witness.get_hash_target(out.new), roots[1]);
        assert_eq!(witness.get_target(index_target), F::from_canonical_u64(index));

        // With the roots held, no other index, sibling or leaf fits; and a bit is a bit.
        let held: Vec<_> = out.old.elements.into_iter().zip(roots[0].elements).collect();
        let with = |lie| held.iter().copied().chain([lie]).collect::<Vec<_>>();
        for level in [0, 11, DEPTH - 1] {
            let flipped = F::from_bool((index >> level) & 1 == 0);
            assert_rejected(&circuit, inputs(index), &with((path.bits[level].target, flipped)));
            assert_rejected(&circuit, inputs(index), &[(path.bits[level].target, F::TWO)]);
            assert_rejected(&circuit, inputs(index), &with((path.siblings[level].elements[2], F::ONE)));
        }
        assert_rejected(&circuit, inputs(index), &with((old_leaf.elements[0], F::ONE)));
        assert_rejected(&circuit, inputs(index), &[(out.new.elements[3], F::ONE)]);
    }
}
