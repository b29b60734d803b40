use std::sync::Arc;

use janction_accel_cpu::Columns;
use plonky2::fri::proof::FriQueryStep;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::config::Hasher;

use super::{Challenges, Stages};
use crate::{D, E, EngineError, F};

/// All polynomials of a commitment at a point, and the path that proves them.
pub(crate) type Opened<H> = (Vec<F>, MerkleProof<F, H>);

/// Who does the arithmetic of one proof. The calls come in the order in which they stand here, those of FRI's layers
/// once a layer, and what one call makes the later ones find.
///
/// Commitments are numbered in the protocol's order: wires 0, products 1, quotient 2. (Constants and σ were committed to
/// when the circuit was built.)
pub(crate) trait Machine<H: Hasher<F>> {
    /// Commits to the wires: a column a wire, values on the subgroup in natural order.
    fn commit_wires(
        &mut self,
        values: Arc<Columns>,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, H>, EngineError>;

    /// Commits to Z, partial products and lookups.
    ///
    /// # Errors
    /// [`EngineError::Witness`] where the challenges hit a pole.
    fn commit_products(
        &mut self,
        challenges: &Challenges,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, H>, EngineError>;

    /// Commits to the quotient.
    ///
    /// # Errors
    /// [`EngineError::Witness`] where the constraints do not vanish on the subgroup, as far as the quotient tells.
    fn commit_quotient(
        &mut self,
        public_inputs_hash: &HashOut<F>,
        challenges: &Challenges,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, H>, EngineError>;

    /// Everything at ζ (constants, σ, wires, Z, partial products, quotient, lookups), and at gζ what reaches into the next
    /// row (Z, lookups). `points` are ζ and gζ.
    fn evaluate(&mut self, points: [E; 2]) -> Result<[Vec<E>; 2], EngineError>;

    /// Joins both batches into the polynomial that FRI folds.
    fn combine(&mut self, points: [E; 2], alpha: E) -> Result<(), EngineError>;

    /// Commits to the values of the polynomial that is folded, 2^`arity_bits` a leaf.
    fn commit_layer(&mut self, arity_bits: usize) -> Result<MerkleCap<F, H>, EngineError>;

    /// Folds 2^`arity_bits` coefficients into one.
    fn fold(&mut self, arity_bits: usize, beta: E) -> Result<(), EngineError>;

    /// The coefficients that are left.
    fn remainder(&mut self) -> Result<Vec<E>, EngineError>;

    /// The lowest nonce that, at `position` of the state, lets the challenge after it start with `bits` zeros.
    fn grind(&mut self, bits: u32, state: H::Permutation, position: usize) -> Result<F, EngineError>;

    /// What the three commitments hold at each of these positions of the extended domain.
    fn open(&mut self, positions: &[usize]) -> Result<Vec<[Opened<H>; 3]>, EngineError>;

    /// These leaves of one of FRI's layers.
    fn open_layer(
        &mut self,
        layer: usize,
        leaves: &[usize],
    ) -> Result<Vec<FriQueryStep<F, H, D>>, EngineError>;
}
