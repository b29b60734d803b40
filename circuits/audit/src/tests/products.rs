//! Products: each constraint broken on its own, in circuits of nothing else.

use janction_aggregate::config::Circuit;
use janction_gadgets::test_utils::check;
use janction_gadgets::{Builder, C};
use janction_program::builder::{Builder as DagBuilder, MatMulOptions};
use janction_program::test_utils::{Random, random_input, random_products};
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor, reference};
use janction_trace::Policy;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::witness::PartialWitness;

use super::{Pieces, honest, satisfied, with};
use crate::gate::piece_config;
use crate::layout::Layout;
use crate::operation::{CheckTargets, ProgramPlan, StepPlan};
use crate::row::{RowShape, RowTargets};
use janction_gadgets::F;

/// What the reference computes satisfies the circuits, under both policies.
#[test]
fn random_programs_are_accepted() {
    for seed in 0..12 {
        let program = random_products(seed);
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

/// A circuit of the row check of a program's first operation.
struct Product {
    circuit: Circuit,
    step: StepPlan,
    operand: RowTargets,
    output: RowTargets,
    targets: CheckTargets,
    shapes: [RowShape; 2],
}

fn product(program: &Program) -> Product {
    // For a single row nothing is worth a fold.
    let plan = ProgramPlan::of_audit(program, Policy::Rows(1));
    let step = plan.steps[0].clone();
    assert!(!step.is_freivalds());
    let shapes = [plan.shapes[0], plan.shapes[1]];
    let mut builder = Builder::new(piece_config());
    let [operand, output] = shapes.map(|shape| RowTargets::new(&mut builder, shape));
    let mut layout = Layout::default();
    let targets = step.build(&mut builder, &mut layout, None, &[&operand], &output);
    layout.finish(&mut builder);
    Product { circuit: builder.build::<C>(), step, operand, output, targets, shapes }
}

impl Product {
    fn inputs(&self, operand: &Cells, output: &Cells) -> PartialWitness<F> {
        let mut inputs = PartialWitness::new();
        self.operand.assign(&mut inputs, operand).unwrap();
        self.output.assign(&mut inputs, output).unwrap();
        self.step.assign(&mut inputs, &self.targets, &[operand], output).unwrap();
        inputs
    }

    fn accepts(&self, inputs: PartialWitness<F>) -> bool {
        satisfied(&self.circuit, inputs, &[]).is_ok()
    }
}

/// For the right output there is a witness; with any cell of it changed there is none that the generators find.
#[test]
fn every_cell_of_a_random_product_is_bound() {
    let mut lies = 0;
    for seed in 0..20 {
        let program = random_products(seed);
        let product = product(&program);
        let input = random_input(&program, seed);
        let trace = reference::run(&program, &input).unwrap();
        let (operand, output) = (input.row(0), trace[0].row(0));
        assert!(product.accepts(product.inputs(&operand, &output)), "seed {seed}");
        let ends = [output.dtype().min(), output.dtype().max()].map(i64::from);
        for j in 0..output.len() {
            let cell = i64::from(output.get(j));
            for wrong in [cell - 1, cell + 1, ends[0], ends[1], -cell] {
                if wrong == cell || !(ends[0]..=ends[1]).contains(&wrong) {
                    continue;
                }
                let mut values: Vec<i64> = (0..output.len()).map(|i| i64::from(output.get(i))).collect();
                values[j] = wrong;
                let forged = Cells::from_values(output.dtype(), &values).unwrap();
                assert!(!product.accepts(product.inputs(&operand, &forged)), "seed {seed}, column {j}");
                lies += 1;
            }
        }
    }
    assert!(lies > 100, "only {lies} cells were changed");
}

/// The widest accumulators that a program may have, with the widest shift: an operation that shares no form.
#[test]
fn the_widest_accumulators_are_checked() {
    const REACH: i32 = 255 * 128;
    let mut b = DagBuilder::new("widest", 0);
    let x = b.input("x", DType::U8, &[1]);
    let w = b.constant("w", Tensor::new(1, 4, Cells::I8(vec![-128, -128, 127, 127])).unwrap());
    let bias = vec![-(i32::MAX - REACH), -((1 << 30) - 1 - REACH), i32::MAX - REACH, (1 << 30) - 1 - REACH];
    let bias = b.constant("bias", Tensor::new(1, 4, Cells::I32(bias)).unwrap());
    for shift in [31, 47, 55, 62] {
        let mut b = b.clone();
        let requantise = PerColumn::All(Requantise::new((1 << 31) - 1, shift));
        b.matmul("y", x, w, DType::I8, MatMulOptions::new(requantise).bias(bias));
        let program = b.build().unwrap();
        let product = product(&program);
        for cell in [0, 1, 128, 255] {
            let input = Tensor::new(1, 1, Cells::U8(vec![cell])).unwrap();
            let output = reference::run(&program, &input).unwrap()[0].row(0);
            assert!(product.accepts(product.inputs(&input.row(0), &output)), "cell {cell}, shift {shift}");
            for j in 0..4 {
                let mut values: Vec<i64> = (0..4).map(|i| i64::from(output.get(i))).collect();
                values[j] += if values[j] > 0 { -1 } else { 1 };
                let forged = Cells::from_values(DType::I8, &values).unwrap();
                assert!(!product.accepts(product.inputs(&input.row(0), &forged)), "cell {cell}, column {j}");
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
    *weights = Random::new(99).tensor(DType::I8, weights.rows(), weights.columns());
    let other = Program::new(parts).unwrap();
    let product = product(&program);
    let input = super::flipped::input(4);
    let trace = reference::run(&other, &input).unwrap();
    let plan = ProgramPlan::of_audit(&other, Policy::Rows(1));
    let foreign = &plan.steps[0];
    let honest = reference::run(&program, &input).unwrap();
    let others: Vec<usize> = (0..4).filter(|&row| honest[0].row(row) != trace[0].row(row)).collect();
    assert!(others.len() > 1);
    for row in others {
        let (operand, output) = (input.row(row), trace[0].row(row));
        let mut inputs = PartialWitness::new();
        product.operand.assign(&mut inputs, &operand).unwrap();
        product.output.assign(&mut inputs, &output).unwrap();
        foreign.assign(&mut inputs, &product.targets, &[&operand], &output).unwrap();
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
        let element = row.packed()[0];
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
