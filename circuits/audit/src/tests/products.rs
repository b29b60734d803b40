//! Products: each constraint broken on its own, in circuits of nothing else.

use janction_aggregate::config::{Circuit, circuit_config};
use janction_gadgets::test_utils::check;
use janction_gadgets::{Builder, C};
use janction_program::builder::{Builder as DagBuilder, MatMulOptions};
use janction_program::test_utils::{random_input, random_program};
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor, reference};
use janction_trace::Policy;
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::iop::witness::PartialWitness;

use super::{Pieces, honest, satisfied, with};
use crate::operation::matmul::{MatMulPlan, MatMulTargets};
use crate::operation::{ProgramPlan, RowCheck};
use crate::range::Ranges;
use crate::row::{RowShape, RowTargets};
use janction_gadgets::F;

#[test]
fn plans_compute_what_the_reference_computes() {
    for seed in 0..300 {
        let program = random_program(seed);
        let input = random_input(&program, seed + 1000);
        let trace = honest(&program, &input);
        let plan = ProgramPlan::new(&program).unwrap();
        for (k, step) in plan.steps.iter().enumerate() {
            for row in 0..trace.rows() {
                let operand = crate::piece::tensor(&trace, step.operand).tensor().row(row);
                let expected = crate::piece::tensor(&trace, k + 1).tensor().row(row);
                let got = step.check.run(&operand);
                assert!(
                    (0..got.len()).all(|j| got[j] == expected.get(j)),
                    "seed {seed}, {}, row {row}",
                    step.name
                );
            }
        }
    }
}

/// What the reference computes satisfies the circuits, under both policies.
#[test]
fn random_programs_are_accepted() {
    for seed in 0..12 {
        let program = random_program(seed);
        let depth = program.depth().into();
        let input = random_input(&program, seed + 50);
        let trace = honest(&program, &input);
        let pieces = Pieces::new(program.clone(), Policy::Full, depth, 0);
        let subject = pieces.subject(&trace);
        pieces.run(&subject, &trace, 0, trace.rows() as u32).unwrap();
        let pieces = Pieces::new(program, Policy::Rows(4), 0, 1);
        let subject = pieces.subject(&trace);
        pieces.run(&subject, &trace, 8, 12).unwrap();
    }
}

/// A circuit of one product of one row.
struct Product {
    circuit: Circuit,
    plan: MatMulPlan,
    operand: RowTargets,
    output: RowTargets,
    targets: MatMulTargets,
    shapes: [RowShape; 2],
}

fn product(program: &Program) -> Product {
    let plan = ProgramPlan::new(program).unwrap();
    let RowCheck::MatMul(matmul) = plan.steps[0].check.clone();
    let shapes = [plan.shapes[0], plan.shapes[1]];
    let mut builder = Builder::new(circuit_config());
    let [operand, output] = shapes.map(|shape| RowTargets::new(&mut builder, shape));
    let mut ranges = Ranges::default();
    let targets = matmul.build(&mut builder, &mut ranges, &operand, &output);
    ranges.finish(&mut builder);
    Product { circuit: builder.build::<C>(), plan: matmul, operand, output, targets, shapes }
}

impl Product {
    fn inputs(&self, operand: &Cells, output: &Cells) -> PartialWitness<F> {
        let mut inputs = PartialWitness::new();
        self.operand.assign(&mut inputs, operand).unwrap();
        self.output.assign(&mut inputs, output).unwrap();
        self.plan.assign(&mut inputs, &self.targets, operand, output).unwrap();
        inputs
    }

    fn accepts(&self, inputs: PartialWitness<F>) -> bool {
        satisfied(&self.circuit, inputs, &[]).is_ok()
    }
}

#[test]
fn accumulators_cannot_be_fitted() {
    let mut fitted = 0;
    for seed in 0..20 {
        let program = random_program(seed);
        let product = product(&program);
        let input = random_input(&program, seed);
        let trace = reference::run(&program, &input).unwrap();
        let (operand, output) = (input.row(0), trace[0].row(0));
        let inputs = product.inputs(&operand, &output);
        assert!(product.accepts(inputs.clone()), "seed {seed}");
        // Each of these witnesses off by one. (Sigma and excess have some freedom where the cell does not depend on it:
        // `one_cell_for_each_accumulator` is their test.)
        let all = product.targets.requantise().iter().map(|t| t.remainder);
        for target in all.chain(product.targets.own_accumulators().map(|(_, u)| u)) {
            assert!(!product.accepts(super::off_by_one(&inputs, target)), "seed {seed}");
        }
        // Another cell for column j, with the accumulator that would make it right. The dot product that it shares then
        // leaves the rest to the run's first column.
        for (j, u) in product.targets.own_accumulators() {
            let truth = product.plan.accumulators(&operand)[j];
            let honest = output.get(j);
            let other = (1..1 << 20).find_map(|d| {
                [truth + d, truth - d].into_iter().find(|&acc| product.plan.apply(j, acc) != honest)
            });
            let Some(acc) = other else { continue };
            let wrong = product.plan.apply(j, acc);
            let values: Vec<i64> =
                (0..output.len()).map(|i| i64::from(if i == j { wrong } else { output.get(i) })).collect();
            let forged = Cells::from_values(output.dtype(), &values).unwrap();
            let mut lie = product.inputs(&operand, &forged);
            product.plan.assign_column(&mut lie, &product.targets, j, acc, wrong);
            assert_ne!(lie.target_values[&u], inputs.target_values[&u]);
            assert!(!product.accepts(lie), "seed {seed}, column {j}");
            fitted += 1;
        }
    }
    assert!(fitted > 20, "only {fitted} accumulators were fitted");
}

/// The widest accumulators that a program may have, of 32 and 31 bits, share a dot product of all 63: no other digits make the
/// form, not even modulo p.
#[test]
fn the_widest_accumulators_are_digits() {
    const REACH: i32 = 255 * 128;
    let mut b = DagBuilder::new("widest", 0);
    let x = b.input("x", DType::U8, &[1]);
    let w = b.constant("w", Tensor::new(1, 4, Cells::I8(vec![-128, -128, 127, 127])).unwrap());
    let bias = vec![-(i32::MAX - REACH), -((1 << 30) - 1 - REACH), i32::MAX - REACH, (1 << 30) - 1 - REACH];
    let bias = b.constant("bias", Tensor::new(1, 4, Cells::I32(bias)).unwrap());
    let requantise = PerColumn::All(Requantise { multiplier: (1 << 31) - 1, shift: 55 });
    b.matmul("y", x, w, DType::I8, MatMulOptions::new(requantise).bias(bias));
    let program = b.build().unwrap();
    let product = product(&program);
    for cell in [0, 1, 128, 255] {
        let input = Tensor::new(1, 1, Cells::U8(vec![cell])).unwrap();
        let output = reference::run(&program, &input).unwrap()[0].row(0);
        let inputs = product.inputs(&input.row(0), &output);
        assert!(product.accepts(inputs.clone()), "cell {cell}");
        let own: Vec<_> = product.targets.own_accumulators().collect();
        assert_eq!(own.iter().map(|&(j, _)| j).collect::<Vec<_>>(), [1, 3]);
        for (_, u) in own {
            let truth = inputs.target_values[&u].to_canonical_u64();
            // Neighbours, ends of the range, and what 2^64 = 2^32 - 1 modulo p might hide.
            let others = [
                0,
                1,
                truth ^ 1,
                truth ^ (1 << 30),
                truth + (1 << 31),
                (1 << 31) - 1,
                (1 << 32) - 1,
                truth + (1 << 32) - 1,
                F::ORDER - 1,
                F::ORDER - truth,
            ];
            for other in others.into_iter().filter(|&other| other != truth) {
                let lie = with(&inputs, u, F::from_canonical_u64(other));
                assert!(!product.accepts(lie), "cell {cell}: {other} for {truth}");
            }
        }
    }
}

/// Weights are constants: another program's rows do not pass.
#[test]
fn weights_are_the_programs() {
    let program = super::flipped::two_layers(2, "two_layers");
    let mut parts = program.clone().into_parts();
    let weights = &mut parts.constants[0].tensor;
    *weights = super::flipped::flip(weights, 1, 2);
    let other = Program::new(parts).unwrap();
    let product = product(&program);
    let input = super::flipped::input(4);
    let trace = reference::run(&other, &input).unwrap();
    let plan = ProgramPlan::new(&other).unwrap();
    let RowCheck::MatMul(foreign) = &plan.steps[0].check;
    for row in 0..4 {
        let (operand, output) = (input.row(row), trace[0].row(row));
        let mut inputs = PartialWitness::new();
        product.operand.assign(&mut inputs, &operand).unwrap();
        product.output.assign(&mut inputs, &output).unwrap();
        foreign.assign(&mut inputs, &product.targets, &operand, &output).unwrap();
        assert!(!product.accepts(inputs), "row {row}");
    }
}

/// Packed cells: no eighth byte, no filling but zero, no cell out of range.
#[test]
fn rows_are_bytes() {
    let program = super::flipped::two_layers(2, "two_layers");
    let product = product(&program);
    let input = super::flipped::input(4);
    let trace = reference::run(&program, &input).unwrap();
    let inputs = product.inputs(&input.row(0), &trace[0].row(0));
    for (row, shape) in [(&product.operand, product.shapes[0]), (&product.output, product.shapes[1])] {
        let element = row.elements().next().unwrap();
        let value = inputs.target_values[&element].to_canonical_u64();
        // Below the last cell, in the filling.
        for bit in [0, 8 * (7 - shape.columns) as u32 - 1, 56, 61, 62, 63] {
            let forged = F::from_noncanonical_u64(value ^ 1 << bit);
            assert!(!product.accepts(with(&inputs, element, forged)), "bit {bit}");
        }
    }
    let witness = janction_gadgets::test_utils::generate(&product.circuit, inputs.clone(), &[]).unwrap();
    check(&product.circuit, &witness).unwrap();
    // A cell that is no byte, balanced by its neighbour.
    for row in [&product.operand, &product.output] {
        let [first, second] = [row.cells[0], row.cells[1]];
        use plonky2::iop::witness::Witness;
        let (a, b) = (witness.get_target(first), witness.get_target(second));
        let forced = [(first, a + F::ONE), (second, b - F::from_canonical_u64(256))];
        assert!(satisfied(&product.circuit, inputs.clone(), &forced).is_err());
    }
}
