//! Where halves go: to the quotient of the right parity and no other, in the gate and in the plan of ordinary gates.

use janction_gadgets::F;
use janction_program::test_utils::Random;
use janction_program::{DType, Requantise, Rounding};
use plonky2::field::types::{Field, Field64};
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;
use proptest::prelude::*;

use super::gates::{Circuits, right};
use super::requantise::One;
use crate::requantise::{RequantisePlan, RequantiseTargets, Rescale, Scaled, element};

/// What a prover claims of one accumulator besides its cell.
#[derive(Clone, Copy, Debug)]
struct Claim {
    sigma: i128,
    excess: i128,
    remainder: i128,
    /// The part of it that does not count, and that which does.
    parts: [i128; 2],
    down: i128,
    parity: i128,
    half: F,
    inverse: F,
}

/// The circuit of one requantisation, in either form.
enum Either {
    Gate(Box<Circuits>, Rescale),
    Plan(Box<One>, Rescale),
}

impl Either {
    fn both(rescale: Rescale, requantise: Requantise, bound: i64) -> [Self; 2] {
        let gate = Circuits::new(rescale, vec![(requantise, bound)], 1);
        assert!(gate.gate.halves.is_some());
        [Self::Gate(gate.into(), rescale), Self::Plan(One::of(&rescale, requantise, bound).into(), rescale)]
    }

    /// The requantisation as it stands in the circuit.
    fn scaled(&self, requantise: Requantise) -> Scaled {
        match self {
            Self::Gate(circuits, _) => {
                let shift = 2 * circuits.gate.rem_digits as u32;
                Scaled {
                    multiplier: i128::from(requantise.multiplier) << (shift - u32::from(requantise.shift)),
                    shift,
                    bias: requantise.rounding.bias(shift as u8).into(),
                    near_bits: 2 * circuits.gate.near as u32,
                }
            }
            Self::Plan(one, _) => one.plan.scaled(),
        }
    }

    fn rescale(&self) -> &Rescale {
        match self {
            Self::Gate(_, rescale) | Self::Plan(_, rescale) => rescale,
        }
    }

    /// Whether `acc` and `cell` pass with this claim.
    fn accepts(&self, acc: i64, cell: i64, claim: &Claim) -> bool {
        let byte = element((cell - i64::from(self.rescale().output.min())).into());
        let [sigma, excess, remainder, down, parity] =
            [claim.sigma, claim.excess, claim.remainder, claim.down, claim.parity].map(element);
        match self {
            Self::Gate(circuits, _) => {
                let (gate, row) = (circuits.gate, circuits.row);
                let forced = gate.claim(row, [0, 0], sigma, claim.excess, claim.parts);
                let halves = gate.claim_halves(row, [0, 0], [down, parity, claim.half, claim.inverse]);
                circuits.accepts(&[acc], &[byte], &[forced, halves].concat())
            }
            Self::Plan(one, _) => {
                let RequantiseTargets { sigma: s, excess: e, remainder: r, halves } = one.targets;
                let halves = halves.expect("the plan is for halves");
                let mut all: Vec<(Target, F)> = vec![
                    (s, sigma),
                    (e, excess),
                    (r, remainder),
                    (halves.down, down),
                    (halves.parity, parity),
                    (halves.half, claim.half),
                    (halves.inverse, claim.inverse),
                ];
                all.extend(halves.parts.into_iter().flatten().zip(claim.parts.map(element)));
                one.accepts_all(acc, byte, &all)
            }
        }
    }

    /// Whether `acc` and `cell` pass with the witness that an honest prover would set.
    fn accepts_honestly(&self, acc: i64, cell: i64) -> bool {
        match self {
            Self::Gate(circuits, rescale) => {
                let byte = element((cell - i64::from(rescale.output.min())).into());
                circuits.accepts(&[acc], &[byte], &[])
            }
            Self::Plan(one, rescale) => {
                let mut inputs = PartialWitness::new();
                one.plan.assign(&mut inputs, &one.targets, acc, cell as i32).unwrap();
                let byte = element((cell - i64::from(rescale.output.min())).into());
                let witness: Vec<(Target, F)> = inputs.target_values.into_iter().collect();
                one.accepts_all(acc, byte, &witness)
            }
        }
    }

    /// Claims that make the division true for `cell`, with this sigma and t and a multiple of p, and honest but for that.
    fn claim(&self, requantise: Requantise, acc: i64, cell: i64, [sigma, down, k]: [i128; 3]) -> Claim {
        let Scaled { multiplier, shift, bias, near_bits } = self.scaled(requantise);
        let rescale = self.rescale();
        let sum = i128::from(acc) * multiplier + bias + k * i128::from(F::ORDER);
        let zero = i128::from(cell) - i128::from(rescale.output_zero) + down;
        let excess = sigma * ((sum >> shift) - zero) - 1;
        let excess = if sigma == 0 { 0 } else { excess };
        let moved = if sigma == 0 { 0 } else { sigma * (excess + 1) };
        let remainder = sum - ((zero + moved) << shift);
        let turn = i64::from(rescale.turn(requantise.rounding).expect("halves do not go up"));
        let turned = cell - i64::from(rescale.output.min()) + turn;
        let top = remainder >> near_bits;
        Claim {
            sigma,
            excess,
            remainder,
            parts: [remainder - (top << near_bits), top],
            down,
            parity: i128::from(turned.rem_euclid(2)),
            half: element(turned.div_euclid(2).into()),
            inverse: element(top).try_inverse().unwrap_or(F::ZERO),
        }
    }
}

const HALF: Requantise = Requantise::new(1, 1).rounded(Rounding::HalfEven);
/// Nearly a half, on either side.
const NEARLY: [Requantise; 2] = [
    Requantise::new((1 << 29) + 5, 30).rounded(Rounding::NearHalfEven),
    Requantise::new((1 << 29) - 5, 30).rounded(Rounding::NearHalfEven),
];

/// Small numbers: the quotient is half the accumulator, or nearly, between -3 and 5.
fn small() -> impl Iterator<Item = (Requantise, Either)> {
    let rescale = Rescale { output_zero: 0, clamp: (-3, 5), output: DType::I8 };
    let all = [HALF, NEARLY[0], NEARLY[1]].into_iter();
    all.flat_map(move |r| Either::both(rescale, r, 600).map(|either| (r, either)))
}

/// Each constraint has a claim that breaks nothing else.
#[test]
fn every_constraint_is_needed() {
    for (requantise, either) in small() {
        let claim = |acc, cell, sigma, down| either.claim(requantise, acc, cell, [sigma, down, 0]);
        let refused = |why: &str, acc: i64, cell: i64, claim: Claim| {
            assert!(!either.accepts(acc, cell, &claim), "{why}: {acc} / 2 = {cell} by {claim:?}");
        };
        // 1.5 is 2, 2.5 is 2: neither 1 nor 3, whatever the parity is said to be.
        for (acc, cell, down) in [(3, 1, 1), (5, 3, 0), (-1, -1, 1), (1, 1, 0)] {
            let odd = claim(acc, cell, 0, down);
            assert_eq!((odd.parity, odd.parts[1]), (1, 0));
            refused("the odd one", acc, cell, odd);
            refused("a false parity", acc, cell, Claim { parity: 0, ..odd });
            // h = (cell + turn) / 2 in the field: no number of four digits.
            let half = odd.half + F::TWO.inverse();
            refused("half of an odd cell", acc, cell, Claim { parity: 0, half, ..odd });
            refused("an inverse of zero", acc, cell, Claim { inverse: F::ONE, ..odd });
        }
        // 2.0 is 2: nothing goes down without a half.
        refused("down without a half", 4, 1, claim(4, 1, 0, 1));
        refused("down without a half", -4, -3, claim(-4, -3, 0, 1));
        // t is a bit: 1.5 is not 0, 2.5 is not 4.
        refused("two down", 3, 0, claim(3, 0, 0, 2));
        refused("one up", 5, 4, claim(5, 4, 0, -1));
        // p is a bit, also where it does not matter.
        let honest = claim(4, 2, 0, 0);
        assert!(either.accepts(4, 2, &honest));
        refused("a parity of two", 4, 2, Claim { parity: 2, half: honest.half - F::ONE, ..honest });
        refused("a parity of minus two", 4, 2, Claim { parity: -2, half: honest.half + F::ONE, ..honest });
        refused("another half", 4, 2, Claim { half: honest.half + F::ONE, ..honest });
        // An odd cell needs the inverse of its remainder.
        let honest = claim(6, 3, 0, 0);
        assert!(either.accepts(6, 3, &honest));
        refused("no inverse", 6, 3, Claim { inverse: F::ZERO, ..honest });
        refused("another inverse", 6, 3, Claim { inverse: honest.inverse + F::ONE, ..honest });
        // Sigma frees the parity, so it must mean strictly outside: 4.5 is 4 and not the end 5; -2.5 is -2 and not -3.
        let end = claim(9, 5, 1, 0);
        assert_eq!((end.excess, end.parts[1]), (-1, 0));
        refused("above the end", 9, 5, end);
        let end = claim(-5, -3, -1, 1);
        assert_eq!((end.excess, end.parts[1]), (-1, 0));
        refused("below the end", -5, -3, end);
        // Nor may a cell inside the clamp go down with sigma: -1.5 is -2.
        refused("sigma inside", -3, -1, claim(-3, -1, -1, 1));
    }
}

/// What is near a half ends where it should, and the parts of a remainder are what they are.
#[test]
fn near_has_ends() {
    let rescale = Rescale { output_zero: 0, clamp: (-3, 5), output: DType::I8 };
    let edge = 1i64 << 23;
    // One times these: 1/2 and so much more; 0 is even, 1 is odd.
    for (more, even, odd) in
        [(-edge - 1, 0, 0), (-edge, 0, 1), (0, 0, 1), (edge - 1, 0, 1), (edge, 1, 1), (edge + 1, 1, 1)]
    {
        for (rounding, right) in [(Rounding::NearHalfEven, even), (Rounding::NearHalfOdd, odd)] {
            let requantise = Requantise::new(((1 << 29) + more) as u32, 30).rounded(rounding);
            assert_eq!(requantise.apply(1), right);
            for either in Either::both(rescale, requantise, 600) {
                check(&either, requantise, 1, &[-1, 0, 1]);
                // Another pair of parts for the same remainder would make a half of what is none, or none of one.
                let near_bits = either.scaled(requantise).near_bits;
                for (down, moved) in [(0, -1), (0, 1), (1, -1), (1, 1)] {
                    let cell = 1 - right;
                    let claim = either.claim(requantise, 1, cell, [0, down, 0]);
                    let [bottom, top] = [claim.parts[0] + (moved << near_bits), claim.parts[1] - moved];
                    let inverse = element(top).try_inverse().unwrap_or(F::ZERO);
                    let forged = Claim { parts: [bottom, top], inverse, ..claim };
                    assert!(!either.accepts(1, cell, &forged), "{forged:?} for {more} {rounding:?}");
                    // Nor parts of which the sum is another remainder.
                    let forged = Claim { parts: [claim.parts[0], top], inverse, ..claim };
                    assert!(!either.accepts(1, cell, &forged), "{forged:?} for {more} {rounding:?}");
                }
            }
        }
    }
}

/// For every accumulator near the clamp, the right cell passes by itself and no other by any claim.
#[test]
fn all_small_accumulators() {
    let exact = [Rounding::HalfEven, Rounding::HalfOdd].map(|rounding| HALF.rounded(rounding));
    let near = NEARLY.into_iter().flat_map(|r| [r, r.rounded(Rounding::NearHalfOdd)]);
    for requantise in exact.into_iter().chain(near) {
        for (zero, clamp) in
            [(0, (-3, 5)), (1, (-4, 4)), (-128, (-128, -127)), (2, (2, 2)), (127, (-128, 127))]
        {
            let rescale = Rescale { output_zero: zero, clamp, output: DType::I8 };
            for either in Either::both(rescale, requantise, 600) {
                let ends = [clamp.0, clamp.1].map(|end| 2 * i64::from(end - zero));
                for acc in ends.into_iter().flat_map(|end| end - 3..=end + 3) {
                    check(&either, requantise, acc, &[-1, 0, 1]);
                }
            }
        }
    }
}

/// Checks the right cell of an accumulator, and its neighbours and the ends with every claim.
fn check(either: &Either, requantise: Requantise, acc: i64, multiples: &[i128]) {
    let rescale = *either.rescale();
    let right = right(&rescale, requantise, acc);
    assert!(either.accepts_honestly(acc, right), "{acc} is {right}, {requantise:?}, {rescale:?}");
    let (low, high) = (i64::from(rescale.clamp.0), i64::from(rescale.clamp.1));
    let mut cells = vec![right - 2, right - 1, right + 1, right + 2, low, high];
    cells.retain(|&cell| cell != right && (low..=high).contains(&cell));
    cells.sort_unstable();
    cells.dedup();
    for cell in cells {
        for sigma in [-1, 0, 1] {
            for down in [0, 1] {
                for &k in multiples {
                    let honest = either.claim(requantise, acc, cell, [sigma, down, k]);
                    let half = honest.half + element(honest.parity) * F::TWO.inverse();
                    for claim in [honest, Claim { parity: 0, half, ..honest }] {
                        let accepted = either.accepts(acc, cell, &claim);
                        assert!(
                            !accepted,
                            "{acc} is {right}, not {cell}: {requantise:?}, {rescale:?}, {claim:?}"
                        );
                    }
                }
            }
        }
    }
}

/// Factors with which halves are met or nearly met, and some with which they are not, over the whole range of parameters.
fn parameters() -> impl Strategy<Value = (Rescale, Requantise, i64)> {
    let rest = || {
        let dtype = prop_oneof![Just(DType::I8), Just(DType::U8)];
        let cell = || prop_oneof![Just(0i32), Just(255), 0..=255];
        let bound = prop_oneof![Just((1i64 << 31) - 1), 1i64..1 << 31, 1i64..1000];
        (dtype, [cell(), cell(), cell()], bound)
    };
    let rescale = |dtype: DType, [zero, a, b]: [i32; 3]| {
        let clamp = (a.min(b) + dtype.min(), a.max(b) + dtype.min());
        Rescale { output_zero: zero + dtype.min(), clamp, output: dtype }
    };
    let odd = prop_oneof![Just(1u32), Just(3), 0u32..500].prop_map(|odd| odd | 1);
    let rounding = prop_oneof![Just(Rounding::HalfEven), Just(Rounding::HalfOdd)];
    let exact = (odd, 0u32..31, 1u32..14, rounding, rest()).prop_map(
        move |(odd, twos, below, rounding, (dtype, cells, bound))| {
            let twos = twos.min(odd.leading_zeros() - 1);
            let shift = (twos + below).min(62) as u8;
            (rescale(dtype, cells), Requantise::new(odd << twos, shift).rounded(rounding), bound)
        },
    );
    // One over an even number, exactly or with an error that counts or does not.
    let shift = prop_oneof![Just(13u8), Just(31), 13u8..20, 13u8..=31].prop_map(|half| 2 * half);
    let error = prop_oneof![Just(0i64), -1i64..2, -5000i64..5000, -(1i64 << 24)..1 << 24];
    let rounding = prop_oneof![Just(Rounding::NearHalfEven), Just(Rounding::NearHalfOdd)];
    let near = (shift, 1i64..500, error, rounding, rest()).prop_map(
        move |(shift, divisor, error, rounding, (dtype, cells, bound))| {
            let multiplier = ((1i64 << shift) / (2 * divisor) + error).clamp(1, (1 << 31) - 1);
            (rescale(dtype, cells), Requantise::new(multiplier as u32, shift).rounded(rounding), bound)
        },
    );
    prop_oneof![exact, near]
}

/// Accumulators at halves and beside them, around the ends of the clamp and anywhere.
fn accumulators(rescale: &Rescale, requantise: Requantise, bound: i64, random: u64) -> Vec<i64> {
    let r = &mut Random::new(random);
    let Requantise { multiplier, shift, rounding } = requantise;
    let step = 1i64 << (u32::from(shift) - 1).saturating_sub(multiplier.trailing_zeros());
    let near = |acc: i64| {
        if rounding.near_bits() == 0 {
            // Odd multiples of `step` are at a half.
            return (acc.div_euclid(2 * step) * 2 + 1) * step;
        }
        let quotient = (i128::from(acc) * i128::from(multiplier)) >> shift;
        let half = ((2 * quotient + 1) << (shift - 1)) as f64 / f64::from(multiplier);
        half.round() as i64
    };
    let mut accs = vec![near(0), near(-1), near(r.range(-bound, bound)), r.range(-bound, bound)];
    for end in [rescale.clamp.0, rescale.clamp.1] {
        let acc =
            (i128::from(end - rescale.output_zero) << requantise.shift) / i128::from(requantise.multiplier);
        let acc = acc.clamp((-bound).into(), bound.into()) as i64;
        accs.extend([near(acc - 1), near(acc + 1), near(acc) + 1]);
    }
    accs.retain(|acc| (-bound..=bound).contains(acc));
    accs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Native and circuit agree for random parameters: the right cell passes, no neighbour does.
    #[test]
    fn the_circuits_round_as_programs_do((rescale, requantise, bound) in parameters(), random: u64) {
        let plan = Either::Plan(One::of(&rescale, requantise, bound).into(), rescale);
        for acc in accumulators(&rescale, requantise, bound, random) {
            let native = requantise.apply(acc as i32) + i64::from(rescale.output_zero);
            let native = native.clamp(rescale.clamp.0.into(), rescale.clamp.1.into());
            prop_assert_eq!(native, right(&rescale, requantise, acc));
            check(&plan, requantise, acc, &[0]);
        }
        // The gate where it is wide enough.
        let bound = bound.min(1 << 16);
        let widest = if requantise.rounding.near_bits() == 0 { 30 } else { 40 };
        if requantise.shift <= widest && i64::from(requantise.multiplier) * bound < 1 << 46 {
            let circuits = Circuits::new(rescale, vec![(requantise, bound)], 1);
            let gate = Either::Gate(circuits.into(), rescale);
            for acc in accumulators(&rescale, requantise, bound, random) {
                check(&gate, requantise, acc, &[0]);
            }
        }
    }
}

proptest! {
    /// No excess, remainder and t in their ranges satisfy the equation for a wrong cell, not even modulo p, whatever the width.
    #[test]
    fn no_multiple_of_the_order_fits((rescale, requantise, bound) in parameters(), random: u64) {
        let plan = RequantisePlan::new(&rescale, requantise, bound);
        let Scaled { multiplier, shift, bias, near_bits } = plan.scaled();
        let turn = i128::from(rescale.turn(requantise.rounding).unwrap());
        for acc in accumulators(&rescale, requantise, bound, random) {
            let right = right(&rescale, requantise, acc);
            let [low, high] = [rescale.clamp.0, rescale.clamp.1].map(i64::from);
            for cell in low..=high {
                let quotient = i128::from(cell) - i128::from(rescale.output_zero);
                let byte = i128::from(cell) - i128::from(rescale.output.min());
                let mut sigmas = vec![0];
                sigmas.extend((cell == high).then_some(1));
                sigmas.extend((cell == low).then_some(-1));
                let mut fits = false;
                for (sigma, down, k) in sigmas.into_iter().flat_map(|s| {
                    (0..=1).flat_map(move |down| (-3..=3).map(move |k: i128| (s, down, k)))
                }) {
                    let sum = i128::from(acc) * multiplier + bias + k * i128::from(F::ORDER);
                    let excess = if sigma == 0 { 0 } else { sigma * ((sum >> shift) - quotient - down) - 1 };
                    let moved = if sigma == 0 { 0 } else { sigma * (excess + 1) };
                    let all = quotient + moved + down;
                    let remainder = sum - (all << shift);
                    let top = remainder >> near_bits;
                    let goes = down == 0 || top == 0;
                    let is_even = sigma != 0 || top != 0 || (byte + turn) % 2 == 0;
                    fits |= goes && is_even && plan.in_range(all, excess, remainder);
                }
                prop_assert_eq!(fits, cell == right, "acc {}, cell {}, right is {}", acc, cell, right);
            }
        }
    }
}

/// What counts as near a half would be scaled with a shift, so that columns of different shifts share no gate: with one shift for both,
/// the first column's lower 26 bits would have to be left out.
#[test]
fn near_halves_of_two_shifts() {
    let rescale = Rescale { output_zero: 0, clamp: (-3, 5), output: DType::I8 };
    let edge = (1 << 29) + (1 << 23) - 1;
    let near = |multiplier, shift| Requantise::new(multiplier, shift).rounded(Rounding::NearHalfEven);
    let [first, second] = [near(edge, 30), near((1 << 30) + 1, 32)];
    let kinds = vec![(first, 600), (second, 600)];
    let circuits = Circuits::new(rescale, kinds, 1);
    let byte = |cell: i64| element((cell + 128).into());
    for acc in [[1, 1], [1, 2], [-3, 2], [3, 6], [5, -2]] {
        let cells = [first, second].into_iter().zip(acc).map(|(r, acc)| right(&rescale, r, acc));
        let cells: Vec<i64> = cells.collect();
        let bytes: Vec<F> = cells.iter().copied().map(byte).collect();
        assert!(circuits.accepts(&acc, &bytes, &[]), "{acc:?} are {cells:?}");
        for column in 0..2 {
            for wrong in [-1, 1] {
                let mut bytes = bytes.clone();
                bytes[column] += element(wrong);
                assert!(!circuits.accepts(&acc, &bytes, &[]), "{acc:?} are {cells:?}, {wrong} in {column}");
            }
        }
    }
}
