//! Products and requantisations: each constraint broken on its own, in circuits of nothing else.

use janction_aggregate::config::{Circuit, circuit_config};
use janction_gadgets::test_utils::check;
use janction_gadgets::{Builder, C};
use janction_program::test_utils::{Random, random_input, random_program};
use janction_program::{Cells, DType, MatMul, Operation, PerColumn, Program, Requantise, reference};
use janction_trace::Policy;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::{Pieces, honest, satisfied, with};
use crate::operation::matmul::{MatMulPlan, MatMulTargets};
use crate::operation::{ProgramPlan, RowCheck};
use crate::range::Ranges;
use crate::requantise::{RequantisePlan, RequantiseTargets};
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

/// A circuit of one requantisation, of an accumulator that is an input.
struct One {
    circuit: Circuit,
    plan: RequantisePlan,
    biased: Target,
    cell: Target,
    targets: RequantiseTargets,
}

const HALF: i64 = 1 << 31;

impl One {
    fn new(op: &MatMul, bound: i64, output: DType) -> Self {
        let plan = RequantisePlan::new(op, 0, bound, output);
        let mut builder = Builder::new(circuit_config());
        let [biased, cell] = builder.add_virtual_target_arr();
        let mut ranges = Ranges::default();
        ranges.byte(&mut builder, cell);
        let targets = plan.build(&mut builder, &mut ranges, biased, HALF, cell);
        ranges.finish(&mut builder);
        Self { circuit: builder.build::<C>(), plan, biased, cell, targets }
    }

    fn accepts(&self, acc: i64, cell: F, sigma: F, excess: F, remainder: F) -> bool {
        let mut inputs = PartialWitness::new();
        let t = self.targets;
        let acc = F::from_canonical_u64((acc + HALF) as u64);
        let all = [
            (self.biased, acc),
            (self.cell, cell),
            (t.sigma, sigma),
            (t.excess, excess),
            (t.remainder, remainder),
        ];
        for (target, value) in all {
            inputs.set_target(target, value).unwrap();
        }
        satisfied(&self.circuit, inputs, &[]).is_ok()
    }
}

fn signed(value: i128) -> F {
    let p = i128::from(<F as plonky2::field::types::Field64>::ORDER);
    F::from_canonical_u64(value.rem_euclid(p) as u64)
}

fn operation(requantise: Requantise, output_zero: i32, clamp: (i32, i32)) -> MatMul {
    let program = janction_program::test_utils::random_program(3);
    let op = program.committed_steps().find_map(|step| match &step.operation {
        Operation::MatMul(op) => Some(op.clone()),
        Operation::Reshape(_) => None,
    });
    MatMul { requantise: PerColumn::All(requantise), output_zero, clamp, ..op.unwrap() }
}

/// For every accumulator exactly one cell passes, whatever sigma, excess and remainder a prover invents for the others.
#[test]
fn one_cell_for_each_accumulator() {
    let bound = i64::from(i32::MAX);
    let cases = [
        (Requantise { multiplier: 1 << 30, shift: 31 }, 0, (-128, 127), DType::I8, 2000),
        (Requantise { multiplier: 1_234_567_890, shift: 40 }, -7, (-7, 100), DType::I8, 100_000),
        (Requantise { multiplier: 1_999_999_999, shift: 39 }, 128, (3, 255), DType::U8, 90_000),
        (Requantise { multiplier: (1 << 31) - 1, shift: 62 }, 5, (0, 255), DType::U8, bound),
        (Requantise { multiplier: (1 << 31) - 1, shift: 55 }, 250, (0, 251), DType::U8, bound),
        (Requantise { multiplier: (1 << 31) - 1, shift: 1 }, 0, (-128, 127), DType::I8, bound),
        (Requantise { multiplier: 1, shift: 1 }, -128, (-128, -127), DType::I8, 600),
        (Requantise { multiplier: 3, shift: 2 }, 9, (9, 9), DType::U8, 600),
    ];
    for (case, (requantise, zero, clamp, dtype, bound)) in cases.into_iter().enumerate() {
        let op = operation(requantise, zero, clamp);
        let one = One::new(&op, bound, dtype);
        let mut r = Random::new(case as u64);
        let mut accs = vec![-bound, bound, 0, 1, -1];
        accs.extend((0..5).map(|_| r.range(-bound, bound)));
        for acc in accs {
            let right = op.finish(0, acc as i32);
            assert_eq!(one.plan.apply(acc), right);
            let (multiplier, shift) = one.plan.scaled();
            let sum = i128::from(acc) * multiplier + (1i128 << (shift - 1));
            let (q, rem) = (sum >> shift, sum & ((1i128 << shift) - 1));
            for cell in [right, right + 1, right - 1, clamp.0, clamp.1, dtype.min(), dtype.max(), zero] {
                let cell = cell.clamp(dtype.min(), dtype.max());
                let byte = signed(i128::from(cell - dtype.min()));
                let distance = q + i128::from(zero - cell);
                let mut accepted = false;
                for sigma in [-1, 0, 1, 2] {
                    // The excess that makes the equation true, and none with all the rest in the remainder.
                    let excess = if sigma == 0 { 0 } else { distance / sigma };
                    let rest = sum - ((i128::from(cell - zero) + sigma * excess) << shift);
                    accepted |= one.accepts(acc, byte, signed(sigma), signed(excess), signed(rest));
                    let rest = sum - (i128::from(cell - zero) << shift);
                    accepted |= one.accepts(acc, byte, signed(sigma), F::ZERO, signed(rest));
                    accepted |= one.accepts(acc, byte, signed(sigma), signed(distance.abs()), signed(rem));
                }
                assert_eq!(accepted, cell == right, "case {case}: acc {acc}, cell {cell}, right is {right}");
            }
            // Cells outside the byte.
            for wrong in [signed(-1), signed(256)] {
                let distance = q + i128::from(zero)
                    - i128::from(dtype.min())
                    - if wrong == signed(-1) { -1 } else { 256 };
                for sigma in [-1, 0, 1] {
                    assert!(!one.accepts(acc, wrong, signed(sigma), signed(distance.abs()), signed(rem)));
                }
            }
        }
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
