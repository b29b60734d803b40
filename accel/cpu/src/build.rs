//! Building circuits, of which the constants' tree takes most of the time, many hashes at a time.
//!
//! Plonky2 builds a circuit with one hash after the other. Here it builds the same circuit with a hasher that does nothing;
//! then the tree is hashed and the digests that depend on it are filled in. What comes out is what `build` returns.

use std::marker::PhantomData;

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree as PlonkyTree};
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitData, ProverOnlyCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::{AlgebraicHasher, GenericConfig, GenericHashOut, Hasher};
use rayon::prelude::*;

use crate::{Backend, Columns, F, MerkleTree};

/// Degree of the extension that challenges are drawn from: that of every configuration over Goldilocks.
const D: usize = 2;
/// Columns that are filled at once: a line of the cache holds as many elements of a leaf.
const AT_ONCE: usize = 8;

/// The circuit that `builder.build()` gives, for circuits hashed with Poseidon and without a domain separator.
///
/// # Panics
/// As `build` does.
#[must_use]
pub fn build_circuit<C>(backend: Backend, builder: CircuitBuilder<F, D>) -> CircuitData<F, C, D>
where
    C: GenericConfig<D, F = F, Hasher = PoseidonHash>,
    C::InnerHasher: AlgebraicHasher<F>,
{
    build_circuit_with(builder, |leaves, cap_height| {
        let tree = MerkleTree::of_columns(backend, leaves, cap_height)
            .expect("a circuit has a power of two of rows, and its cap lies above them");
        let heights = 0..=leaves.rows().ilog2() as usize - cap_height;
        heights.map(|height| tree.layer(height).to_vec()).collect()
    })
}

/// The same for another hasher: `layers` gives all layers of the tree over the rows of a matrix, from the leaves' digests to
/// the cap, whose height it is told.
///
/// # Panics
/// As `build` does.
pub fn build_circuit_with<C>(
    builder: CircuitBuilder<F, D>,
    layers: impl FnOnce(&Columns, usize) -> Vec<Vec<<C::Hasher as Hasher<F>>::Hash>>,
) -> CircuitData<F, C, D>
where
    C: GenericConfig<D, F = F>,
    C::Hasher: Hasher<F, Hash: Default>,
    C::InnerHasher: AlgebraicHasher<F>,
{
    let CircuitData { prover_only, common, .. } = builder.build::<Unhashed<C>>();
    let PolynomialBatch { polynomials, merkle_tree, degree_log, rate_bits, blinding } =
        prover_only.constants_sigmas_commitment;
    let leaves = merkle_tree.leaves;
    let layers = layers(&by_columns(&leaves), common.config.fri_config.cap_height);
    let cap = MerkleCap(layers.last().cloned().unwrap_or_default());
    let merkle_tree = PlonkyTree { leaves, digests: place_all(&layers), cap: cap.clone() };
    // As in Plonky2's builder, without a domain separator.
    let separator = C::Hasher::hash_pad(&[]).to_vec();
    let degree_bits = vec![F::from_canonical_usize(common.degree_bits())];
    let circuit_digest = C::Hasher::hash_no_pad(&[cap.flatten(), separator, degree_bits].concat());
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
    CircuitData { prover_only, verifier_only, common }
}

/// The leaves as rows of a matrix.
fn by_columns(leaves: &[Vec<F>]) -> Columns {
    let mut rows = Columns::zeros(leaves.len(), leaves.first().map_or(0, Vec::len));
    rows.par_columns_mut().chunks(AT_ONCE).enumerate().for_each(|(group, mut columns)| {
        for (row, leaf) in leaves.iter().enumerate() {
            for (column, &element) in columns.iter_mut().zip(&leaf[group * AT_ONCE..]) {
                column[row] = element;
            }
        }
    });
    rows
}

/// The layers below the cap, as Plonky2 keeps them: subtree after subtree.
fn place_all<H: Copy + Default>(layers: &[Vec<H>]) -> Vec<H> {
    let Some((cap, below)) = layers.split_last() else { return Vec::new() };
    let leaves = below.first().map_or(cap.len(), Vec::len);
    let mut digests = vec![H::default(); 2 * (leaves - cap.len())];
    let of_a_tree = digests.len() / cap.len().max(1);
    for (height, layer) in below.iter().enumerate() {
        let of_a_layer = layer.len() / cap.len().max(1);
        for (node, &digest) in layer.iter().enumerate() {
            let (tree, node) = (node / of_a_layer, node % of_a_layer);
            digests[tree * of_a_tree + place(height, node)] = digest;
        }
    }
    digests
}

/// Where Plonky2 keeps a node of a tree: the pairs of a layer lie as far apart as their subtrees need.
const fn place(height: usize, node: usize) -> usize {
    let pair = ((node / 2) << (height + 1)) + (1 << height) - 1;
    2 * pair + node % 2
}

/// A hasher that does nothing, with the types of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Nothing<H>(PhantomData<H>);

impl<H: Hasher<F>> Hasher<F> for Nothing<H>
where
    H::Hash: Default,
{
    const HASH_SIZE: usize = H::HASH_SIZE;
    type Hash = H::Hash;
    type Permutation = H::Permutation;

    fn hash_no_pad(_: &[F]) -> H::Hash {
        H::Hash::default()
    }

    fn hash_or_noop(_: &[F]) -> H::Hash {
        H::Hash::default()
    }

    fn two_to_one(_: H::Hash, _: H::Hash) -> H::Hash {
        H::Hash::default()
    }
}

/// A configuration without its hasher.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unhashed<C>(PhantomData<C>);

impl<C: GenericConfig<D, F = F>> GenericConfig<D> for Unhashed<C>
where
    C::Hasher: Hasher<F, Hash: Default>,
{
    type F = F;
    type FE = QuadraticExtension<F>;
    type Hasher = Nothing<C::Hasher>;
    type InnerHasher = C::InnerHasher;
}

#[cfg(test)]
mod tests {
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};
    use plonky2::plonk::circuit_data::CircuitConfig;
    use plonky2::plonk::config::PoseidonGoldilocksConfig;

    use super::*;

    type C = PoseidonGoldilocksConfig;

    fn circuit(config: CircuitConfig) -> CircuitBuilder<F, D> {
        let mut builder = CircuitBuilder::<F, D>::new(config);
        let input = builder.add_virtual_public_input();
        let table = (0..64u16).map(|i| (i, 63 - i)).collect::<Vec<_>>();
        let table = builder.add_lookup_table_from_pairs(std::sync::Arc::new(table));
        let bits = builder.split_le(input, 20);
        let low = builder.le_sum(bits[..6].iter());
        let found = builder.add_lookup_from_index(low, table);
        let power = builder.exp_from_bits(input, bits.iter());
        let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(vec![power, found, input]);
        builder.register_public_inputs(&hash.elements);
        builder
    }

    /// What Plonky2 builds and what is built here: keys, trees, shapes; and each proves for the other.
    #[test]
    fn builds_what_plonky2_builds() {
        for cap_height in [0, 2, 4] {
            let mut config = CircuitConfig::standard_recursion_config();
            config.fri_config.cap_height = cap_height;
            let stock = circuit(config.clone()).build::<C>();
            let ours = build_circuit::<C>(Backend::PORTABLE, circuit(config));
            assert_eq!(ours.common, stock.common);
            assert_eq!(ours.verifier_only, stock.verifier_only);
            assert_eq!(ours.prover_only.circuit_digest, stock.prover_only.circuit_digest);
            assert!(
                ours.prover_only.constants_sigmas_commitment == stock.prover_only.constants_sigmas_commitment
            );
            let target = ours.prover_only.public_inputs[0];
            for (prover, verifier) in [(&ours, &stock), (&stock, &ours)] {
                let mut inputs = PartialWitness::new();
                inputs.set_target(target, F::from_canonical_u64(0x5_4321)).unwrap();
                let proof = prover.prove(inputs).unwrap();
                verifier.verify(proof).unwrap();
            }
        }
    }

    /// A circuit of one leaf under the cap, and of nothing but the cap.
    #[test]
    fn nodes_lie_where_plonky2_keeps_them() {
        for (log2, cap_height) in [(3, 3), (3, 2), (5, 0), (6, 4)] {
            let leaves: Vec<Vec<F>> = (0..1u64 << log2)
                .map(|i| (0..9).map(|j| F::from_canonical_u64(i * 9 + j)).collect())
                .collect();
            let stock = PlonkyTree::<F, PoseidonHash>::new(leaves.clone(), cap_height);
            let tree = MerkleTree::of_columns(Backend::PORTABLE, &by_columns(&leaves), cap_height).unwrap();
            let layers: Vec<_> = (0..=log2 - cap_height).map(|h| tree.layer(h).to_vec()).collect();
            assert_eq!(place_all(&layers), stock.digests, "{log2} {cap_height}");
        }
    }
}
