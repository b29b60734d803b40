use std::sync::Arc;

use janction_accel_cpu::Columns;
use plonky2::field::types::Field;
use plonky2::fri::proof::FriQueryStep;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;

use super::fri::{self, Layer};
use super::openings::Batches;
use super::oracle::Oracle;
use super::tree::Hashing;
use super::{lookup, permutation, quotient};
use crate::plonk::{Challenges, LookupShape, Machine, Opened, Stage, Stages};
use crate::{D, E, EngineError, F};

/// The processor at work on one proof.
pub(super) struct CpuMachine<'a, C: GenericConfig<D, F = F>> {
    hashing: Hashing<C::Hasher>,
    circuit: &'a CircuitData<F, C, D>,
    /// On the subgroup; until the products are there.
    wires: Option<Arc<Columns>>,
    /// Wires, products, quotient.
    oracles: Vec<Oracle<C::Hasher>>,
    /// The polynomial that FRI folds, by its coefficients.
    folded: Vec<E>,
    /// Where its values lie: the coset of this element.
    shift: F,
    layers: Vec<Layer<C::Hasher>>,
}

impl<'a, C: GenericConfig<D, F = F>> CpuMachine<'a, C>
where
    C::Hasher: 'static,
{
    pub(super) fn new(hashing: Hashing<C::Hasher>, circuit: &'a CircuitData<F, C, D>) -> Self {
        Self {
            hashing,
            circuit,
            wires: None,
            oracles: Vec::with_capacity(3),
            folded: Vec::new(),
            shift: F::coset_shift(),
            layers: Vec::new(),
        }
    }

    fn commit(&mut self, oracle: Oracle<C::Hasher>) -> MerkleCap<F, C::Hasher> {
        let cap = oracle.tree.cap();
        self.oracles.push(oracle);
        cap
    }

    fn batches(&self) -> Batches<'_> {
        let preprocessed = &self.circuit.prover_only.constants_sigmas_commitment;
        Batches::new(
            &self.circuit.common,
            preprocessed.polynomials.iter().map(|p| p.coeffs.as_slice()).collect(),
            self.oracles[0].coefficients.iter().collect(),
            &self.oracles[1].coefficients.iter().collect(),
            self.oracles[2].coefficients.iter().collect(),
        )
    }
}

impl<C: GenericConfig<D, F = F>> Machine<C::Hasher> for CpuMachine<'_, C>
where
    C::Hasher: 'static,
{
    fn commit_wires(
        &mut self,
        values: Arc<Columns>,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let oracle = Oracle::from_values(&self.hashing, &values, &self.circuit.common, stages)?;
        self.wires = Some(values);
        Ok(self.commit(oracle))
    }

    fn commit_products(
        &mut self,
        challenges: &Challenges,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let common = &self.circuit.common;
        let columns = challenges.betas.len() * (1 + common.num_partial_products + common.num_lookup_polys);
        let mut values = Columns::zeros(common.degree(), columns);
        let wires = self.wires.take().expect("the wires are committed before the products");
        stages.time(Stage::Products, || {
            permutation::fill(self.circuit, &wires, &challenges.betas, &challenges.gammas, &mut values)?;
            LookupShape::of(common).map_or(Ok(()), |shape| {
                lookup::fill(self.circuit, shape, &wires, &challenges.lookups, &mut values)
            })
        })?;
        drop(wires);
        let oracle = Oracle::from_values(&self.hashing, &values, common, stages)?;
        Ok(self.commit(oracle))
    }

    fn commit_quotient(
        &mut self,
        public_inputs_hash: &HashOut<F>,
        challenges: &Challenges,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let [wires, products] = [&self.oracles[0].extended, &self.oracles[1].extended];
        let chunks = stages.time(Stage::Quotient, || {
            quotient::quotient(
                self.hashing.backend,
                self.circuit,
                public_inputs_hash,
                wires,
                products,
                challenges,
            )
        })?;
        let oracle = Oracle::from_coefficients(&self.hashing, chunks, &self.circuit.common, stages)?;
        Ok(self.commit(oracle))
    }

    fn evaluate(&mut self, points: [E; 2]) -> Result<[Vec<E>; 2], EngineError> {
        Ok(self.batches().evaluate(self.hashing.backend, points))
    }

    fn combine(&mut self, points: [E; 2], alpha: E) -> Result<(), EngineError> {
        let batches = self.batches();
        let batches = [(&batches.here, points[0]), (&batches.next, points[1])];
        self.folded = fri::combine(self.hashing.backend, &batches, alpha);
        Ok(())
    }

    fn commit_layer(&mut self, arity_bits: usize) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let config = &self.circuit.common.config.fri_config;
        let layer = Layer::new(&self.hashing, &self.folded, config, self.shift, arity_bits)?;
        let cap = layer.cap();
        self.layers.push(layer);
        Ok(cap)
    }

    fn fold(&mut self, arity_bits: usize, beta: E) -> Result<(), EngineError> {
        self.folded = fri::fold(&self.folded, arity_bits, beta);
        self.shift = self.shift.exp_power_of_2(arity_bits);
        Ok(())
    }

    fn remainder(&mut self) -> Result<Vec<E>, EngineError> {
        Ok(std::mem::take(&mut self.folded))
    }

    fn grind(
        &mut self,
        bits: u32,
        state: <C::Hasher as plonky2::plonk::config::Hasher<F>>::Permutation,
        position: usize,
    ) -> Result<F, EngineError> {
        fri::grind::<C::Hasher>(&self.hashing, bits, state, position)
    }

    fn open(&mut self, positions: &[usize]) -> Result<Vec<[Opened<C::Hasher>; 3]>, EngineError> {
        let oracles = &self.oracles;
        let open = |&position: &usize| std::array::from_fn(|i| oracles[i].open(position));
        Ok(positions.par_iter().map(open).collect())
    }

    fn open_layer(
        &mut self,
        layer: usize,
        leaves: &[usize],
    ) -> Result<Vec<FriQueryStep<F, C::Hasher, D>>, EngineError> {
        Ok(leaves.iter().map(|&leaf| self.layers[layer].open(leaf)).collect())
    }
}
