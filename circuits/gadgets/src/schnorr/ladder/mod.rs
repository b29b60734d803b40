//! The gate of the joint double-and-add ladder: two steps in base 4 a row.
//!
//! A ladder computes s G + e Q in 80 steps, from the most significant digit:
//!
//! ```text
//! A <- 4 A + d Q + (e_0 G/2 + e_1 G + e_2 2^159 G + e_3 2^160 G)
//! ```
//!
//! d in {-1, 0, 1, 2} is a digit of e; the signs e_i in {-1, 1} stand for two bits of the low and two of the high half
//! of s. All points are affine (x, u): complete addition needs no intermediate values, because the coordinates of the
//! sum times its denominators are the numerators.

use janction_protocol::crypto::GFp5;
use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::gate::Gate;
use plonky2::gates::packed_util::PackedEvaluableBase;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::{
    EvaluationTargets, EvaluationVars, EvaluationVarsBaseBatch, EvaluationVarsBasePacked,
};
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::affine::{self, get_point, point_at, set_point};
use super::algebra::{Affine, Algebra, InCircuit, Native, Quintic, Summand, add, double};
use crate::{Builder, D, F};

mod table;

use table::{EVEN, ODD, TABLE};

/// Steps of a ladder: digits of e in base 4, padded, and pairs of bits of each half of s.
pub(super) const STEPS: usize = 80;

/// Steps a row.
pub(super) const STEPS_PER_ROW: usize = 2;

/// Signs of a step.
pub(super) const WINDOW: usize = 4;

/// Running sums: of the digits of e, of the low and of the high half of s.
pub(super) const SUMS: usize = 3;

/// Digits of e and bits of s of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digits {
    /// The digit of e plus one: 0, 1, 2 or 3.
    pub(super) e: u64,
    /// Two bits of the low half of s, then two of the high half, least significant first.
    pub(super) s: u64,
}

/// Two steps of the ladder.
///
/// Wires: the point before, Q and 2 Q, the point after (10 each); three running sums before and after; per step three
/// bits that choose d (d = -1, 1, 2; none for 0) and four bits of s; the points after each doubling and addition.
/// 130 wires (46 routed), 99 constraints, degree 6.
#[derive(Clone, Copy, Debug, Default)]
pub struct LadderGate;

const DIGIT_WIRES: usize = 3;
const POINT_WIRES: usize = 10;
const POINTS_PER_STEP: usize = 4;

impl LadderGate {
    pub(super) const BEFORE: usize = 0;
    pub(super) const Q: usize = 10;
    pub(super) const DOUBLED_Q: usize = 20;
    pub(super) const AFTER: usize = 30;
    pub(super) const SUMS_BEFORE: usize = 40;
    pub(super) const SUMS_AFTER: usize = Self::SUMS_BEFORE + SUMS;
    const BITS: usize = Self::SUMS_AFTER + SUMS;
    const BITS_PER_STEP: usize = DIGIT_WIRES + WINDOW;
    const POINTS: usize = Self::BITS + STEPS_PER_ROW * Self::BITS_PER_STEP;
    const WIRES: usize = Self::POINTS + (STEPS_PER_ROW * POINTS_PER_STEP - 1) * POINT_WIRES;

    /// Column of bit `i` of the choice of d in `step`: d = -1, 1, 2.
    pub(super) const fn digit(step: usize, i: usize) -> usize {
        Self::BITS + step * Self::BITS_PER_STEP + i
    }

    /// Column of bit `i` of s in `step`.
    pub(super) const fn bit(step: usize, i: usize) -> usize {
        Self::digit(step, DIGIT_WIRES + i)
    }

    /// First column of the point after operation `i` (twice doubled, Q added, constant added) of `step`.
    pub(super) const fn point(step: usize, i: usize) -> usize {
        let index = step * POINTS_PER_STEP + i;
        if index == STEPS_PER_ROW * POINTS_PER_STEP - 1 {
            Self::AFTER
        } else {
            Self::POINTS + index * POINT_WIRES
        }
    }

    fn evaluate<G: Algebra>(g: &mut G, wire: impl Fn(usize) -> G::E, mut constraint: impl FnMut(G::E)) {
        let quintic = |start: usize| -> Quintic<G::E> { std::array::from_fn(|i| wire(start + i)) };
        let point = |start: usize| Affine { x: quintic(start), u: quintic(start + 5) };
        let q = point(Self::Q);
        let q = Summand { v: g.mul5(&q.x, &q.u), x: q.x, u: q.u };
        let q2 = point(Self::DOUBLED_Q);
        let q2 = Summand { v: g.mul5(&q2.x, &q2.u), x: q2.x, u: q2.u };

        let mut sums: [G::E; SUMS] = std::array::from_fn(|i| wire(Self::SUMS_BEFORE + i));
        let mut acc = point(Self::BEFORE);
        for step in 0..STEPS_PER_ROW {
            let digit: [G::E; DIGIT_WIRES] = std::array::from_fn(|i| wire(Self::digit(step, i)));
            let bits: [G::E; WINDOW] = std::array::from_fn(|i| wire(Self::bit(step, i)));
            let pair = g.add(digit[0], digit[1]);
            let any = g.add(pair, digit[2]);
            for b in digit.into_iter().chain([any]).chain(bits) {
                let square = g.mul(1, b, b);
                constraint(g.sub(square, b));
            }
            // sum <- 4 sum + (1 + d) for e, 4 sum + the two bits for each half of s.
            let one = g.constant(F::ONE);
            let d = g.sub(one, digit[0]);
            let d = g.add(d, digit[1]);
            let d = g.scale_add(2, digit[2], d);
            let low = g.scale_add(2, bits[1], bits[0]);
            let high = g.scale_add(2, bits[3], bits[2]);
            for (sum, new) in sums.iter_mut().zip([d, low, high]) {
                *sum = g.scale_add(4, *sum, new);
            }

            for i in 0..2 {
                let doubled = point(Self::point(step, i));
                double(g, &acc, &doubled, &mut constraint);
                acc = doubled;
            }
            let sum = point(Self::point(step, 2));
            let summand = multiple_of_q(g, &digit, &q, &q2);
            add(g, &acc, &summand, &sum, &mut constraint);
            let next = point(Self::point(step, 3));
            let summand = constant_point(g, &bits);
            add(g, &sum, &summand, &next, &mut constraint);
            acc = next;
        }
        for (i, sum) in sums.into_iter().enumerate() {
            constraint(g.sub(sum, wire(Self::SUMS_AFTER + i)));
        }
    }
}

/// d Q for the digit chosen by `bits` (-1, 1, 2, or 0 for none); degree 2, v degree 3.
fn multiple_of_q<G: Algebra>(
    g: &mut G,
    [minus, plus, two]: &[G::E; DIGIT_WIRES],
    q: &Summand<G::E>,
    q2: &Summand<G::E>,
) -> Summand<G::E> {
    let either = g.add(*minus, *plus);
    let signed = g.sub(*plus, *minus);
    let mut choose = |k: G::E, a: &Quintic<G::E>, b: &Quintic<G::E>| {
        std::array::from_fn(|i| {
            let first = g.mul(1, k, a[i]);
            g.mul_add(1, *two, b[i], first)
        })
    };
    Summand { x: choose(either, &q.x, &q2.x), u: choose(signed, &q.u, &q2.u), v: choose(signed, &q.v, &q2.v) }
}

/// The constant point chosen by the signs 2 bit - 1: x of degree 4, u and v of degree 3.
fn constant_point<G: Algebra>(g: &mut G, bits: &[G::E; WINDOW]) -> Summand<G::E> {
    let one = g.constant(F::ONE);
    let signs = bits.map(|b| {
        let twice = g.scale(2, b);
        g.sub(twice, one)
    });
    // Products of signs by mask; each is a smaller product times one sign.
    let mut products = [one; 1 << WINDOW];
    for mask in 1..1usize << WINDOW {
        let (rest, top) = (mask & (mask - 1), mask.trailing_zeros() as usize);
        products[mask] = if rest == 0 { signs[top] } else { g.mul(1, products[rest], signs[top]) };
    }
    let even = EVEN.map(|mask| products[mask]);
    let odd = ODD.map(|mask| products[mask]);
    let table = &*TABLE;
    Summand {
        x: std::array::from_fn(|k| g.combine(&even, &table.x[k])),
        u: std::array::from_fn(|k| g.combine(&odd, &table.u[k])),
        v: std::array::from_fn(|k| g.combine(&odd, &table.v[k])),
    }
}

/// The point from which every ladder starts.
pub(super) fn start() -> (GFp5, GFp5) {
    TABLE.start
}

impl Gate<F, D> for LadderGate {
    fn id(&self) -> String {
        "EcGFp5LadderGate".to_string()
    }

    fn serialize(&self, _dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self)
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<F, D>) -> Vec<<F as Extendable<D>>::Extension> {
        let mut constraints = Vec::with_capacity(Gate::<F, D>::num_constraints(self));
        Self::evaluate(&mut Native::new(), |i| vars.local_wires[i], |c| constraints.push(c));
        constraints
    }

    fn eval_unfiltered_base_batch(&self, vars_base: EvaluationVarsBaseBatch<F>) -> Vec<F> {
        self.eval_unfiltered_base_batch_packed(vars_base)
    }

    fn eval_unfiltered_circuit(
        &self,
        builder: &mut Builder,
        vars: EvaluationTargets<D>,
    ) -> Vec<ExtensionTarget<D>> {
        let mut constraints = Vec::with_capacity(Gate::<F, D>::num_constraints(self));
        Self::evaluate(&mut InCircuit(builder), |i| vars.local_wires[i], |c| constraints.push(c));
        constraints
    }

    fn generators(&self, row: usize, _local_constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        vec![WitnessGeneratorRef::new(LadderGenerator { row }.adapter())]
    }

    fn num_wires(&self) -> usize {
        Self::WIRES
    }

    fn num_constants(&self) -> usize {
        0
    }

    fn degree(&self) -> usize {
        6
    }

    fn num_constraints(&self) -> usize {
        STEPS_PER_ROW * (DIGIT_WIRES + 1 + WINDOW + POINTS_PER_STEP * POINT_WIRES) + SUMS
    }
}

impl PackedEvaluableBase<F, D> for LadderGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars_base: EvaluationVarsBasePacked<P>,
        mut yield_constr: StridedConstraintConsumer<P>,
    ) {
        Self::evaluate(&mut Native::new(), |i| vars_base.local_wires[i], |c| yield_constr.one(c));
    }
}

/// Fills a [`LadderGate`] from the point and sums before, Q, 2 Q and the digits.
#[derive(Clone, Copy, Debug, Default)]
pub struct LadderGenerator {
    row: usize,
}

impl LadderGenerator {
    fn wire(&self, column: usize) -> Target {
        Target::wire(self.row, column)
    }
}

impl SimpleGenerator<F, D> for LadderGenerator {
    fn id(&self) -> String {
        "EcGFp5LadderGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let points = LadderGate::BEFORE..LadderGate::AFTER;
        let sums = LadderGate::SUMS_BEFORE..LadderGate::SUMS_AFTER;
        points.chain(sums).chain(LadderGate::BITS..LadderGate::POINTS).map(|c| self.wire(c)).collect()
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let at = |column: usize| get_point(witness, &point_at(self.row, column));
        let value = |column: usize| witness.get_target(self.wire(column));
        let (q, q2) = (at(LadderGate::Q), at(LadderGate::DOUBLED_Q));
        let mut sums: [F; SUMS] = std::array::from_fn(|i| value(LadderGate::SUMS_BEFORE + i));
        let mut acc = at(LadderGate::BEFORE);
        for step in 0..STEPS_PER_ROW {
            let digit = [0, 1, 2].map(|i| value(LadderGate::digit(step, i)));
            let bits: [F; WINDOW] = std::array::from_fn(|i| value(LadderGate::bit(step, i)));
            let four = F::from_canonical_u64(4);
            let new = [
                F::ONE - digit[0] + digit[1] + digit[2].double(),
                bits[0] + bits[1].double(),
                bits[2] + bits[3].double(),
            ];
            for (sum, new) in sums.iter_mut().zip(new) {
                *sum = *sum * four + new;
            }
            let index = (0..WINDOW).filter(|&i| bits[i].is_one()).map(|i| 1 << i).sum::<usize>();
            let multiple = match digit.map(|d| d.is_one()) {
                [true, ..] => (q.0, -q.1),
                [_, true, _] => q,
                [.., true] => q2,
                _ => (GFp5::ZERO, GFp5::ZERO),
            };
            for (i, summand) in
                [None, None, Some(multiple), Some(TABLE.points[index])].into_iter().enumerate()
            {
                acc = affine::add(acc, summand.unwrap_or(acc));
                set_point(out_buffer, &point_at(self.row, LadderGate::point(step, i)), acc)?;
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            out_buffer.set_target(self.wire(LadderGate::SUMS_AFTER + i), sum)?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()? })
    }
}

/// The wires of `digits` in `row`, with their values.
pub(super) fn digit_wires(row: usize, step: usize, digits: Digits) -> impl Iterator<Item = (Target, F)> {
    // -1, 1, 2 for e + 1 = 0, 2, 3.
    let chosen = [0, 2, 3].map(|e| F::from_bool(digits.e == e));
    let bits = (0..WINDOW)
        .map(move |i| (Target::wire(row, LadderGate::bit(step, i)), F::from_bool((digits.s >> i) & 1 == 1)));
    chosen
        .into_iter()
        .enumerate()
        .map(move |(i, v)| (Target::wire(row, LadderGate::digit(step, i)), v))
        .chain(bits)
}

#[cfg(test)]
mod tests;
