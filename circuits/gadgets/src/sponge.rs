//! The protocol's domain-separated Poseidon sponge (docs/protocol.md, section 1) in circuit.
//!
//! The state is `[0; 8] ++ [tag, len, 0, 0]`; blocks of eight elements overwrite the rate lanes, each followed by a
//! permutation (one row); the digest is lanes 0..4. The tag is always a constant of the circuit, and so is the length,
//! except in a [`Sponge`] that is resumed from a state.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::poseidon::{PoseidonHash, PoseidonPermutation};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::plonk::config::AlgebraicHasher;

use crate::{Builder, F};

/// Elements absorbed per permutation.
pub const RATE: usize = 8;

/// Lanes of the state.
pub const WIDTH: usize = 12;

/// Digest of `data` under `tag`: the circuit's `H(tag, data)`. Rows: one per started block of eight, at least one.
///
/// Enforces: the result is the digest of exactly these targets; their number is bound by the capacity.
pub fn hash(builder: &mut Builder, tag: u64, data: &[Target]) -> HashOutTarget {
    let mut sponge = Sponge::new(builder, tag, data.len() as u64);
    let zero = builder.zero();
    for i in 0..data.len().div_ceil(RATE).max(1) {
        let block = std::array::from_fn(|lane| data.get(i * RATE + lane).copied().unwrap_or(zero));
        sponge.absorb(builder, &block);
    }
    sponge.digest()
}

/// Hash of an inner node of the tree `tag`: lanes 0..4 of `permute(left ++ right ++ [tag, 0, 0, 0])`, with the two
/// children exchanged first when `swap` is 1. One row.
///
/// Enforces: `swap` is 0 or 1 (the permutation's row checks it).
pub fn node(
    builder: &mut Builder,
    tag: u64,
    left: HashOutTarget,
    right: HashOutTarget,
    swap: BoolTarget,
) -> HashOutTarget {
    let zero = builder.zero();
    let tag = builder.constant(F::from_canonical_u64(tag));
    let mut lanes = [zero; WIDTH];
    lanes[..4].copy_from_slice(&left.elements);
    lanes[4..8].copy_from_slice(&right.elements);
    lanes[8] = tag;
    let state = PoseidonPermutation::new(lanes);
    let out = PoseidonHash::permute_swapped(state, swap, builder);
    HashOutTarget::from_vec(out.squeeze()[..4].to_vec())
}

/// One Poseidon permutation of twelve lanes. One row.
pub fn permute(builder: &mut Builder, lanes: [Target; WIDTH]) -> [Target; WIDTH] {
    let swap = builder._false();
    let out = PoseidonHash::permute_swapped(PoseidonPermutation::new(lanes), swap, builder);
    let mut result = lanes;
    result.copy_from_slice(out.as_ref());
    result
}

/// A sponge that is fed block by block, possibly across circuits (its lanes are then carried in public data).
#[derive(Clone, Copy, Debug)]
pub struct Sponge {
    lanes: [Target; WIDTH],
}

impl Sponge {
    /// A fresh sponge for `len` elements of kind `tag`. Where a length is bound in another way (the stream), `len` is 0.
    pub fn new(builder: &mut Builder, tag: u64, len: u64) -> Self {
        let zero = builder.zero();
        let mut lanes = [zero; WIDTH];
        lanes[RATE] = builder.constant(F::from_canonical_u64(tag));
        lanes[RATE + 1] = builder.constant(F::from_canonical_u64(len));
        Self { lanes }
    }

    /// A sponge in the middle of its work. The caller must bind `lanes` to where they come from.
    pub const fn resume(lanes: [Target; WIDTH]) -> Self {
        Self { lanes }
    }

    /// The twelve lanes, to be carried on.
    pub const fn lanes(&self) -> &[Target; WIDTH] {
        &self.lanes
    }

    /// Overwrites the rate with `block` and permutes. One row.
    pub fn absorb(&mut self, builder: &mut Builder, block: &[Target; RATE]) {
        self.lanes[..RATE].copy_from_slice(block);
        self.lanes = permute(builder, self.lanes);
    }

    /// Absorbs `block` when `condition` is 1, and leaves every lane as it is when it is 0. One row and 24 additions.
    ///
    /// The caller must ensure that `condition` is 0 or 1.
    pub fn absorb_if(&mut self, builder: &mut Builder, condition: BoolTarget, block: &[Target; RATE]) {
        let mut absorbed = *self;
        absorbed.absorb(builder, block);
        for (lane, new) in self.lanes.iter_mut().zip(absorbed.lanes) {
            *lane = builder.select(condition, new, *lane);
        }
    }

    /// The digest of what was absorbed: lanes 0..4.
    pub fn digest(&self) -> HashOutTarget {
        HashOutTarget::from_vec(self.lanes[..4].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use janction_protocol::hash as native;
    use plonky2::field::types::Sample;
    use plonky2::iop::witness::{PartialWitness, Witness, WitnessWrite};
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;
    use crate::C;
    use crate::test_utils::{check, generate};

    #[test]
    fn digest_is_the_protocols() {
        for len in [0, 1, 4, 7, 8, 9, 16, 20, 32] {
            let data = F::rand_vec(len);
            let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
            let targets = builder.add_virtual_targets(len);
            let digest = hash(&mut builder, 77, &targets);
            let circuit = builder.build::<C>();
            let mut pw = PartialWitness::new();
            pw.set_target_arr(&targets, &data).unwrap();
            let witness = generate(&circuit, pw, &[]).unwrap();
            check(&circuit, &witness).unwrap();
            assert_eq!(
                digest.elements.map(|t| witness.get_target(t)),
                native::hash(77, &data).0,
                "{len} elements"
            );
        }
    }

    #[test]
    fn conditional_absorption() {
        for condition in [false, true] {
            let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
            let flag = builder.constant_bool(condition);
            let block: [Target; RATE] = builder.add_virtual_target_arr();
            let mut sponge = Sponge::new(&mut builder, 5, 16);
            sponge.absorb(&mut builder, &block);
            sponge.absorb_if(&mut builder, flag, &block);
            let digest = sponge.digest();
            let circuit = builder.build::<C>();
            let values = F::rand_vec(RATE);
            let mut pw = PartialWitness::new();
            pw.set_target_arr(&block, &values).unwrap();
            let witness = generate(&circuit, pw, &[]).unwrap();
            check(&circuit, &witness).unwrap();

            let mut expected = native::Sponge::new(5, 16);
            for _ in 0..1 + usize::from(condition) {
                expected.absorb(&[0, 1, 2, 3, 4, 5, 6, 7].map(|i| values[i]));
            }
            assert_eq!(digest.elements.map(|t| witness.get_target(t)), expected.digest().0);
            // Another digest than the honest one breaks the circuit.
            let forged = generate(&circuit, pw_of(&block, &values), &[(digest.elements[0], F::ONE)]).unwrap();
            assert!(check(&circuit, &forged).is_err());
        }
    }

    fn pw_of(block: &[Target], values: &[F]) -> PartialWitness<F> {
        let mut pw = PartialWitness::new();
        pw.set_target_arr(block, values).unwrap();
        pw
    }
}
