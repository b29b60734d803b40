use std::sync::Arc;

use janction_accel_cpu::Columns;
use janction_accel_cuda::polynomial::{self, Powers};
use janction_accel_cuda::{CudaError, Device, Matrix, MerkleTree, gather_rows, grind, ntt};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::proof::FriQueryStep;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use plonky2::plonk::config::{GenericConfig, Hasher};

use super::circuit::Tables;
use super::oracle::{Oracle, cap, paths};
use super::products;
use super::quotient::{Committed, quotient};
use crate::plonk::{Challenges, Machine, Opened, Stage, Stages};
use crate::{D, E, EngineError, F};

/// A card at work on one proof.
pub(super) struct CudaMachine<'a, C: GenericConfig<D, F = F>> {
    device: Device,
    circuit: &'a CircuitData<F, C, D>,
    tables: Arc<Tables>,
    /// On the subgroup; until the products are there.
    wires: Option<Matrix>,
    /// Wires, products, quotient.
    oracles: Vec<Oracle>,
    /// The polynomial that FRI folds: the components of its coefficients.
    folded: Option<Matrix>,
    /// Where its values lie: the coset of this element.
    shift: F,
    layers: Vec<Layer>,
}

/// A committed codeword.
struct Layer {
    /// The components of its values.
    codeword: Matrix,
    tree: MerkleTree,
    arity_bits: usize,
}

impl<'a, C: GenericConfig<D, F = F>> CudaMachine<'a, C> {
    pub(super) fn new(device: Device, circuit: &'a CircuitData<F, C, D>, tables: Arc<Tables>) -> Self {
        Self {
            device,
            circuit,
            tables,
            wires: None,
            oracles: Vec::with_capacity(3),
            folded: None,
            shift: F::coset_shift(),
            layers: Vec::new(),
        }
    }

    fn common(&self) -> &'a CommonCircuitData<F, D> {
        &self.circuit.common
    }

    /// Commits to the polynomials with these coefficients.
    fn commit(
        &mut self,
        coefficients: Matrix,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let oracle = Oracle::new(&self.device, coefficients, self.common(), stages)?;
        let cap = oracle.cap::<C::Hasher>(&self.device)?;
        self.oracles.push(oracle);
        Ok(cap)
    }

    fn interpolate(&self, values: &Matrix, stages: &mut Stages) -> Result<Matrix, CudaError> {
        stages.time(Stage::Extend, || {
            let coefficients = Matrix::allocate(&self.device, values.rows(), values.columns())?;
            ntt::interpolate(&self.device, values.view(), coefficients.view())?;
            self.device.synchronise()?;
            Ok(coefficients)
        })
    }

    /// The polynomials of both batches in the protocol's order.
    fn batches(&self) -> [Vec<janction_accel_cuda::View<'_>>; 2] {
        let lookups = self.common().lookup_range();
        let [wires, products, quotient] = [0, 1, 2].map(|i| self.oracles[i].coefficients.view());
        let lookups = products.some_columns(lookups.start..products.columns());
        let products = products.some_columns(0..self.common().lookup_range().start);
        let constants_sigmas = self.tables.constants_sigmas.view();
        let zs = products.some_columns(self.common().zs_range());
        [vec![constants_sigmas, wires, products, quotient, lookups], vec![zs, lookups]]
    }

    fn folded(&self) -> Result<&Matrix, CudaError> {
        self.folded.as_ref().ok_or_else(|| CudaError::Misfit("nothing was combined".to_owned()))
    }
}

impl<C: GenericConfig<D, F = F>> Machine<C::Hasher> for CudaMachine<'_, C> {
    fn commit_wires(
        &mut self,
        values: Arc<Columns>,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let columns: Vec<&[F]> = values.iter().collect();
        let uploaded = stages.time(Stage::Witness, || {
            let uploaded = Matrix::upload(&self.device, values.rows(), columns.into_iter())?;
            self.device.synchronise()?;
            Ok::<_, CudaError>(uploaded)
        })?;
        let coefficients = self.interpolate(&uploaded, stages)?;
        self.wires = Some(uploaded);
        self.commit(coefficients, stages)
    }

    fn commit_products(
        &mut self,
        challenges: &Challenges,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let wires = self.wires.take().ok_or_else(|| CudaError::Misfit("the wires come first".to_owned()))?;
        let values = stages.time(Stage::Products, || {
            let values = products::values(&self.device, self.circuit, &self.tables, &wires, challenges)?;
            self.device.synchronise()?;
            Ok::<_, EngineError>(values)
        })?;
        drop(wires);
        let coefficients = self.interpolate(&values, stages)?;
        drop(values);
        self.commit(coefficients, stages)
    }

    fn commit_quotient(
        &mut self,
        public_inputs_hash: &HashOut<F>,
        challenges: &Challenges,
        stages: &mut Stages,
    ) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let committed =
            Committed { wires: &self.oracles[0].coefficients, products: &self.oracles[1].coefficients };
        let (device, common, tables) = (&self.device, self.common(), &self.tables);
        let chunks = stages.time(Stage::Quotient, || {
            let chunks = quotient(device, common, tables, &committed, public_inputs_hash, challenges)?;
            device.synchronise()?;
            Ok::<_, EngineError>(chunks)
        })?;
        self.commit(chunks, stages)
    }

    fn evaluate(&mut self, points: [E; 2]) -> Result<[Vec<E>; 2], EngineError> {
        let [here, next] = self.batches();
        let mut values = [Vec::new(), Vec::new()];
        for ((values, batch), point) in values.iter_mut().zip([here, next]).zip(points) {
            for polynomials in batch {
                values.extend(polynomial::evaluate(&self.device, polynomials, point)?);
            }
        }
        Ok(values)
    }

    fn combine(&mut self, points: [E; 2], alpha: E) -> Result<(), EngineError> {
        let rows = self.common().degree();
        let total = Matrix::zeros(&self.device, rows, D)?;
        let sum = Matrix::allocate(&self.device, rows, D)?;
        for (batch, point) in self.batches().into_iter().zip(points) {
            let count: usize = batch.iter().map(|polynomials| polynomials.columns()).sum();
            let powers = Powers::new(&self.device, alpha, count)?;
            let mut first = 0;
            for polynomials in batch {
                polynomial::combine(&self.device, polynomials, &powers, first, sum.view(), first > 0)?;
                first += polynomials.columns();
            }
            let scale = alpha.exp_u64(count as u64);
            polynomial::add_quotient(&self.device, sum.view(), point, scale, total.view())?;
        }
        self.folded = Some(total);
        Ok(())
    }

    fn commit_layer(&mut self, arity_bits: usize) -> Result<MerkleCap<F, C::Hasher>, EngineError> {
        let config = &self.common().config.fri_config;
        let coefficients = self.folded()?;
        let codeword = Matrix::allocate(&self.device, coefficients.rows() << config.rate_bits, D)?;
        ntt::extend(&self.device, coefficients.view(), config.rate_bits, self.shift, codeword.view())?;
        let tree = MerkleTree::of_codeword(&self.device, codeword.view(), arity_bits, config.cap_height)?;
        let cap = cap::<C::Hasher>(&tree, &self.device)?;
        self.layers.push(Layer { codeword, tree, arity_bits });
        Ok(cap)
    }

    fn fold(&mut self, arity_bits: usize, beta: E) -> Result<(), EngineError> {
        let coefficients = self.folded()?;
        let folded = Matrix::allocate(&self.device, coefficients.rows() >> arity_bits, D)?;
        polynomial::fold(&self.device, coefficients.view(), arity_bits, beta, folded.view())?;
        self.folded = Some(folded);
        self.shift = self.shift.exp_power_of_2(arity_bits);
        Ok(())
    }

    fn remainder(&mut self) -> Result<Vec<E>, EngineError> {
        let [re, im] = [0, 1].map(|d| self.folded()?.view().read_column(&self.device, d));
        Ok(re?.into_iter().zip(im?).map(|(re, im)| QuadraticExtension([re, im])).collect())
    }

    fn grind(
        &mut self,
        bits: u32,
        state: <C::Hasher as Hasher<F>>::Permutation,
        position: usize,
    ) -> Result<F, EngineError> {
        let state = state.as_ref().try_into().map_err(|_| EngineError::Hasher)?;
        grind(&self.device, state, position, bits)?.map(F::from_canonical_u64).ok_or_else(|| {
            EngineError::Unserved { reason: format!("no nonce gives {bits} bits of proof of work") }
        })
    }

    fn open(&mut self, positions: &[usize]) -> Result<Vec<[Opened<C::Hasher>; 3]>, EngineError> {
        let mut opened = Vec::with_capacity(3);
        for oracle in &self.oracles {
            opened.push(oracle.open::<C::Hasher>(&self.device, positions)?.into_iter());
        }
        let [mut wires, mut products, mut quotient]: [_; 3] =
            opened.try_into().map_err(|_| CudaError::Misfit("there are three commitments".to_owned()))?;
        let rows = std::iter::from_fn(|| Some([wires.next()?, products.next()?, quotient.next()?]));
        Ok(rows.collect())
    }

    fn open_layer(
        &mut self,
        layer: usize,
        leaves: &[usize],
    ) -> Result<Vec<FriQueryStep<F, C::Hasher, D>>, EngineError> {
        let Layer { codeword, tree, arity_bits } = &self.layers[layer];
        let values = leaves.iter().flat_map(|leaf| leaf << arity_bits..(leaf + 1) << arity_bits);
        let values: Vec<u32> = values.map(|value| value as u32).collect();
        let values = gather_rows(&self.device, codeword.view(), &values)?;
        let mut values = values.into_iter().map(|pair| QuadraticExtension([pair[0], pair[1]]));
        let paths = paths::<C::Hasher>(tree, &self.device, leaves)?;
        let steps = paths.into_iter().map(|merkle_proof| {
            let evals = values.by_ref().take(1 << arity_bits).collect();
            FriQueryStep { evals, merkle_proof }
        });
        Ok(steps.collect())
    }
}
