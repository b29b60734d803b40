use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

use super::block::Block;
use super::terms::Sums;
use crate::cpu::shape::{GateSelector, gate_selectors};
use crate::{D, EngineError, F};

/// What a selector column holds in the rows of another group's gates.
const UNUSED: u64 = u32::MAX as u64;

/// The gates' selectors, in the circuit's order.
pub(super) struct Gates {
    selectors: Vec<GateSelector>,
}

impl Gates {
    pub(super) fn of(common: &CommonCircuitData<F, D>) -> Result<Self, EngineError> {
        let selectors = gate_selectors(common)
            .map_err(|e| EngineError::Unserved { reason: format!("its selectors cannot be read: {e:?}") })?;
        Ok(Self { selectors })
    }

    /// Adds the gates' constraints: the i-th of all gates, each behind its filter, are one term.
    pub(super) fn add<P: PackedField<Scalar = F>>(
        &self,
        common: &CommonCircuitData<F, D>,
        block: &Block,
        public_inputs_hash: &HashOut<F>,
        sums: &mut Sums<'_, P>,
    ) {
        let points = block.points;
        let several = common.selectors_info.num_selectors() > 1;
        let prefix = common.selectors_info.num_selectors() + common.num_lookup_selectors;
        let mut variables =
            EvaluationVarsBaseBatch::new(points, &block.constants, &block.wires, public_inputs_hash);
        variables.remove_prefix(prefix);
        let mut terms = vec![P::ZEROS; common.num_gate_constraints * sums.vectors()];
        for (i, (gate, selector)) in common.gates.iter().zip(&self.selectors).enumerate() {
            if gate.0.num_constraints() == 0 {
                continue;
            }
            let column = P::pack_slice(&block.constants[selector.column * points..][..points]);
            let filters: Vec<P> = column.iter().map(|&s| filter(i, selector, several, s)).collect();
            let constraints = gate.0.eval_unfiltered_base_batch(variables);
            let constraints = P::pack_slice(&constraints).chunks_exact(filters.len());
            for (terms, constraint) in terms.chunks_exact_mut(filters.len()).zip(constraints) {
                for ((term, &c), &filter) in terms.iter_mut().zip(constraint).zip(&filters) {
                    *term += c * filter;
                }
            }
        }
        sums.add_all(&terms);
    }
}

/// Zero in the rows of every other gate: the product of (k - s) over the other values k that the column takes.
fn filter<P: PackedField<Scalar = F>>(gate: usize, selector: &GateSelector, several: bool, s: P) -> P {
    let unused = several.then_some(F::from_canonical_u64(UNUSED));
    selector
        .group
        .clone()
        .filter(|&other| other != gate)
        .map(F::from_canonical_usize)
        .chain(unused)
        .map(|value| P::from(value) - s)
        .product()
}
