use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;

use crate::guard::guarded;
use crate::{D, Engine, EngineError, F};

/// Plonky2's own prover.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock;

const NAME: &str = "stock";

impl<C: GenericConfig<D, F = F>> Engine<C> for Stock {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prove(
        &self,
        circuit: &CircuitData<F, C, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
        if circuit.common.config.zero_knowledge {
            return Err(EngineError::ZeroKnowledge);
        }
        guarded(NAME, || {
            let witness = generate_partial_witness(inputs, &circuit.prover_only, &circuit.common)
                .map_err(|e| EngineError::Witness { reason: e.to_string() })?;
            prove(circuit, witness)
        })
    }
}

impl Stock {
    /// Proves a circuit whose generators have run: `witness` is what Plonky2's `generate_partial_witness` returns.
    ///
    /// # Errors
    /// Those of [`Engine::prove`].
    pub fn prove_witness<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        witness: PartitionWitness<'_, F>,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
        if circuit.common.config.zero_knowledge {
            return Err(EngineError::ZeroKnowledge);
        }
        guarded(NAME, || prove(circuit, witness))
    }
}

fn prove<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    witness: PartitionWitness<'_, F>,
) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
    prove_with_partition_witness(&circuit.prover_only, &circuit.common, witness, &mut TimingTree::default())
        .map_err(|e| EngineError::Witness { reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use plonky2::iop::target::Target;
    use plonky2::iop::witness::WitnessWrite;
    use plonky2::plonk::circuit_builder::CircuitBuilder;
    use plonky2::plonk::circuit_data::CircuitConfig;
    use plonky2::plonk::config::PoseidonGoldilocksConfig;

    use super::*;
    use crate::prove_verified;

    type C = PoseidonGoldilocksConfig;

    /// The public output is the product of two private numbers.
    fn product(config: CircuitConfig) -> (CircuitData<F, C, D>, [Target; 3]) {
        let mut builder = CircuitBuilder::<F, D>::new(config);
        let [a, b] = [builder.add_virtual_target(), builder.add_virtual_target()];
        let c = builder.mul(a, b);
        builder.register_public_input(c);
        (builder.build::<C>(), [a, b, c])
    }

    fn inputs(targets: &[Target], values: &[u64]) -> PartialWitness<F> {
        let mut inputs = PartialWitness::new();
        for (&t, &v) in targets.iter().zip(values) {
            inputs.set_target(t, F::from_canonical_u64(v)).expect("fresh target");
        }
        inputs
    }

    #[test]
    fn proof_verifies_and_exposes_the_product() {
        let (circuit, targets) = product(CircuitConfig::standard_recursion_config());
        let proof = prove_verified(&Stock, &circuit, inputs(&targets[..2], &[6, 7])).expect("honest");
        assert_eq!(proof.public_inputs, [F::from_canonical_u64(42)]);
    }

    #[test]
    fn contradiction_is_an_error() {
        let (circuit, targets) = product(CircuitConfig::standard_recursion_config());
        let error = prove_verified(&Stock, &circuit, inputs(&targets, &[6, 7, 43])).expect_err("6 * 7 != 43");
        assert!(matches!(error, EngineError::Witness { .. } | EngineError::Panicked { .. }), "{error}");
    }

    #[test]
    fn missing_input_is_an_error() {
        let (circuit, targets) = product(CircuitConfig::standard_recursion_config());
        let error = prove_verified(&Stock, &circuit, inputs(&targets[..1], &[6])).expect_err("b is free");
        assert!(matches!(error, EngineError::Witness { .. } | EngineError::Panicked { .. }), "{error}");
    }

    #[test]
    fn blinding_is_refused_before_work() {
        let (circuit, targets) = product(CircuitConfig::standard_recursion_zk_config());
        let error = prove_verified(&Stock, &circuit, inputs(&targets[..2], &[6, 7])).expect_err("zk");
        assert!(matches!(error, EngineError::ZeroKnowledge));
    }
}
