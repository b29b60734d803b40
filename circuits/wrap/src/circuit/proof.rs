//! The inner proof in cells. Every Goldilocks element is range-checked to 64 bits here; digests are free elements
//! of Fr, because whatever they are, they are only ever hashed.

use halo2_proofs::halo2curves::bn256::Fr;
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::proof::{OpeningSet, Proof, ProofWithPublicInputs};

use super::bound::U256;
use super::extension::{Ext, NativeExt};
use super::goldilocks::Gl;
use super::tape::{Cell, Input, Tape};
use crate::config::{Bn254Digest, Bn254Poseidon2};
use crate::last_layer::{D, F, LastConfig};

/// A proof of the last layer.
pub type LastProof = ProofWithPublicInputs<F, LastConfig, D>;

/// Openings at zeta, and of the Z polynomials at g·zeta.
#[derive(Clone, Debug)]
pub struct OpeningCells {
    /// Selectors and constants.
    pub constants: Vec<Ext>,
    /// Permutation polynomials.
    pub sigmas: Vec<Ext>,
    /// Wires.
    pub wires: Vec<Ext>,
    /// Permutation accumulators.
    pub zs: Vec<Ext>,
    /// Permutation accumulators one row on.
    pub zs_next: Vec<Ext>,
    /// Partial products.
    pub partial_products: Vec<Ext>,
    /// Chunks of the quotients.
    pub quotients: Vec<Ext>,
}

impl OpeningCells {
    /// The openings at zeta in the order of the FRI batch.
    pub fn zeta_batch(&self) -> Vec<Ext> {
        [&self.constants, &self.sigmas, &self.wires, &self.zs, &self.partial_products, &self.quotients]
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }
}

/// A leaf and the digests beside its path, lowest first.
#[derive(Clone, Debug)]
pub struct PathCells<T> {
    /// The leaf.
    pub leaf: Vec<T>,
    /// The siblings.
    pub siblings: Vec<Cell>,
}

/// One query: a leaf in each initial tree and one in each folding tree.
#[derive(Clone, Debug)]
pub struct QueryCells {
    /// Constants and sigmas, wires, Z and partial products, quotients.
    pub initial: Vec<PathCells<Gl>>,
    /// One for each folding.
    pub steps: Vec<PathCells<Ext>>,
}

/// All parts of a proof.
#[derive(Clone, Debug)]
pub struct ProofCells {
    /// Public inputs, range-checked but not yet canonical.
    pub public_inputs: Vec<Gl>,
    /// Root of the wires' tree.
    pub wires_root: Cell,
    /// Root of the tree of Z and partial products.
    pub zs_root: Cell,
    /// Root of the quotients' tree.
    pub quotients_root: Cell,
    /// Openings.
    pub openings: OpeningCells,
    /// Roots of the folding trees.
    pub fold_roots: Vec<Cell>,
    /// Coefficients of the final polynomial, least first.
    pub final_polynomial: Vec<Ext>,
    /// The grinding witness.
    pub pow_witness: Gl,
    /// Queries.
    pub queries: Vec<QueryCells>,
}

/// A digest as an element of halo2's field.
pub fn digest_to_fr(digest: Bn254Digest) -> Fr {
    U256(ark_ff::PrimeField::into_bigint(digest.0).0).to_fr()
}

fn digest(tape: &mut Tape, digest: Bn254Digest) -> Cell {
    tape.push(Input::Witness(digest_to_fr(digest)))
}

fn root(tape: &mut Tape, cap: &MerkleCap<F, Bn254Poseidon2>) -> Cell {
    digest(tape, cap.0[0])
}

fn extensions(tape: &mut Tape, values: &[NativeExt]) -> Vec<Ext> {
    values.iter().map(|&value| tape.ext_witness(value)).collect()
}

fn siblings(tape: &mut Tape, proof: &MerkleProof<F, Bn254Poseidon2>) -> Vec<Cell> {
    proof.siblings.iter().map(|&sibling| digest(tape, sibling)).collect()
}

impl ProofCells {
    /// Assigns a proof whose shape has been validated.
    pub fn assign(tape: &mut Tape, proof: &LastProof) -> Self {
        let ProofWithPublicInputs { proof, public_inputs } = proof;
        let openings = &proof.openings;
        let fri = &proof.opening_proof;
        Self {
            public_inputs: public_inputs.iter().map(|&input| tape.gl_witness(input)).collect(),
            wires_root: root(tape, &proof.wires_cap),
            zs_root: root(tape, &proof.plonk_zs_partial_products_cap),
            quotients_root: root(tape, &proof.quotient_polys_cap),
            openings: OpeningCells {
                constants: extensions(tape, &openings.constants),
                sigmas: extensions(tape, &openings.plonk_sigmas),
                wires: extensions(tape, &openings.wires),
                zs: extensions(tape, &openings.plonk_zs),
                zs_next: extensions(tape, &openings.plonk_zs_next),
                partial_products: extensions(tape, &openings.partial_products),
                quotients: extensions(tape, &openings.quotient_polys),
            },
            fold_roots: fri.commit_phase_merkle_caps.iter().map(|cap| root(tape, cap)).collect(),
            final_polynomial: extensions(tape, &fri.final_poly.coeffs),
            pow_witness: tape.gl_witness(fri.pow_witness),
            queries: fri.query_round_proofs.iter().map(|round| QueryCells::assign(tape, round)).collect(),
        }
    }
}

impl QueryCells {
    fn assign(tape: &mut Tape, round: &FriQueryRound<F, Bn254Poseidon2, D>) -> Self {
        let initial = round.initial_trees_proof.evals_proofs.iter().map(|(leaf, path)| PathCells {
            leaf: leaf.iter().map(|&element| tape.gl_witness(element)).collect(),
            siblings: siblings(tape, path),
        });
        let initial = initial.collect();
        let steps = round.steps.iter().map(|step| PathCells {
            leaf: extensions(tape, &step.evals),
            siblings: siblings(tape, &step.merkle_proof),
        });
        Self { initial, steps: steps.collect() }
    }
}

/// A proof of the right shape and no content, from which keys are generated.
pub fn dummy_proof(common: &CommonCircuitData<F, D>) -> LastProof {
    use plonky2::field::polynomial::PolynomialCoeffs;
    use plonky2::field::types::Field;
    let config = &common.config;
    let fri = &common.fri_params;
    let zeros = |count: usize| vec![NativeExt::ZERO; count];
    let cap = || MerkleCap(vec![Bn254Digest::default()]);
    let path = |height: usize| MerkleProof { siblings: vec![Bn254Digest::default(); height] };
    let num_zs = config.num_challenges;
    let num_partial = num_zs * common.num_partial_products;
    let num_quotients = num_zs * common.quotient_degree_factor;
    let leaves = [
        common.num_constants + config.num_routed_wires,
        config.num_wires,
        num_zs + num_partial,
        num_quotients,
    ];
    let mut height = fri.lde_bits();
    let initial = leaves.map(|len| (vec![F::ZERO; len], path(height))).to_vec();
    let steps = fri.reduction_arity_bits.iter().map(|&bits| {
        height -= bits;
        FriQueryStep { evals: zeros(1 << bits), merkle_proof: path(height) }
    });
    let query = FriQueryRound {
        steps: steps.collect(),
        initial_trees_proof: FriInitialTreeProof { evals_proofs: initial },
    };
    ProofWithPublicInputs {
        proof: Proof {
            wires_cap: cap(),
            plonk_zs_partial_products_cap: cap(),
            quotient_polys_cap: cap(),
            openings: OpeningSet {
                constants: zeros(common.num_constants),
                plonk_sigmas: zeros(config.num_routed_wires),
                wires: zeros(config.num_wires),
                plonk_zs: zeros(num_zs),
                plonk_zs_next: zeros(num_zs),
                partial_products: zeros(num_partial),
                quotient_polys: zeros(num_quotients),
                lookup_zs: Vec::new(),
                lookup_zs_next: Vec::new(),
            },
            opening_proof: FriProof {
                commit_phase_merkle_caps: fri.reduction_arity_bits.iter().map(|_| cap()).collect(),
                query_round_proofs: vec![query; config.fri_config.num_query_rounds],
                final_poly: PolynomialCoeffs { coeffs: zeros(fri.final_poly_len()) },
                pow_witness: F::ZERO,
            },
        },
        public_inputs: vec![F::ZERO; common.num_public_inputs],
    }
}
