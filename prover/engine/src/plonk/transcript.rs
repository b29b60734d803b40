use plonky2::field::types::Field;
use plonky2::fri::{FriConfig, FriParams};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::plonk::config::{GenericHashOut, Hasher};

use crate::{E, F};

/// The Fiat-Shamir transcript: a duplex sponge in overwrite mode over the permutation of `H`.
///
/// Absorbs field elements and gives challenges in the order of Plonky2's challenger, which does not let grinding see
/// its state.
pub(crate) struct Transcript<H: Hasher<F>> {
    sponge: H::Permutation,
    absorbed: Vec<F>,
    squeezed: Vec<F>,
}

impl<H: Hasher<F>> Transcript<H> {
    pub(crate) fn new() -> Self {
        Self {
            sponge: H::Permutation::new(std::iter::repeat(F::ZERO)),
            absorbed: Vec::with_capacity(H::Permutation::RATE),
            squeezed: Vec::with_capacity(H::Permutation::RATE),
        }
    }

    pub(crate) fn observe(&mut self, elements: &[F]) {
        for &element in elements {
            self.squeezed.clear();
            self.absorbed.push(element);
            if self.absorbed.len() == H::Permutation::RATE {
                self.duplex();
            }
        }
    }

    pub(crate) fn observe_extension(&mut self, elements: &[E]) {
        elements.iter().for_each(|element| self.observe(&element.0));
    }

    pub(crate) fn observe_hash<O: GenericHashOut<F>>(&mut self, hash: &O) {
        self.observe(&hash.to_vec());
    }

    pub(crate) fn observe_cap<O: GenericHashOut<F>>(&mut self, cap: &[O]) {
        cap.iter().for_each(|hash| self.observe_hash(hash));
    }

    /// Absorbs what FRI is run with, before anything else of a proof.
    pub(crate) fn observe_fri_params(&mut self, params: &FriParams) {
        let FriConfig { rate_bits, cap_height, proof_of_work_bits, reduction_strategy, num_query_rounds } =
            &params.config;
        let size = F::from_canonical_usize;
        self.observe(&[size(*rate_bits), size(*cap_height), F::from_canonical_u32(*proof_of_work_bits)]);
        self.observe(&reduction_strategy.serialize());
        self.observe(&[size(*num_query_rounds), F::from_bool(params.hiding), size(params.degree_bits)]);
        let arities: Vec<F> = params.reduction_arity_bits.iter().map(|&bits| size(bits)).collect();
        self.observe(&arities);
    }

    pub(crate) fn challenge(&mut self) -> F {
        if !self.absorbed.is_empty() || self.squeezed.is_empty() {
            self.duplex();
        }
        self.squeezed.pop().expect("a permutation gives at least one element")
    }

    pub(crate) fn challenges(&mut self, n: usize) -> Vec<F> {
        (0..n).map(|_| self.challenge()).collect()
    }

    pub(crate) fn extension_challenge(&mut self) -> E {
        let re = self.challenge();
        plonky2::field::extension::quadratic::QuadraticExtension([re, self.challenge()])
    }

    /// The state that grinding permutes, with everything absorbed but the nonce, and the nonce's place in it.
    pub(crate) fn before_nonce(&self) -> (H::Permutation, usize) {
        let mut state = self.sponge;
        state.set_from_iter(self.absorbed.iter().copied(), 0);
        (state, self.absorbed.len())
    }

    fn duplex(&mut self) {
        self.sponge.set_from_iter(self.absorbed.drain(..), 0);
        self.sponge.permute();
        self.squeezed.clear();
        self.squeezed.extend_from_slice(self.sponge.squeeze());
    }
}

#[cfg(test)]
mod tests {
    use plonky2::fri::reduction_strategies::FriReductionStrategy;
    use plonky2::hash::poseidon::PoseidonHash;
    use plonky2::iop::challenger::Challenger;

    use super::*;

    #[test]
    fn gives_the_challenges_of_plonky2() {
        let config = FriConfig {
            rate_bits: 3,
            cap_height: 4,
            proof_of_work_bits: 16,
            reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
            num_query_rounds: 28,
        };
        let params = config.fri_params(12, false);
        let (mut ours, mut stock) = (Transcript::<PoseidonHash>::new(), Challenger::<F, PoseidonHash>::new());
        ours.observe_fri_params(&params);
        params.observe(&mut stock);
        for n in 0..20 {
            let elements: Vec<F> = (0..n).map(F::from_canonical_u64).collect();
            ours.observe(&elements);
            stock.observe_elements(&elements);
            let count = (n as usize * 7) % 11;
            assert_eq!(ours.challenges(count), stock.get_n_challenges(count));
            assert_eq!(ours.extension_challenge(), stock.get_extension_challenge::<2>());
        }
    }
}
