//! Requantisation: for every accumulator one cell, whatever the parameters of a valid program and the witness.

use janction_aggregate::config::{Circuit, circuit_config};
use janction_gadgets::{Builder, C, F};
use janction_program::test_utils::Random;
use janction_program::{DType, MatMul, Operation, PerColumn, Requantise};
use plonky2::field::types::{Field, Field64};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use proptest::prelude::*;

use super::satisfied;
use crate::range::Ranges;
use crate::requantise::{RequantisePlan, RequantiseTargets, Rescale, Scaled};

/// A circuit of one requantisation, of an accumulator that is an input.
pub(super) struct One {
    circuit: Circuit,
    pub plan: RequantisePlan,
    biased: Target,
    cell: Target,
    pub targets: RequantiseTargets,
}

const HALF: i64 = 1 << 31;

impl One {
    fn new(op: &MatMul, bound: i64, output: DType) -> Self {
        Self::of(&rescale(op, output), op.requantise.get(0), bound)
    }

    pub fn of(rescale: &Rescale, requantise: Requantise, bound: i64) -> Self {
        let plan = RequantisePlan::new(rescale, requantise, bound);
        let mut builder = Builder::new(circuit_config());
        let [biased, cell] = builder.add_virtual_target_arr();
        let mut ranges = Ranges::default();
        ranges.byte(&mut builder, cell);
        let targets = plan.build(&mut builder, &mut ranges, biased, HALF, cell);
        ranges.finish(&mut builder);
        Self { circuit: builder.build::<C>(), plan, biased, cell, targets }
    }

    fn accepts(&self, acc: i64, cell: F, sigma: F, excess: F, remainder: F) -> bool {
        let t = self.targets;
        self.accepts_all(acc, cell, &[(t.sigma, sigma), (t.excess, excess), (t.remainder, remainder)])
    }

    /// Whether accumulator and cell (as a byte) pass with this witness.
    pub fn accepts_all(&self, acc: i64, cell: F, witness: &[(Target, F)]) -> bool {
        let mut inputs = PartialWitness::new();
        let acc = F::from_canonical_u64((acc + HALF) as u64);
        let all = [(self.biased, acc), (self.cell, cell)];
        for (target, value) in all.into_iter().chain(witness.iter().copied()) {
            inputs.set_target(target, value).unwrap();
        }
        satisfied(&self.circuit, inputs, &[]).is_ok()
    }
}

fn signed(value: i128) -> F {
    let p = i128::from(F::ORDER);
    F::from_canonical_u64(value.rem_euclid(p) as u64)
}

fn operation(requantise: Requantise, output_zero: i32, clamp: (i32, i32)) -> MatMul {
    let program = janction_program::test_utils::random_products(3);
    let op = program.committed_steps().find_map(|step| match &step.operation {
        Operation::MatMul(op) => Some(op.clone()),
        _ => None,
    });
    MatMul { requantise: PerColumn::All(requantise), output_zero, clamp, ..op.unwrap() }
}

fn rescale(op: &MatMul, output: DType) -> Rescale {
    Rescale { output_zero: op.output_zero, clamp: op.clamp, output }
}

/// For every accumulator exactly one cell passes, whatever sigma, excess and remainder a prover invents for the others.
#[test]
fn one_cell_for_each_accumulator() {
    let bound = i64::from(i32::MAX);
    let cases = [
        (Requantise::new(1 << 30, 31), 0, (-128, 127), DType::I8, 2000),
        (Requantise::new(1_234_567_890, 40), -7, (-7, 100), DType::I8, 100_000),
        (Requantise::new(1_999_999_999, 39), 128, (3, 255), DType::U8, 90_000),
        (Requantise::new((1 << 31) - 1, 62), 5, (0, 255), DType::U8, bound),
        (Requantise::new((1 << 31) - 1, 55), 250, (0, 251), DType::U8, bound),
        (Requantise::new((1 << 31) - 1, 1), 0, (-128, 127), DType::I8, bound),
        (Requantise::new(1, 1), -128, (-128, -127), DType::I8, 600),
        (Requantise::new(3, 2), 9, (9, 9), DType::U8, 600),
    ];
    for (case, (requantise, zero, clamp, dtype, bound)) in cases.into_iter().enumerate() {
        let op = operation(requantise, zero, clamp);
        let one = One::new(&op, bound, dtype);
        let mut r = Random::new(case as u64);
        let mut accs = vec![-bound, bound, 0, 1, -1];
        accs.extend((0..5).map(|_| r.range(-bound, bound)));
        for acc in accs {
            let right = op.finish(0, acc as i32);
            let Scaled { multiplier, shift, bias, .. } = one.plan.scaled();
            let sum = i128::from(acc) * multiplier + bias;
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

/// Parameters of a valid program, the extremes often: requantisation, zero point, clamp, type, bound of the accumulators.
#[derive(Clone, Copy, Debug)]
struct Parameters {
    requantise: Requantise,
    zero: i32,
    clamp: (i32, i32),
    dtype: DType,
    bound: i64,
}

fn parameters() -> impl Strategy<Value = Parameters> {
    let multiplier = prop_oneof![Just(1u32), Just((1 << 31) - 1), Just(1 << 30), 1u32..1 << 31];
    let shift = prop_oneof![Just(1u8), Just(62), 48u8..=62, 1u8..=62];
    let bound = prop_oneof![Just(0i64), Just(1), Just((1 << 31) - 1), 0i64..1 << 31, 0i64..1000];
    let cell = || prop_oneof![Just(0i32), Just(255), 0..=255];
    let dtype = prop_oneof![Just(DType::I8), Just(DType::U8)];
    (multiplier, shift, bound, dtype, [cell(), cell(), cell()]).prop_map(
        |(multiplier, shift, bound, dtype, [zero, a, b])| {
            let (a, b) = (a.min(b) + dtype.min(), a.max(b) + dtype.min());
            let requantise = Requantise::new(multiplier, shift);
            Parameters { requantise, zero: zero + dtype.min(), clamp: (a, b), dtype, bound }
        },
    )
}

impl Parameters {
    fn operation(&self) -> MatMul {
        operation(self.requantise, self.zero, self.clamp)
    }

    /// Accumulators: the ends, small ones, those around the clamp's ends, and one at random.
    fn accumulators(&self, random: u64) -> Vec<i64> {
        let Requantise { multiplier, shift, .. } = self.requantise;
        let mut accs = vec![-self.bound, self.bound, 0, 1, -1];
        for end in [self.clamp.0, self.clamp.1] {
            let near = (i128::from(end - self.zero) << shift) / i128::from(multiplier);
            accs.extend((-2..=2).filter_map(|d| i64::try_from(near + d).ok()));
        }
        accs.push((i128::from(random) % (2 * i128::from(self.bound) + 1)) as i64 - self.bound);
        accs.retain(|acc| (-self.bound..=self.bound).contains(acc));
        accs
    }
}

/// Every excess and remainder that satisfy the equation modulo p for a cell and sigma: one for each multiple of p that could
/// be added to the sum. (With sigma = 0 there is no excess.)
fn solutions(plan: &RequantisePlan, acc: i64, distance: i128, sigma: i128) -> Vec<(i128, i128)> {
    let Scaled { multiplier, shift, bias, .. } = plan.scaled();
    let sum = i128::from(acc) * multiplier + bias;
    (-3..=3)
        .map(|k| sum + k * i128::from(F::ORDER))
        .map(|sum| {
            let excess = sigma * ((sum >> shift) + distance);
            (excess, sum - ((sigma * excess - distance) << shift))
        })
        .collect()
}

proptest! {
    /// No excess and remainder in their ranges satisfy the equation for a wrong cell, not even modulo p; for the right one some do.
    #[test]
    fn no_multiple_of_the_order_fits(parameters in parameters(), random: u64) {
        let op = parameters.operation();
        let plan = RequantisePlan::new(&rescale(&op, parameters.dtype), parameters.requantise, parameters.bound);
        let (low, high) = parameters.clamp;
        for acc in parameters.accumulators(random) {
            let right = op.finish(0, acc as i32);
            for cell in low..=high {
                let distance = i128::from(parameters.zero - cell);
                let mut sigmas = vec![0];
                sigmas.extend((cell == high).then_some(1));
                sigmas.extend((cell == low).then_some(-1));
                let fits = sigmas.into_iter().any(|sigma| {
                    solutions(&plan, acc, distance, sigma)
                        .into_iter()
                        .any(|(excess, rest)| plan.in_range(sigma * excess - distance, excess, rest))
                });
                prop_assert_eq!(fits, cell == right, "acc {}, cell {}, right is {}", acc, cell, right);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The circuit accepts the right cell and no other, with all the solutions for witnesses.
    #[test]
    fn the_circuit_takes_the_right_cell(parameters in parameters(), random: u64) {
        let op = parameters.operation();
        let one = One::new(&op, parameters.bound, parameters.dtype);
        let smallest = parameters.dtype.min();
        for acc in parameters.accumulators(random).into_iter().take(8) {
            let right = op.finish(0, acc as i32);
            let (low, high) = parameters.clamp;
            for cell in [right, right + 1, right - 1, low, high, low - 1, high + 1, parameters.zero] {
                let distance = i128::from(parameters.zero - cell);
                let mut accepted = false;
                for sigma in [-1, 0, 1] {
                    for (excess, rest) in solutions(&one.plan, acc, distance, sigma) {
                        let byte = signed(i128::from(cell - smallest));
                        accepted |= one.accepts(acc, byte, signed(sigma), signed(excess), signed(rest));
                    }
                }
                prop_assert_eq!(accepted, cell == right, "acc {}, cell {}, right is {}", acc, cell, right);
            }
        }
    }
}
