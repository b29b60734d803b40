//! Tapes are their gates: on every standard gate, in the base field and outside of it.

use janction_engine::tape::{Instruction, Operand, Program, Tape, TapeError, traced};
use janction_engine::{D, F};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::{Field, Sample};
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::exponentiation::ExponentiationGate;
use plonky2::gates::gate::{Gate, GateRef};
use plonky2::gates::lookup::LookupGate;
use plonky2::gates::lookup_table::LookupTableGate;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::vars::{EvaluationVars, EvaluationVarsBaseBatch};

use crate::configs;
use crate::custom::Odd;

type E = QuadraticExtension<F>;

/// Every standard gate, with several parameters.
fn gates() -> Vec<GateRef<F, D>> {
    let configs = [configs::standard(), CircuitConfig { num_routed_wires: 52, ..configs::standard() }];
    let mut gates = vec![
        GateRef::new(BaseSumGate::<2>::new(63)),
        GateRef::new(BaseSumGate::<2>::new(1)),
        GateRef::new(BaseSumGate::<4>::new(12)),
        GateRef::new(BaseSumGate::<7>::new(5)),
        GateRef::new(CosetInterpolationGate::<F, D>::new(1)),
        GateRef::new(CosetInterpolationGate::<F, D>::new(4)),
        GateRef::new(NoopGate),
        GateRef::new(PoseidonGate::<F, D>::new()),
        GateRef::new(PoseidonMdsGate::<F, D>::new()),
        GateRef::new(PublicInputGate),
        GateRef::new(ReducingGate::<D>::new(1)),
        GateRef::new(ReducingGate::<D>::new(43)),
        GateRef::new(ReducingExtensionGate::<D>::new(1)),
        GateRef::new(ReducingExtensionGate::<D>::new(32)),
    ];
    for config in &configs {
        gates.extend([
            GateRef::new(ArithmeticGate::new_from_config(config)),
            GateRef::new(ArithmeticExtensionGate::<D>::new_from_config(config)),
            GateRef::new(MulExtensionGate::<D>::new_from_config(config)),
            GateRef::new(ConstantGate::new(config.num_constants)),
            GateRef::new(ExponentiationGate::<F, D>::new_from_config(config)),
            GateRef::new(LookupGate::new_from_table(config, table())),
            GateRef::new(LookupTableGate::new_from_table(config, table(), 0)),
        ]);
        gates
            .extend((1..6).map(|bits| GateRef::new(RandomAccessGate::<F, D>::new_from_config(config, bits))));
    }
    gates
}

fn table() -> std::sync::Arc<Vec<(u16, u16)>> {
    std::sync::Arc::new((0..100).map(|i| (i, 3 * i)).collect())
}

/// Columns of points: every edge of the field in turn in all of them, then random elements.
fn columns(count: usize, points: usize) -> Vec<F> {
    let edges = [F::ZERO, F::ONE, F::NEG_ONE, F(u64::MAX), F(F::NEG_ONE.0 + 1), F(u64::from(u32::MAX))];
    let value = |point: usize| edges.get(point).copied().unwrap_or_else(F::rand);
    (0..count).flat_map(|_| (0..points).map(value)).collect()
}

const POINTS: usize = 16;

/// What the gate says at points of the base field: constraint by constraint, a value a point.
fn own_values(gate: &GateRef<F, D>, constants: &[F], wires: &[F], hash: &HashOut<F>) -> Vec<F> {
    gate.0.eval_unfiltered_base_batch(EvaluationVarsBaseBatch::new(POINTS, constants, wires, hash))
}

#[test]
fn values_in_the_base_field() {
    for gate in gates() {
        let tape = traced(&gate).expect("a standard gate");
        let programs = [vec![Program::of(&tape)], Program::cut(&tape, 40), Program::cut(&tape, 0)];
        println!("{:.60}: {} nodes, {} slots", gate.0.id(), tape.nodes().len(), programs[0][0].slots);
        let (constants, wires) =
            (columns(gate.0.num_constants(), POINTS), columns(gate.0.num_wires(), POINTS));
        let hash = HashOut { elements: F::rand_array() };
        let expected = own_values(&gate, &constants, &wires, &hash);
        for point in 0..POINTS {
            let at = |columns: &[F]| columns.iter().skip(point).step_by(POINTS).copied().collect::<Vec<F>>();
            let (constants, wires) = (at(&constants), at(&wires));
            let values = tape.evaluate(&wires, &constants, &hash.elements, |value| value);
            assert_eq!(values, at(&expected), "{}", gate.0.id());
            for programs in &programs {
                let mut values = vec![None; tape.constraints().len()];
                for program in programs {
                    run(program, &wires, &constants, &hash.elements, &mut values);
                }
                let values: Option<Vec<F>> = values.into_iter().collect();
                assert_eq!(values.expect("every constraint"), at(&expected), "{}", gate.0.id());
            }
        }
    }
}

/// Runs a program at one point.
fn run(program: &Program, wires: &[F], constants: &[F], hash: &[F; 4], constraints: &mut [Option<F>]) {
    // What was not written must not be read.
    let mut slots = vec![None; program.slots];
    for &instruction in &program.instructions {
        let read = |operand: Operand| match operand {
            Operand::Wire(i) => wires[i as usize],
            Operand::Constant(i) => constants[i as usize],
            Operand::PublicInputsHash(i) => hash[i as usize],
            Operand::Literal(value) => F::from_canonical_u64(value),
            Operand::Slot(i) => slots[i as usize].expect("written before"),
        };
        let (to, value) = match instruction {
            Instruction::Add(to, [a, b]) => (to, read(a) + read(b)),
            Instruction::Sub(to, [a, b]) => (to, read(a) - read(b)),
            Instruction::Mul(to, [a, b]) => (to, read(a) * read(b)),
            Instruction::MulAdd(to, [a, b, c]) => (to, read(a) * read(b) + read(c)),
            Instruction::Constraint(constraint, value) => {
                assert!(constraints[constraint as usize].replace(read(value)).is_none(), "set once");
                continue;
            }
        };
        slots[to as usize] = Some(value);
    }
}

#[test]
fn values_in_the_extension_field() {
    for gate in gates() {
        let tape = traced(&gate).expect("a standard gate");
        let (constants, wires) = (E::rand_vec(gate.0.num_constants()), E::rand_vec(gate.0.num_wires()));
        let hash = HashOut { elements: F::rand_array() };
        let vars =
            EvaluationVars { local_constants: &constants, local_wires: &wires, public_inputs_hash: &hash };
        let values = tape.evaluate(&wires, &constants, &hash.elements.map(E::from), E::from);
        assert_eq!(values, gate.0.eval_unfiltered(vars), "{}", gate.0.id());
    }
}

#[test]
fn a_tape_is_made_once() {
    let gate = GateRef::new(PoseidonGate::<F, D>::new());
    let tape = || -> std::sync::Arc<Tape> { traced(&gate).expect("a standard gate") };
    assert!(std::sync::Arc::ptr_eq(&tape(), &tape()));
}

#[test]
fn what_cannot_be_traced_is_named() {
    let refusal = |gate: Odd| traced(&GateRef::new(gate)).expect_err("odd");
    let gate = |odd: Odd| Gate::<F, D>::id(&odd);
    let TapeError::Opaque { gate: named, generators } = refusal(Odd::Divides) else { panic!("not opaque") };
    assert_eq!(named, gate(Odd::Divides));
    assert!(generators.contains("QuotientGeneratorExtension"), "{generators}");
    assert!(
        matches!(refusal(Odd::Lies), TapeError::Contradiction { gate: named, .. } if named == gate(Odd::Lies))
    );
    assert!(matches!(refusal(Odd::Outside), TapeError::Extension { constraint: 0, .. }));
    let TapeError::Panicked { reason, .. } = refusal(Odd::Panics) else { panic!("did not panic") };
    assert_eq!(reason, "no constraints today");
}
