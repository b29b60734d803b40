use janction_accel_cpu::{Lanes, pack, pack_mut};
use plonky2::gates::gate::GateRef;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

use super::block::{Inputs, MAX_POINTS, Scratch};
use super::poseidon;
use super::tapes::Tapes;
use super::terms::Sums;
use crate::plonk::{GateSelector, gate_selectors};
use crate::{D, EngineError, F};

/// What a selector column holds in the rows of another group's gates.
const UNUSED: usize = u32::MAX as usize;

/// How a gate's constraints are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evaluation {
    /// The gate has none.
    Nothing,
    /// Poseidon's, on the lanes of this crate.
    Poseidon,
    /// By the gate's tape, on the lanes of this crate.
    Traced(usize),
    /// By the gate's public evaluation.
    Public,
}

/// The gates' selectors and evaluations, in the circuit's order.
pub(super) struct Gates {
    gates: Vec<(GateSelector, Evaluation)>,
    tapes: Tapes,
}

impl Gates {
    pub(super) fn of(common: &CommonCircuitData<F, D>) -> Result<Self, EngineError> {
        let selectors = gate_selectors(common)
            .map_err(|e| EngineError::Unserved { reason: format!("its selectors cannot be read: {e:?}") })?;
        let is_poseidon = |gate: &GateRef<F, D>| gate.0.as_any().is::<PoseidonGate<F, D>>();
        let (tapes, programs) = Tapes::of(common, |gate| gate.0.num_constraints() > 0 && !is_poseidon(gate));
        let evaluations = common.gates.iter().zip(programs).map(|(gate, program)| match program {
            Some(program) => Evaluation::Traced(program),
            None if gate.0.num_constraints() == 0 => Evaluation::Nothing,
            None if is_poseidon(gate) => Evaluation::Poseidon,
            None => Evaluation::Public,
        });
        Ok(Self { gates: selectors.into_iter().zip(evaluations).collect(), tapes })
    }

    /// Elements of memory that the evaluation of a block of points takes.
    pub(super) fn memory(&self, points: usize) -> usize {
        self.tapes.memory(points)
    }

    /// Adds the gates' constraints: the i-th of all gates, each behind its filter, are one term.
    #[inline(always)]
    pub(super) fn add<L: Lanes>(
        &self,
        common: &CommonCircuitData<F, D>,
        inputs: &Inputs,
        public_inputs_hash: &HashOut<F>,
        scratch: &mut Scratch,
        sums: &mut Sums<'_, L>,
    ) {
        let (points, vectors) = (inputs.points, sums.vectors());
        let several = common.selectors_info.num_selectors() > 1;
        let prefix = common.selectors_info.num_selectors() + common.num_lookup_selectors;
        let mut variables =
            EvaluationVarsBaseBatch::new(points, &inputs.constants, &inputs.wires, public_inputs_hash);
        variables.remove_prefix(prefix);
        let Scratch { terms, memory } = scratch;
        if !memory.is_empty() {
            self.tapes.load(inputs, public_inputs_hash, memory);
        }
        terms.fill(F(0));
        let terms = pack_mut::<L>(terms);
        let mut filters = [L::splat(0); MAX_POINTS];
        let filters = &mut filters[..vectors];
        for (i, (gate, (selector, evaluation))) in common.gates.iter().zip(&self.gates).enumerate() {
            let selectors = pack::<L>(&inputs.constants[selector.column * points..][..points]);
            for (to, &s) in filters.iter_mut().zip(selectors) {
                *to = filter(i, selector, several, s);
            }
            match *evaluation {
                Evaluation::Nothing => {}
                Evaluation::Poseidon => {
                    let wires = pack::<L>(&inputs.wires);
                    for (v, &filter) in filters.iter().enumerate() {
                        poseidon::add(wires, terms, vectors, v, filter);
                    }
                }
                Evaluation::Traced(program) => self.tapes.add(program, filters, memory, terms),
                Evaluation::Public => {
                    let constraints = gate.0.eval_unfiltered_base_batch(variables);
                    for (v, &filter) in filters.iter().enumerate() {
                        for (j, constraint) in constraints.chunks_exact(points).enumerate() {
                            let values = &constraint[v * L::WIDTH..][..L::WIDTH];
                            let term = &mut terms[j * vectors + v];
                            *term = L::from_fn(|i| values[i].0).mul_add(filter, *term);
                        }
                    }
                }
            }
        }
        sums.add_all(terms);
    }
}

/// Zero in the rows of every other gate: the product of (k - s) over the other values k that the column takes.
#[inline(always)]
fn filter<L: Lanes>(gate: usize, selector: &GateSelector, several: bool, s: L) -> L {
    let mut product = L::splat(1);
    for other in selector.group.clone() {
        if other != gate {
            product = product.mul(L::splat(other as u64).sub(s));
        }
    }
    if several { product.mul(L::splat(UNUSED as u64).sub(s)) } else { product }
}
