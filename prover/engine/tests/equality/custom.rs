//! Hashers and gates from outside Plonky2.

use janction_engine::{D, F};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::gates::gate::Gate;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::WitnessGeneratorRef;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::config::KeccakGoldilocksConfig;
use plonky2::plonk::vars::{EvaluationTargets, EvaluationVars};
use plonky2::util::serialization::{Buffer, IoResult};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::gates::{Draft, Kind};
use crate::{C, assert_equal, configs};

type E = QuadraticExtension<F>;

#[test]
fn another_hasher() {
    let mut draft = Draft::new(configs::standard(), ChaCha8Rng::seed_from_u64(7));
    [Kind::Arithmetic, Kind::Poseidon, Kind::Lookup].into_iter().for_each(|kind| draft.add(kind));
    let Draft { builder, inputs, .. } = draft;
    assert_equal(&builder.build::<KeccakGoldilocksConfig>(), inputs);
}

#[test]
fn a_gate_that_cannot_be_traced() {
    let mut draft = Draft::new(configs::standard(), ChaCha8Rng::seed_from_u64(8));
    [Kind::Arithmetic, Kind::Poseidon].into_iter().for_each(|kind| draft.add(kind));
    // Unset wires are zero.
    draft.builder.add_gate(Odd::Divides, vec![]);
    let Draft { builder, inputs, .. } = draft;
    assert_equal(&builder.build::<C>(), inputs);
}

/// A product of two wires. In its recursive constraints it divides, says something else, panics, or leaves the field.
#[derive(Clone, Copy, Debug)]
pub enum Odd {
    Divides,
    Lies,
    Panics,
    Outside,
}

impl Gate<F, D> for Odd {
    fn id(&self) -> String {
        format!("Odd {self:?}")
    }

    fn serialize(&self, _: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_: &mut Buffer<'_>, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self::Divides)
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<'_, F, D>) -> Vec<E> {
        vec![vars.local_wires[0] * vars.local_wires[1]]
    }

    fn eval_unfiltered_circuit(
        &self,
        builder: &mut CircuitBuilder<F, D>,
        vars: EvaluationTargets<'_, D>,
    ) -> Vec<ExtensionTarget<D>> {
        let (a, b) = (vars.local_wires[0], vars.local_wires[1]);
        vec![match self {
            Self::Divides => builder.div_extension(a, b),
            Self::Lies => builder.add_extension(a, b),
            Self::Panics => panic!("no constraints today"),
            Self::Outside => {
                let x = builder.constant_extension(QuadraticExtension([F::ZERO, F::ONE]));
                builder.mul_extension(a, x)
            }
        }]
    }

    fn generators(&self, _: usize, _: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        Vec::new()
    }

    fn num_wires(&self) -> usize {
        2
    }

    fn num_constants(&self) -> usize {
        0
    }

    fn degree(&self) -> usize {
        2
    }

    fn num_constraints(&self) -> usize {
        1
    }
}
