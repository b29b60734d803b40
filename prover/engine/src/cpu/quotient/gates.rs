use janction_accel_cpu::{Lanes, pack, pack_mut};
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

use super::block::Inputs;
use super::poseidon;
use super::terms::Sums;
use crate::cpu::shape::{GateSelector, gate_selectors};
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
    /// Any gate's, by its public evaluation.
    Public,
}

/// The gates' selectors and evaluations, in the circuit's order.
pub(super) struct Gates {
    gates: Vec<(GateSelector, Evaluation)>,
}

impl Gates {
    pub(super) fn of(common: &CommonCircuitData<F, D>) -> Result<Self, EngineError> {
        let selectors = gate_selectors(common)
            .map_err(|e| EngineError::Unserved { reason: format!("its selectors cannot be read: {e:?}") })?;
        let evaluations = common.gates.iter().map(|gate| {
            if gate.0.num_constraints() == 0 {
                Evaluation::Nothing
            } else if gate.0.as_any().is::<PoseidonGate<F, D>>() {
                Evaluation::Poseidon
            } else {
                Evaluation::Public
            }
        });
        Ok(Self { gates: selectors.into_iter().zip(evaluations).collect() })
    }

    /// Adds the gates' constraints: the i-th of all gates, each behind its filter, are one term.
    #[inline(always)]
    pub(super) fn add<L: Lanes>(
        &self,
        common: &CommonCircuitData<F, D>,
        inputs: &Inputs,
        public_inputs_hash: &HashOut<F>,
        terms: &mut [F],
        sums: &mut Sums<'_, L>,
    ) {
        let (points, vectors) = (inputs.points, sums.vectors());
        let several = common.selectors_info.num_selectors() > 1;
        let prefix = common.selectors_info.num_selectors() + common.num_lookup_selectors;
        let mut variables =
            EvaluationVarsBaseBatch::new(points, &inputs.constants, &inputs.wires, public_inputs_hash);
        variables.remove_prefix(prefix);
        terms.fill(F(0));
        let terms = pack_mut::<L>(terms);
        for (i, (gate, (selector, evaluation))) in common.gates.iter().zip(&self.gates).enumerate() {
            let selectors = pack::<L>(&inputs.constants[selector.column * points..][..points]);
            match evaluation {
                Evaluation::Nothing => {}
                Evaluation::Poseidon => {
                    let wires = pack::<L>(&inputs.wires);
                    for (v, &s) in selectors.iter().enumerate() {
                        let filter = filter(i, selector, several, s);
                        poseidon::add(wires, terms, vectors, v, filter);
                    }
                }
                Evaluation::Public => {
                    let constraints = gate.0.eval_unfiltered_base_batch(variables);
                    for (v, &s) in selectors.iter().enumerate() {
                        let filter = filter(i, selector, several, s);
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
