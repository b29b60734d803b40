//! What of a circuit is on a card, once for all its proofs.

use std::fmt::Write;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use janction_accel_cuda::{Argument, Buffer, CudaError, Device, Grid, Matrix, Module, ntt, words};
use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use plonky2::plonk::config::GenericConfig;

use super::memory::Demand;
use super::source;
use crate::plonk::{GateSelector, gate_selectors};
use crate::{D, EngineError, F};

/// A circuit's tables and kernels. All streams of the card may read them.
pub(super) struct Tables {
    /// Constants, then σ, by their coefficients.
    pub(super) constants_sigmas: Matrix,
    /// σ on the subgroup, in natural order.
    pub(super) sigmas: Matrix,
    /// The k of each routed wire.
    pub(super) ks: Buffer,
    pub(super) gates: Vec<GateKernels>,
    pub(super) permutation: Module,
    /// Where the circuit looks something up.
    pub(super) lookup: Option<Module>,
}

/// A gate's kernels and its selector.
pub(super) struct GateKernels {
    pub(super) module: Module,
    pub(super) kernels: Vec<String>,
    /// The gate's place among the circuit's gates.
    pub(super) index: usize,
    /// The column of constants that selects it.
    pub(super) column: usize,
    /// The gates that share the column.
    pub(super) group: Range<usize>,
}

impl Tables {
    fn new<C: GenericConfig<D, F = F>>(
        device: &Device,
        circuit: &CircuitData<F, C, D>,
    ) -> Result<Self, EngineError> {
        let common = &circuit.common;
        let (rows, routed) = (common.degree(), common.config.num_routed_wires);
        let polynomials = &circuit.prover_only.constants_sigmas_commitment.polynomials;
        let columns = polynomials.iter().map(|polynomial| polynomial.coeffs.as_slice());
        let constants_sigmas = Matrix::upload(device, rows, columns)?;
        let permutation = device.compile(&source::permutation())?;
        let lookup = (common.num_lookup_polys > 0).then(|| device.compile(&source::lookup()));
        let sigmas = sigma_values(device, common, &constants_sigmas, &permutation)?;
        let ks = device.upload(words(&common.k_is[..routed]))?;
        device.share(constants_sigmas.buffer())?;
        device.share(sigmas.buffer())?;
        device.share(&ks)?;
        let gates = gates(device, common)?;
        Ok(Self { constants_sigmas, sigmas, ks, gates, permutation, lookup: lookup.transpose()? })
    }
}

/// The values of σ on the subgroup, in natural order.
#[allow(unsafe_code)]
fn sigma_values(
    device: &Device,
    common: &CommonCircuitData<F, D>,
    constants_sigmas: &Matrix,
    permutation: &Module,
) -> Result<Matrix, CudaError> {
    let (rows, routed) = (common.degree(), common.config.num_routed_wires);
    let reversed = Matrix::allocate(device, rows, routed)?;
    let coefficients = constants_sigmas.view().some_columns(common.sigmas_range());
    ntt::extend_coset(device, coefficients, 0, F::ONE, 0, reversed.view())?;
    let values = Matrix::allocate(device, rows, routed)?;
    let arguments = [
        Argument::from(reversed.buffer()),
        values.buffer().into(),
        Argument::Word(common.degree_bits() as u32),
    ];
    let grid = Grid::over(rows, 128)?.by(routed as u32);
    // SAFETY: the kernel's parameters, and matrices of `rows` rows and `routed` columns.
    unsafe { device.launch(permutation, "natural_order", grid, &arguments)? };
    Ok(values)
}

fn gates(device: &Device, common: &CommonCircuitData<F, D>) -> Result<Vec<GateKernels>, EngineError> {
    let selectors = gate_selectors(common)
        .map_err(|e| EngineError::Unserved { reason: format!("its selectors cannot be read: {e:?}") })?;
    // Side by side: where nothing is cached yet, a gate takes seconds.
    std::thread::scope(|scope| {
        let mut compiling = Vec::new();
        for (index, (gate, selector)) in common.gates.iter().zip(selectors).enumerate() {
            if gate.0.num_constraints() > 0 {
                let source = source::gate(gate)?;
                let kernels = source.kernels().to_vec();
                compiling.push((index, selector, kernels, scope.spawn(move || device.compile(&source))));
            }
        }
        let gate = |(index, selector, kernels, thread): (_, GateSelector, _, ScopedJoinHandle<'_, _>)| {
            let module: Result<Module, CudaError> =
                thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            let GateSelector { column, group } = selector;
            Ok(GateKernels { module: module?, kernels, index, column, group })
        };
        compiling.into_iter().map(gate).collect()
    })
}

/// The circuits that were last proven on a card.
pub(super) struct Circuits {
    /// Bytes that all of them may take.
    capacity: u64,
    /// The last one used last.
    known: Mutex<Vec<Known>>,
}

struct Known {
    key: String,
    bytes: u64,
    tables: Arc<Tables>,
}

impl Circuits {
    pub(super) fn new(capacity: u64) -> Self {
        Self { capacity, known: Mutex::new(Vec::new()) }
    }

    /// The circuit's tables. Those that were not used for longest make room for them; they are gone when
    /// the last proof with them is.
    pub(super) fn get_or_make<C: GenericConfig<D, F = F>>(
        &self,
        device: &Device,
        circuit: &CircuitData<F, C, D>,
    ) -> Result<Arc<Tables>, EngineError> {
        let (key, bytes) = (key(circuit), Demand::of(&circuit.common).circuit);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = known.iter().position(|circuit| circuit.key == key) {
            let found = known.remove(at);
            let tables = Arc::clone(&found.tables);
            known.push(found);
            return Ok(tables);
        }
        while !known.is_empty()
            && known.iter().map(|circuit| circuit.bytes).sum::<u64>() + bytes > self.capacity
        {
            known.remove(0);
        }
        let tables = Arc::new(Tables::new(device, circuit)?);
        known.push(Known { key, bytes, tables: Arc::clone(&tables) });
        Ok(tables)
    }

    /// Forgets all circuits but this one, which is being proven; whether there were any.
    pub(super) fn forget_others<C: GenericConfig<D, F = F>>(&self, circuit: &CircuitData<F, C, D>) -> bool {
        let key = key(circuit);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|known| known.key == key);
        known.len() < before
    }
}

/// What tells circuits apart: the digest binds constants and σ, but not gates and parameters.
fn key<C: GenericConfig<D, F = F>>(circuit: &CircuitData<F, C, D>) -> String {
    let common = &circuit.common;
    let mut key = format!("{:?} {:?}", circuit.prover_only.circuit_digest, common.config);
    for gate in &common.gates {
        // Writing to a string cannot fail.
        let _ = write!(key, " {}", gate.0.id());
    }
    key
}
