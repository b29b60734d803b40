//! The gate that turns dot products into output cells: digits of a shared product, requantisation, clamp.

#[cfg(test)]
mod forgery;
mod generator;

pub(crate) use generator::RequantiseGenerator;

use janction_gadgets::{Builder, D, F};
use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::gate::Gate;
use plonky2::gates::packed_util::PackedEvaluableBase;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{SimpleGenerator, WitnessGeneratorRef};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::{
    EvaluationTargets, EvaluationVars, EvaluationVarsBaseBatch, EvaluationVarsBasePacked,
};
use plonky2::util::serialization::{Buffer, IoError, IoResult, Read, Write};

use crate::gate::CONSTANTS;

/// Wires of a row, and those of them that are routed.
const WIRES: usize = 135;
const ROUTED: usize = 80;
/// Base-4 digits of a cell's distance from an end of the clamp, and of half a cell.
const BYTE: usize = 4;
/// Wires of a column that are there for halves, besides digits.
const HALVES: usize = 3;

/// Requantises `columns` accumulators of each of a row's forms.
///
/// With d the base-4 digits of a column, U = 4^acc_digits, S = 4^rem_digits, and the row's constants C (one a form), M, K
/// (one a column), low, high (one a row):
///
/// ```text
/// d (d - 1)(d - 2)(d - 3) = 0                                       for every digit
/// form + C = sum_j u_j U^j        u_j = its acc_digits digits       (columns > 1; else u_0 = form, and no digits)
/// u_j M_j + K_j = (sigma e + cell) S + rem                          e, rem: their digits
/// sigma^3 = sigma      sigma^2 (2 cell - low - high) = sigma (high - low)
/// cell - low = four digits (if `low`)        high - cell = four digits (if `high`)
/// ```
///
/// If halves do not go up (`halves`), the second line is
///
/// ```text
/// u_j M_j + K_j = (sigma (e + 1) + cell + t) S + rem                t (t - 1) = 0      t top = 0
/// cell + turn = 2 h + p        h: four digits                       p (p - 1) = 0      p (1 - sigma^2)(1 - top inv) = 0
/// ```
///
/// with top the digits of rem but for the lowest `near`.
///
/// Degree 4, with `halves` 5. Forms and cells are routed; sigma, t, p, inv and the digits are not. Why this leaves one cell
/// for each accumulator: `requantise.rs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequantiseGate {
    /// Accumulators that share a form.
    pub columns: usize,
    /// Base-4 digits of an accumulator; none when it has a form of its own.
    pub acc_digits: usize,
    /// Base-4 digits of a remainder: half the shift.
    pub rem_digits: usize,
    /// Base-4 digits of an excess over the clamp.
    pub exc_digits: usize,
    /// Whether a cell is checked to be no less than the clamp's lower end.
    pub low: bool,
    /// Whether a cell is checked to be no more than the clamp's upper end.
    pub high: bool,
    /// Unless halves go up: turn, 0 or 1. `cell + turn` is even if the cell's quotient is one that halves go to.
    pub halves: Option<u8>,
    /// Lowest digits of a remainder that do not count when it is asked for a half: none unless what is near a half counts as one.
    pub near: usize,
}

/// The kinds of a column's wires that are not routed, in order.
#[derive(Clone, Copy)]
enum Part {
    Acc,
    Rem,
    Exc,
    Low,
    High,
    Half,
}

/// The wires of a column that are there for halves, in order.
#[derive(Clone, Copy)]
enum Halves {
    /// t
    Down,
    /// p
    Parity,
    /// inv
    Inverse,
}

impl RequantiseGate {
    /// Wires of a form.
    const fn width(self) -> usize {
        1 + self.columns * (1 + self.private())
    }

    /// Wires of a column that are not routed.
    const fn private(self) -> usize {
        self.start(Part::Half) + self.digits(Part::Half) + if self.halves.is_some() { HALVES } else { 0 }
    }

    /// Where the digits of a part begin, behind sigma.
    const fn start(self, part: Part) -> usize {
        let acc = self.acc_digits;
        let rem = self.rem_digits;
        match part {
            Part::Acc => 1,
            Part::Rem => 1 + acc,
            Part::Exc => 1 + acc + rem,
            Part::Low => 1 + acc + rem + self.exc_digits,
            Part::High => 1 + acc + rem + self.exc_digits + self.digits(Part::Low),
            Part::Half => self.start(Part::High) + self.digits(Part::High),
        }
    }

    const fn digits(self, part: Part) -> usize {
        match part {
            Part::Acc => self.acc_digits,
            Part::Rem => self.rem_digits,
            Part::Exc => self.exc_digits,
            Part::Low => {
                if self.low {
                    BYTE
                } else {
                    0
                }
            }
            Part::High => {
                if self.high {
                    BYTE
                } else {
                    0
                }
            }
            Part::Half => {
                if self.halves.is_some() {
                    BYTE
                } else {
                    0
                }
            }
        }
    }

    /// Forms of a row; none if not even one fits, or a part has more than 31 digits.
    pub fn forms(self) -> usize {
        let parts = [self.acc_digits * self.columns, self.rem_digits, self.exc_digits];
        if self.columns == 0 || parts.into_iter().any(|digits| digits > 31) {
            return 0;
        }
        let constants = (CONSTANTS - 2) / (1 + 2 * self.columns);
        (WIRES / self.width()).min(ROUTED / (1 + self.columns)).min(constants)
    }

    /// Column of form `form`.
    pub const fn form(self, form: usize) -> usize {
        form * (1 + self.columns)
    }

    /// Column of the cell of column `column` of form `form`.
    pub const fn cell(self, form: usize, column: usize) -> usize {
        self.form(form) + 1 + column
    }

    /// Column of sigma.
    pub fn sigma(self, form: usize, column: usize) -> usize {
        self.forms() * (1 + self.columns) + (form * self.columns + column) * self.private()
    }

    fn digit(self, form: usize, column: usize, part: Part, i: usize) -> usize {
        self.sigma(form, column) + self.start(part) + i
    }

    /// Column of one of the wires that are there for halves.
    fn halves(self, form: usize, column: usize, wire: Halves) -> usize {
        self.digit(form, column, Part::Half, BYTE) + wire as usize
    }

    /// Number of the constant C of a form.
    pub const fn offset(self, form: usize) -> usize {
        2 + form * (1 + 2 * self.columns)
    }

    /// Number of the constant M of a column; K follows.
    pub const fn multiplier(self, form: usize, column: usize) -> usize {
        self.offset(form) + 1 + 2 * column
    }

    /// Numbers of the constants low and high.
    pub const CLAMP: [usize; 2] = [0, 1];

    fn evaluate<P: PackedField>(
        self,
        wire: impl Fn(usize) -> P,
        constant: impl Fn(usize) -> P,
        mut constraint: impl FnMut(P),
    ) where
        P::Scalar: Field,
    {
        let scalar = |x: u64| P::Scalar::from_canonical_u64(x);
        let [low, high] = Self::CLAMP.map(&constant);
        for form in 0..self.forms() {
            let own = wire(self.form(form));
            let mut sum = P::ZEROS;
            for column in (0..self.columns).rev() {
                let mut value = |part: Part| {
                    (0..self.digits(part)).rev().fold(P::ZEROS, |value, i| {
                        let d = wire(self.digit(form, column, part, i));
                        // d (d - 3) * (d (d - 3) + 2) = d (d - 1)(d - 2)(d - 3)
                        let e = d * (d - scalar(3));
                        constraint(e * (e + scalar(2)));
                        value * scalar(4) + d
                    })
                };
                let [digits, rem, exc, above, below, half] =
                    [Part::Acc, Part::Rem, Part::Exc, Part::Low, Part::High, Part::Half].map(&mut value);
                let acc = if self.columns == 1 { own } else { digits };
                let top = match self.near {
                    0 => rem,
                    near => (near..self.rem_digits).rev().fold(P::ZEROS, |top, i| {
                        top * scalar(4) + wire(self.digit(form, column, Part::Rem, i))
                    }),
                };
                sum = sum * scalar(1 << (2 * self.acc_digits)) + acc;
                let cell = wire(self.cell(form, column));
                let sigma = wire(self.sigma(form, column));
                let m = self.multiplier(form, column);
                let left = acc * constant(m) + constant(m + 1);
                let square = sigma * sigma;
                let unclamped = match self.halves {
                    None => sigma * exc + cell,
                    Some(turn) => {
                        let [down, parity, inverse] = [Halves::Down, Halves::Parity, Halves::Inverse]
                            .map(|kind| wire(self.halves(form, column, kind)));
                        constraint(down * (down - P::ONES));
                        constraint(down * top);
                        constraint(parity * (parity - P::ONES));
                        constraint(cell + scalar(turn.into()) - half * scalar(2) - parity);
                        constraint(parity * (P::ONES - square) * (P::ONES - top * inverse));
                        sigma * (exc + P::ONES) + cell + down
                    }
                };
                constraint(left - unclamped * scalar(1 << (2 * self.rem_digits)) - rem);
                constraint(square * sigma - sigma);
                constraint(square * (cell + cell - low - high) - sigma * (high - low));
                if self.low {
                    constraint(cell - low - above);
                }
                if self.high {
                    constraint(high - cell - below);
                }
            }
            if self.columns > 1 {
                constraint(own + constant(self.offset(form)) - sum);
            }
        }
    }
}

impl Gate<F, D> for RequantiseGate {
    /// Gates stand in a circuit in the order of their names, so that of a gate without halves stays what it was before there
    /// were any: it decides keys.
    fn id(&self) -> String {
        let Self { columns, acc_digits, rem_digits, exc_digits, low, high, halves, near } = self;
        let halves = halves.map_or_else(String::new, |turn| format!(", halves: {turn}"));
        let near = if *near == 0 { String::new() } else { format!(", near: {near}") };
        format!(
            "RequantiseGate {{ columns: {columns}, acc_digits: {acc_digits}, rem_digits: {rem_digits}, exc_digits: \
             {exc_digits}, low: {low}, high: {high}{halves}{near} }}"
        )
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        for number in [self.columns, self.acc_digits, self.rem_digits, self.exc_digits] {
            dst.write_usize(number)?;
        }
        dst.write_bool(self.low)?;
        // One byte: `high`, above it two bits of 0 or turn and one, and above those `near`, below 32.
        dst.write_u8(
            u8::from(self.high) | self.halves.map_or(0, |turn| (turn + 1) << 1) | (self.near as u8) << 3,
        )
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let mut number = || src.read_usize();
        let (columns, acc_digits, rem_digits, exc_digits) = (number()?, number()?, number()?, number()?);
        let (low, flags) = (src.read_bool()?, src.read_u8()?);
        let is_large = [columns, acc_digits, rem_digits, exc_digits].into_iter().any(|number| number > WIRES);
        let (high, halves, near) = (flags & 1 == 1, (flags >> 1 & 3).checked_sub(1), usize::from(flags >> 3));
        let is_odd =
            halves.is_some_and(|turn| turn > 1) || (near > 0 && (halves.is_none() || near >= rem_digits));
        if is_large || is_odd {
            return Err(IoError);
        }
        let gate = Self { columns, acc_digits, rem_digits, exc_digits, low, high, halves, near };
        if gate.forms() == 0 { Err(IoError) } else { Ok(gate) }
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<F, D>) -> Vec<<F as Extendable<D>>::Extension> {
        let mut constraints = Vec::with_capacity(self.num_constraints());
        self.evaluate(|i| vars.local_wires[i], |i| vars.local_constants[i], |c| constraints.push(c));
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
        let mut constraints = Vec::with_capacity(self.num_constraints());
        let wire = |i: usize| vars.local_wires[i];
        let scalar = F::from_canonical_u64;
        let zero = builder.zero_extension();
        let one = builder.one_extension();
        let [low, high] = Self::CLAMP.map(|i| vars.local_constants[i]);
        let ends = builder.add_extension(low, high);
        let width = builder.sub_extension(high, low);
        for form in 0..self.forms() {
            let own = wire(self.form(form));
            let mut sum = zero;
            for column in (0..self.columns).rev() {
                let mut value = |builder: &mut Builder, part: Part| {
                    (0..self.digits(part)).rev().fold(zero, |value, i| {
                        let d = wire(self.digit(form, column, part, i));
                        let e = builder.arithmetic_extension(F::ONE, -scalar(3), d, d, d);
                        constraints.push(builder.arithmetic_extension(F::ONE, F::TWO, e, e, e));
                        builder.arithmetic_extension(scalar(4), F::ONE, value, one, d)
                    })
                };
                let digits = value(builder, Part::Acc);
                let rem = value(builder, Part::Rem);
                let top = match self.near {
                    0 => rem,
                    near => (near..self.rem_digits).rev().fold(zero, |top, i| {
                        let digit = wire(self.digit(form, column, Part::Rem, i));
                        builder.arithmetic_extension(scalar(4), F::ONE, top, one, digit)
                    }),
                };
                let exc = value(builder, Part::Exc);
                let above = value(builder, Part::Low);
                let below = value(builder, Part::High);
                let half = value(builder, Part::Half);
                let acc = if self.columns == 1 { own } else { digits };
                sum = builder.arithmetic_extension(scalar(1 << (2 * self.acc_digits)), F::ONE, sum, one, acc);
                let cell = wire(self.cell(form, column));
                let sigma = wire(self.sigma(form, column));
                let m = self.multiplier(form, column);
                let (multiplier, constant) = (vars.local_constants[m], vars.local_constants[m + 1]);
                let left = builder.mul_add_extension(acc, multiplier, constant);
                let square = builder.mul_extension(sigma, sigma);
                let mut unclamped = builder.mul_add_extension(sigma, exc, cell);
                if let Some(turn) = self.halves {
                    let [down, parity, inverse] = [Halves::Down, Halves::Parity, Halves::Inverse]
                        .map(|kind| wire(self.halves(form, column, kind)));
                    let bit =
                        |builder: &mut Builder, x| builder.arithmetic_extension(F::ONE, F::NEG_ONE, x, x, x);
                    constraints.push(bit(builder, down));
                    constraints.push(builder.mul_extension(down, top));
                    constraints.push(bit(builder, parity));
                    let turned = builder.add_const_extension(cell, scalar(turn.into()));
                    let whole = builder.arithmetic_extension(F::TWO, F::ONE, half, one, parity);
                    constraints.push(builder.sub_extension(turned, whole));
                    let is_inside = builder.sub_extension(one, square);
                    let is_half = builder.arithmetic_extension(F::NEG_ONE, F::ONE, top, inverse, one);
                    let is_wrong = builder.mul_extension(parity, is_inside);
                    constraints.push(builder.mul_extension(is_wrong, is_half));
                    let more = builder.add_extension(sigma, down);
                    unclamped = builder.add_extension(unclamped, more);
                }
                let power = scalar(1 << (2 * self.rem_digits));
                let right = builder.arithmetic_extension(power, F::ONE, unclamped, one, rem);
                constraints.push(builder.sub_extension(left, right));
                constraints.push(builder.arithmetic_extension(F::ONE, F::NEG_ONE, square, sigma, sigma));
                let distance = builder.arithmetic_extension(F::TWO, F::NEG_ONE, cell, one, ends);
                let side = builder.mul_extension(sigma, width);
                constraints.push(builder.arithmetic_extension(F::ONE, F::NEG_ONE, square, distance, side));
                if self.low {
                    let distance = builder.sub_extension(cell, low);
                    constraints.push(builder.sub_extension(distance, above));
                }
                if self.high {
                    let distance = builder.sub_extension(high, cell);
                    constraints.push(builder.sub_extension(distance, below));
                }
            }
            if self.columns > 1 {
                let form = builder.add_extension(own, vars.local_constants[self.offset(form)]);
                constraints.push(builder.sub_extension(form, sum));
            }
        }
        constraints
    }

    fn generators(&self, row: usize, local_constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        let generator = |form| {
            let first = self.offset(form);
            let last = first + 1 + 2 * self.columns;
            let constants = [&local_constants[..2], &local_constants[first..last]].concat();
            WitnessGeneratorRef::new(RequantiseGenerator { row, gate: *self, form, constants }.adapter())
        };
        (0..self.forms()).map(generator).collect()
    }

    fn num_wires(&self) -> usize {
        self.forms() * self.width()
    }

    fn num_constants(&self) -> usize {
        self.offset(self.forms())
    }

    fn degree(&self) -> usize {
        if self.halves.is_some() { 5 } else { 4 }
    }

    fn num_constraints(&self) -> usize {
        // A digit each, and three for each column, besides those of the clamp's ends and of halves.
        let digits = self.private() - 1 - if self.halves.is_some() { HALVES } else { 0 };
        let halves = if self.halves.is_some() { 5 } else { 0 };
        let column = digits + 3 + usize::from(self.low) + usize::from(self.high) + halves;
        self.forms() * (self.columns * column + usize::from(self.columns > 1))
    }
}

impl PackedEvaluableBase<F, D> for RequantiseGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars_base: EvaluationVarsBasePacked<P>,
        mut yield_constr: StridedConstraintConsumer<P>,
    ) {
        self.evaluate(
            |i| vars_base.local_wires[i],
            |i| vars_base.local_constants[i],
            |c| yield_constr.one(c),
        );
    }
}
