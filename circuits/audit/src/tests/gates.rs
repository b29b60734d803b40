//! The gate that requantises: each constraint broken on its own, and for every accumulator one cell.

use janction_aggregate::config::Circuit;
use janction_gadgets::test_utils::{assert_rejected, check, check_gate, generate, prove};
use janction_gadgets::{Builder, C, F};
use janction_program::test_utils::Random;
use janction_program::{DType, Requantise};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::gate::Gate;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, Witness, WitnessWrite};
use plonky2::util::serialization::Buffer;

use super::satisfied;
use crate::gate::piece_config;
use crate::gate::requantise::RequantiseGate;
use crate::layout::Layout;
use crate::linear::{Accumulator, Extent, Group, Linear, LinearPlan};
use crate::requantise::{Rescale, element};

#[test]
fn evaluations_agree() {
    let flags = [(false, false), (true, false), (false, true), (true, true)];
    for (columns, acc_digits) in [(1, 0), (2, 12), (3, 10), (5, 6), (8, 3)] {
        for (low, high) in flags {
            for (halves, near) in [(None, 0), (Some(0), 0), (Some(1), 0), (Some(0), 12), (Some(1), 12)] {
                let (rem_digits, exc_digits) = (16, 4);
                let gate =
                    RequantiseGate { columns, acc_digits, rem_digits, exc_digits, low, high, halves, near };
                if gate.forms() > 0 {
                    check_gate(&gate);
                }
            }
        }
    }
}

/// Gates survive their encoding, and flags that no gate has are refused.
#[test]
fn encodings_are_of_gates() {
    let rescale = Rescale { output_zero: 0, clamp: (-3, 5), output: DType::I8 };
    let circuits = Circuits::new(rescale, vec![(Requantise::new(1 << 29, 30), 600)], 1);
    let common = &circuits.circuit.common;
    let base = circuits.gate;
    let encoded = |gate: RequantiseGate| {
        let mut bytes = Vec::new();
        gate.serialize(&mut bytes, common).unwrap();
        bytes
    };
    let decoded = |bytes: &[u8]| RequantiseGate::deserialize(&mut Buffer::new(bytes), common);
    for (halves, near) in
        [(None, 0), (Some(0), 0), (Some(1), 0), (Some(0), 12), (Some(1), base.rem_digits - 1)]
    {
        let gate = RequantiseGate { halves, near, ..base };
        assert_eq!(decoded(&encoded(gate)).unwrap(), gate);
    }
    let last = encoded(base).len() - 1;
    // No turn, a third one, digits without halves, all digits.
    for flags in [6, 7, 12 << 3, 6 | 12 << 3, 2 | (base.rem_digits as u8) << 3, 0xff] {
        let mut bytes = encoded(base);
        bytes[last] = flags;
        assert!(decoded(&bytes).is_err(), "{flags:#b}");
    }
}

/// An operation whose accumulators are any numbers of 32 bits: bytes of a number, and a base.
#[derive(Debug)]
struct Numbers {
    columns: Vec<(Requantise, i64)>,
}

const HALF: i64 = 1 << 31;

impl Linear for Numbers {
    fn extent(&self) -> Extent {
        Extent { groups: 1, terms: 4 * self.columns.len(), members: self.columns.len() }
    }

    fn kinds(&self) -> Vec<(Requantise, i64)> {
        self.columns.clone()
    }

    fn group(&self, _index: usize) -> Group<'_> {
        let n = self.columns.len();
        let accumulator = |(j, &(requantise, bound)): (usize, &(Requantise, i64))| Accumulator {
            output: j,
            base: -HALF,
            bound,
            requantise,
            weights: (0..4 * n).map(|k| if k / 4 == j { 1 << (8 * (k % 4)) } else { 0 }).collect(),
        };
        Group {
            cells: (0..4 * n).collect(),
            rows: Vec::new(),
            accumulators: self.columns.iter().enumerate().map(accumulator).collect(),
        }
    }
}

/// A circuit of one group of such accumulators; cells are inputs and are not checked to be bytes.
pub(super) struct Circuits {
    circuit: Circuit,
    pub gate: RequantiseGate,
    pub row: usize,
    cells: Vec<Target>,
    output: Vec<Target>,
}

impl Circuits {
    pub fn new(rescale: Rescale, kinds: Vec<(Requantise, i64)>, columns: usize) -> Self {
        let numbers = Numbers { columns: kinds };
        let n = numbers.columns.len();
        let plan = LinearPlan::of_columns(&numbers, rescale, columns);
        let mut builder = Builder::new(piece_config());
        let cells = builder.add_virtual_targets(4 * n);
        let output = builder.add_virtual_targets(n);
        let mut layout = Layout::default();
        plan.build(&numbers, &mut builder, &mut layout, &cells, &output);
        let placed = layout.placed.clone();
        layout.finish(&mut builder);
        let (gate, row) = placed.borrow()[0];
        Self { circuit: builder.build::<C>(), gate, row, cells, output }
    }

    fn inputs(&self, accumulators: &[i64], cells: &[F]) -> PartialWitness<F> {
        let mut inputs = PartialWitness::new();
        for (j, (&acc, &cell)) in accumulators.iter().zip(cells).enumerate() {
            for k in 0..4 {
                let byte = ((acc + HALF) >> (8 * k)) & 255;
                inputs.set_target(self.cells[4 * j + k], element(byte.into())).unwrap();
            }
            inputs.set_target(self.output[j], cell).unwrap();
        }
        inputs
    }

    pub fn accepts(&self, accumulators: &[i64], cells: &[F], forced: &[(Target, F)]) -> bool {
        satisfied(&self.circuit, self.inputs(accumulators, cells), forced).is_ok()
    }
}

pub(super) fn right(
    rescale: &Rescale,
    Requantise { multiplier, shift, rounding }: Requantise,
    acc: i64,
) -> i64 {
    // From -2^23 to just below 2^23 about a half, or at it.
    let (before, width) = if rounding.near_bits() == 0 { (0, 1) } else { (1 << 23, 1 << 24) };
    let sum = i128::from(acc) * i128::from(multiplier) + (1i128 << (shift - 1)) + before;
    let (up, rem) = (sum >> shift, sum & ((1 << shift) - 1));
    let goes_down = rem < width && rounding.parity().is_some_and(|parity| up & 1 != parity.into());
    let cell = up - i128::from(goes_down) + i128::from(rescale.output_zero);
    cell.clamp(rescale.clamp.0.into(), rescale.clamp.1.into()) as i64
}

fn cases() -> Vec<(Rescale, Requantise, i64)> {
    let rescale = |output_zero, clamp, output| Rescale { output_zero, clamp, output };
    let requantise = |multiplier, shift| Requantise::new(multiplier, shift);
    vec![
        (rescale(0, (-128, 127), DType::I8), requantise(1 << 30, 31), 2000),
        (rescale(0, (-128, 127), DType::I8), requantise(1_500_000_001, 39), 80_000),
        (rescale(-7, (-7, 100), DType::I8), requantise(1_234_567_890, 40), 100_000),
        (rescale(128, (3, 255), DType::U8), requantise(1_999_999_999, 39), 90_000),
        (rescale(250, (0, 251), DType::U8), requantise((1 << 30) + 1, 37), 1 << 20),
        (rescale(-128, (-128, -127), DType::I8), requantise(1, 1), 600),
        (rescale(9, (9, 9), DType::U8), requantise(3, 2), 600),
    ]
}

/// For every accumulator exactly one cell passes, whatever sigma, excess and remainder a prover invents: all those are
/// tried that satisfy the equation with some multiple of p added.
#[test]
fn one_cell_for_each_accumulator() {
    for (case, (rescale, requantise, bound)) in cases().into_iter().enumerate() {
        for columns in [1, 2] {
            let circuits = Circuits::new(rescale, vec![(requantise, bound); columns], columns);
            let gate = circuits.gate;
            let mut r = Random::new(case as u64);
            let mut accs = vec![-bound, bound, 0, 1, -1];
            accs.extend((0..4).map(|_| r.range(-bound, bound)));
            let scaled =
                i128::from(requantise.multiplier) << (2 * gate.rem_digits - usize::from(requantise.shift));
            let power = 1i128 << (2 * gate.rem_digits);
            let smallest = i64::from(rescale.output.min());
            for acc in accs {
                let right = right(&rescale, requantise, acc);
                let honest = element((right - smallest).into());
                let all = vec![acc; columns];
                assert!(circuits.accepts(&all, &vec![honest; columns], &[]), "case {case}, acc {acc}");
                let [low, high] = [rescale.clamp.0, rescale.clamp.1].map(i64::from);
                for cell in
                    [right, right + 1, right - 1, low, high, low - 1, high + 1, smallest - 1, smallest + 256]
                {
                    let byte = cell - smallest;
                    let mut cells = vec![honest; columns];
                    cells[columns - 1] = element(byte.into());
                    let mut accepted = circuits.accepts(&all, &cells, &[]);
                    for sigma in [-1i128, 0, 1, 2] {
                        for k in -2..=2 {
                            let sum = i128::from(acc) * scaled + power / 2
                                - i128::from(rescale.offset()) * power
                                + k * i128::from(F::NEG_ONE.to_canonical_u64())
                                + k;
                            let distance = sum.div_euclid(power) - i128::from(byte);
                            let excess = if sigma == 0 { 0 } else { distance / sigma };
                            let rest = sum - (sigma * excess + i128::from(byte)) * power;
                            let claim =
                                gate.claim(circuits.row, [0, columns - 1], element(sigma), excess, [0, rest]);
                            accepted |= circuits.accepts(&all, &cells, &claim);
                        }
                    }
                    let is_byte = (0..256).contains(&byte);
                    // Without a narrower clamp it is the row's packing that keeps cells bytes.
                    let allowed = cell == right || (!is_byte && rescale.narrow() != (true, true));
                    assert!(!accepted || allowed, "case {case}: acc {acc}, cell {cell}, right is {right}");
                }
            }
        }
    }
}

/// Every digit and sigma of an honest row is bound, and a digit is no more than three.
#[test]
fn every_wire_is_bound() {
    let rescale = Rescale { output_zero: -7, clamp: (-20, 100), output: DType::I8 };
    let requantise = Requantise::new(1_234_567_890, 40);
    let bound = 400_000;
    let circuits = Circuits::new(rescale, vec![(requantise, bound); 2], 2);
    let (gate, row) = (circuits.gate, circuits.row);
    // Clamped at both ends, so that sigma is not zero and the excess counts.
    let accs = [300_000, -250_001];
    let cells: Vec<F> = accs.map(|acc| element((right(&rescale, requantise, acc) + 128).into())).to_vec();
    let inputs = || circuits.inputs(&accs, &cells);
    let witness = generate(&circuits.circuit, inputs(), &[]).unwrap();
    check(&circuits.circuit, &witness).unwrap();
    let routed = gate.forms() * (1 + gate.columns);
    let used = routed..gate.sigma(1, 0);
    for column in used.clone() {
        let target = Target::wire(row, column);
        for delta in [F::ONE, F::NEG_ONE, F::from_canonical_u64(4)] {
            let forced = [(target, witness.get_target(target) + delta)];
            let rejected = satisfied(&circuits.circuit, inputs(), &forced).is_err();
            assert!(rejected, "column {column} of {gate:?}, {delta} more");
        }
    }
    // Four more here are one less there: the sum is the same, the digit is none.
    for column in used.clone().zip(used.skip(1)).map(|(a, b)| [a, b].map(|c| Target::wire(row, c))) {
        let [a, b] = column.map(|target| witness.get_target(target));
        let forced = [(column[0], a + F::from_canonical_u64(4)), (column[1], b - F::ONE)];
        assert!(satisfied(&circuits.circuit, inputs(), &forced).is_err(), "{column:?} of {gate:?}");
    }
    // One accumulator more, another less: their form is another number.
    let radix = F::from_canonical_u64(1 << (2 * gate.acc_digits));
    let [first, second] = [0, 1].map(|column| gate.accumulator(row, [0, column])[0]);
    let forced = [(first, witness.get_target(first) + radix), (second, witness.get_target(second) - F::ONE)];
    assert_rejected(&circuits.circuit, inputs(), &forced);
    assert_eq!(gate.distances(row, [0, 0]).len(), 8);
    prove(&circuits.circuit, witness).unwrap();
}

/// The columns of a form that are not in use can be filled, and do not disturb those that are.
#[test]
fn a_row_may_be_partly_in_use() {
    let (rescale, requantise, bound) = cases()[2];
    let circuits = Circuits::new(rescale, vec![(requantise, bound); 3], 2);
    let accs = [5, -70_000, 99_999];
    let honest: Vec<F> = accs.map(|acc| element((right(&rescale, requantise, acc) + 128).into())).to_vec();
    assert!(circuits.accepts(&accs, &honest, &[]));
    for j in 0..3 {
        let mut cells = honest.clone();
        cells[j] += F::ONE;
        assert!(!circuits.accepts(&accs, &cells, &[]));
    }
}
