//! Each gate against Plonky2's `eval_unfiltered` at random extension points.

use plonky2::field::types::Sample;
use plonky2::gates::gate::{Gate, GateRef};
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::vars::EvaluationVars;

use super::*;
use crate::circuit::extension::NativeExt;
use crate::circuit::testing::is_satisfied;

fn check(gate: impl Gate<F, D>) {
    let gate = GateRef::new(gate);
    let constants = NativeExt::rand_vec(2);
    let wires = NativeExt::rand_vec(135);
    let hash = HashOut::<F>::rand();
    let vars = EvaluationVars { local_constants: &constants, local_wires: &wires, public_inputs_hash: &hash };
    let expected = gate.0.eval_unfiltered(vars);

    let mut tape = Tape::default();
    let constants: Vec<_> = constants.iter().map(|&c| tape.ext_witness(c)).collect();
    let wires: Vec<_> = wires.iter().map(|&w| tape.ext_witness(w)).collect();
    let public_inputs_hash = &hash.elements.map(|part| tape.gl_witness(part));
    let vars = GateVars { constants: &constants, wires: &wires, public_inputs_hash };
    let constraints = evaluate(&mut tape, &gate, vars).expect("supported");
    assert_eq!(constraints.len(), expected.len(), "{}", gate.0.id());
    let mut reduced = Vec::new();
    for (i, (&constraint, &expected)) in constraints.iter().zip(&expected).enumerate() {
        assert_eq!(constraint.value(), expected, "constraint {i} of {}", gate.0.id());
        reduced.push(tape.ext_reduce(constraint));
    }
    println!("{}: {} flex, {} range cells", gate.0.id(), tape.flex.len(), tape.range.len());
    assert!(is_satisfied(tape.clone()), "{}", gate.0.id());
    // Claim another value for the last constraint.
    if let (Some(&last), Some(&expected)) = (reduced.last(), expected.last()) {
        let wrong = tape.ext_witness(expected + NativeExt::from(F::ONE));
        tape.ext_assert_equal(last, wrong);
        assert!(!is_satisfied(tape), "{}", gate.0.id());
    }
}

use plonky2::field::types::Field;

#[test]
fn simple_gates() {
    check(NoopGate);
    check(ConstantGate::new(2));
    check(PublicInputGate);
}

#[test]
fn arithmetic_gates() {
    let config = CircuitConfig::standard_recursion_config();
    check(ArithmeticGate::new_from_config(&config));
    check(ArithmeticExtensionGate::<D>::new_from_config(&config));
    check(MulExtensionGate::<D>::new_from_config(&config));
}

#[test]
fn base_sum_gate() {
    check(BaseSumGate::<2>::new_from_config::<F>(&CircuitConfig::standard_recursion_config()));
}

#[test]
fn random_access_gate() {
    check(RandomAccessGate::<F, D>::new_from_config(&CircuitConfig::standard_recursion_config(), 4));
}

#[test]
fn reducing_gates() {
    check(ReducingGate::<D>::new(43));
    check(ReducingExtensionGate::<D>::new(32));
}

#[test]
fn coset_interpolation_gate() {
    check(CosetInterpolationGate::<F, D>::new(4));
    // The shape that a recursive verifier uses: degree 6, three chunks.
    let mut gate = CosetInterpolationGate::<F, D>::new(4);
    gate.degree = 6;
    check(gate);
}

#[test]
fn poseidon_gate() {
    check(PoseidonGate::<F, D>::new());
}

#[test]
fn poseidon_mds_gate() {
    check(PoseidonMdsGate::<F, D>::new());
}

#[test]
fn other_gates_are_refused() {
    let gate = GateRef::new(BaseSumGate::<4>::new(10));
    let vars = GateVars { constants: &[], wires: &[], public_inputs_hash: &[Gl::ZERO; 4] };
    assert!(matches!(evaluate(&mut Tape::default(), &gate, vars), Err(WrapError::UnsupportedGate(_))));
}
