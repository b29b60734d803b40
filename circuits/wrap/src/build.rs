//! Building a circuit of the last layer, whose constants' tree takes most of the time, many hashes at a time.
//!
//! Plonky2 builds a circuit with one hash after the other. Here it builds the same circuit with a hasher that does nothing;
//! then the tree is hashed and the digests that depend on it are filled in. What comes out is what `build` returns.

use janction_accel_cpu::{AccelError, Columns, TreeHasher};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree};
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitData, ProverOnlyCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::{GenericConfig, GenericHashOut, Hasher};

use crate::config::{Bn254Digest, Bn254Poseidon2, Poseidon2Permutation};
use crate::hasher::Bn254Hasher;
use crate::last_layer::{D, F, LastConfig};

/// Leaves that are laid out by columns at once.
const BLOCK: usize = 64;

/// The circuit that `builder.build()` gives.
///
/// # Errors
/// [`AccelError`] when `JANCTION_SIMD` names what this processor cannot run.
pub(crate) fn build(builder: CircuitBuilder<F, D>) -> Result<CircuitData<F, LastConfig, D>, AccelError> {
    let hasher = Bn254Hasher::new()?;
    let CircuitData { prover_only, common, .. } = builder.build::<UnhashedConfig>();
    let PolynomialBatch { polynomials, merkle_tree, degree_log, rate_bits, blinding } =
        prover_only.constants_sigmas_commitment;
    let merkle_tree = tree(&hasher, merkle_tree.leaves, common.config.fri_config.cap_height);
    let cap = merkle_tree.cap.clone();
    // As in Plonky2's builder; the circuits of the house have no domain separator.
    let separator = Bn254Poseidon2::hash_pad(&[]).to_vec();
    let degree_bits = vec![F::from_canonical_usize(common.degree_bits())];
    let circuit_digest = Bn254Poseidon2::hash_no_pad(&[cap.flatten(), separator, degree_bits].concat());
    let constants_sigmas_commitment =
        PolynomialBatch { polynomials, merkle_tree, degree_log, rate_bits, blinding };
    let prover_only = ProverOnlyCircuitData {
        generators: prover_only.generators,
        generator_indices_by_watches: prover_only.generator_indices_by_watches,
        constants_sigmas_commitment,
        sigmas: prover_only.sigmas,
        subgroup: prover_only.subgroup,
        public_inputs: prover_only.public_inputs,
        representative_map: prover_only.representative_map,
        fft_root_table: prover_only.fft_root_table,
        circuit_digest,
        lookup_rows: prover_only.lookup_rows,
        lut_to_lookups: prover_only.lut_to_lookups,
    };
    let verifier_only = VerifierOnlyCircuitData { constants_sigmas_cap: cap, circuit_digest };
    Ok(CircuitData { prover_only, verifier_only, common })
}

/// Plonky2's `MerkleTree::new`.
fn tree(hasher: &Bn254Hasher, leaves: Vec<Vec<F>>, cap_height: usize) -> MerkleTree<F, Bn254Poseidon2> {
    let mut rows = Columns::zeros(leaves.len(), leaves.first().map_or(0, Vec::len));
    for (block, leaves) in leaves.chunks(BLOCK).enumerate() {
        for column in 0..rows.columns() {
            let to = &mut rows.column_mut(column)[block * BLOCK..];
            to.iter_mut().zip(leaves).for_each(|(to, leaf)| *to = leaf[column]);
        }
    }
    let mut level = hasher.rows(&rows);
    drop(rows);
    let mut digests = vec![Bn254Digest::default(); 2 * (leaves.len() - (1 << cap_height))];
    let of_a_tree = digests.len() >> cap_height;
    let mut height = 0;
    while level.len() > 1 << cap_height {
        let of_a_level = level.len() >> cap_height;
        for (node, &digest) in level.iter().enumerate() {
            let (tree, node) = (node / of_a_level, node % of_a_level);
            digests[tree * of_a_tree + place(height, node)] = digest;
        }
        level = hasher.pairs(&level);
        height += 1;
    }
    MerkleTree { leaves, digests, cap: MerkleCap(level) }
}

/// Where Plonky2 keeps a node of a tree: the pairs of a level lie as far apart as their subtrees need.
const fn place(height: usize, node: usize) -> usize {
    let pair = ((node / 2) << (height + 1)) + (1 << height) - 1;
    2 * pair + node % 2
}

/// A hasher that does nothing, with the types of [`Bn254Poseidon2`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unhashed;

impl Hasher<F> for Unhashed {
    const HASH_SIZE: usize = Bn254Poseidon2::HASH_SIZE;
    type Hash = Bn254Digest;
    type Permutation = Poseidon2Permutation;

    fn hash_no_pad(_: &[F]) -> Bn254Digest {
        Bn254Digest::default()
    }

    fn hash_or_noop(_: &[F]) -> Bn254Digest {
        Bn254Digest::default()
    }

    fn two_to_one(_: Bn254Digest, _: Bn254Digest) -> Bn254Digest {
        Bn254Digest::default()
    }
}

/// [`LastConfig`] without its hasher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
struct UnhashedConfig;

impl GenericConfig<D> for UnhashedConfig {
    type F = F;
    type FE = QuadraticExtension<F>;
    type Hasher = Unhashed;
    type InnerHasher = PoseidonHash;
}

#[cfg(test)]
mod tests {
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;
    use crate::last_layer::last_layer_config;

    fn circuit(config: CircuitConfig) -> CircuitBuilder<F, D> {
        let mut builder = CircuitBuilder::<F, D>::new(config);
        let input = builder.add_virtual_public_input();
        let bits = builder.split_le(input, 20);
        let power = builder.exp_from_bits(input, bits.iter());
        let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(vec![power; 9]);
        builder.register_public_inputs(&hash.elements);
        builder
    }

    /// What Plonky2 builds and what is built here: keys, trees, shapes; and each proves for the other.
    #[test]
    fn builds_what_plonky2_builds() {
        for cap_height in [0, 2] {
            let mut config = last_layer_config();
            config.fri_config.cap_height = cap_height;
            let stock = circuit(config.clone()).build::<LastConfig>();
            let ours = build(circuit(config)).expect("a backend");
            assert_eq!(ours.common, stock.common);
            assert_eq!(ours.verifier_only, stock.verifier_only);
            assert_eq!(ours.prover_only.circuit_digest, stock.prover_only.circuit_digest);
            assert!(
                ours.prover_only.constants_sigmas_commitment == stock.prover_only.constants_sigmas_commitment
            );
            let target = ours.prover_only.public_inputs[0];
            for (prover, verifier) in [(&ours, &stock), (&stock, &ours)] {
                let mut inputs = PartialWitness::new();
                inputs.set_target(target, F::from_canonical_u64(0x5_4321)).expect("a free target");
                let proof = prover.prove(inputs).expect("satisfiable");
                verifier.verify(proof).expect("a valid proof");
            }
        }
    }
}
