//! The gate that turns dot products into output cells: digits of a shared product, requantisation, clamp.

use janction_gadgets::{Builder, D, F};
use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::{Field, Field64, PrimeField64};
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
use plonky2::util::serialization::{Buffer, IoError, IoResult, Read, Write};

use crate::gate::CONSTANTS;

/// Wires of a row, and those of them that are routed.
const WIRES: usize = 135;
const ROUTED: usize = 80;
/// Base-4 digits of a cell's distance from an end of the clamp.
const BYTE: usize = 4;

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
/// Degree 4. Forms and cells are routed; sigma and the digits are not.
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
}

/// The kinds of a column's wires that are not routed, in order.
#[derive(Clone, Copy)]
enum Part {
    Acc,
    Rem,
    Exc,
    Low,
    High,
}

impl RequantiseGate {
    /// Wires of a form.
    const fn width(self) -> usize {
        1 + self.columns * (1 + self.private())
    }

    /// Wires of a column that are not routed.
    const fn private(self) -> usize {
        self.start(Part::High) + self.digits(Part::High)
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
                let [digits, rem, exc, above, below] =
                    [Part::Acc, Part::Rem, Part::Exc, Part::Low, Part::High].map(&mut value);
                let acc = if self.columns == 1 { own } else { digits };
                sum = sum * scalar(1 << (2 * self.acc_digits)) + acc;
                let cell = wire(self.cell(form, column));
                let sigma = wire(self.sigma(form, column));
                let m = self.multiplier(form, column);
                let left = acc * constant(m) + constant(m + 1);
                constraint(left - (sigma * exc + cell) * scalar(1 << (2 * self.rem_digits)) - rem);
                let square = sigma * sigma;
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
    fn id(&self) -> String {
        format!("{self:?}")
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        for number in [self.columns, self.acc_digits, self.rem_digits, self.exc_digits] {
            dst.write_usize(number)?;
        }
        dst.write_bool(self.low)?;
        dst.write_bool(self.high)
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let mut number = || src.read_usize();
        let (columns, acc_digits, rem_digits, exc_digits) = (number()?, number()?, number()?, number()?);
        let (low, high) = (src.read_bool()?, src.read_bool()?);
        if [columns, acc_digits, rem_digits, exc_digits].into_iter().any(|number| number > WIRES) {
            return Err(IoError);
        }
        let gate = Self { columns, acc_digits, rem_digits, exc_digits, low, high };
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
                let exc = value(builder, Part::Exc);
                let above = value(builder, Part::Low);
                let below = value(builder, Part::High);
                let acc = if self.columns == 1 { own } else { digits };
                sum = builder.arithmetic_extension(scalar(1 << (2 * self.acc_digits)), F::ONE, sum, one, acc);
                let cell = wire(self.cell(form, column));
                let sigma = wire(self.sigma(form, column));
                let m = self.multiplier(form, column);
                let (multiplier, constant) = (vars.local_constants[m], vars.local_constants[m + 1]);
                let left = builder.mul_add_extension(acc, multiplier, constant);
                let unclamped = builder.mul_add_extension(sigma, exc, cell);
                let power = scalar(1 << (2 * self.rem_digits));
                let right = builder.arithmetic_extension(power, F::ONE, unclamped, one, rem);
                constraints.push(builder.sub_extension(left, right));
                let square = builder.mul_extension(sigma, sigma);
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
        4
    }

    fn num_constraints(&self) -> usize {
        // A digit each, and three for each column, besides those of the clamp's ends.
        let column = self.private() - 1 + 3 + usize::from(self.low) + usize::from(self.high);
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

/// Fills sigma and the digits of one form of a [`RequantiseGate`], from the form and the cells.
///
/// A column whose multiplier is zero is not in use; its cell is the clamp's lower end.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequantiseGenerator {
    row: usize,
    gate: RequantiseGate,
    form: usize,
    /// low, high, C, then M and K of each column.
    constants: Vec<F>,
}

impl RequantiseGenerator {
    fn wire(&self, column: usize) -> Target {
        Target::wire(self.row, column)
    }

    fn used(&self, column: usize) -> bool {
        self.constants[3 + 2 * column] != F::ZERO
    }

    fn set_digits(
        &self,
        out_buffer: &mut GeneratedValues<F>,
        column: usize,
        part: Part,
        value: u64,
    ) -> anyhow::Result<()> {
        (0..self.gate.digits(part)).try_for_each(|i| {
            let wire = self.wire(self.gate.digit(self.form, column, part, i));
            out_buffer.set_target(wire, F::from_canonical_u64((value >> (2 * i)) & 3))
        })
    }
}

/// An element as an integer between -p/2 and p/2.
fn signed(x: F) -> i64 {
    let x = x.to_canonical_u64();
    if x > F::ORDER / 2 { -((F::ORDER - x) as i64) } else { x as i64 }
}

impl SimpleGenerator<F, D> for RequantiseGenerator {
    fn id(&self) -> String {
        "RequantiseGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let used = (0..self.gate.columns).filter(|&column| self.used(column));
        let mut all: Vec<Target> = used.map(|column| self.wire(self.gate.cell(self.form, column))).collect();
        if !all.is_empty() {
            all.push(self.wire(self.gate.form(self.form)));
        }
        all
    }

    /// What is too large for its digits loses its upper ones here, and a constraint fails.
    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let gate = self.gate;
        let form = if self.dependencies().is_empty() {
            F::ZERO
        } else {
            witness.get_target(self.wire(gate.form(self.form)))
        };
        let [low, high, offset] = [0, 1, 2].map(|i| self.constants[i]);
        let digits = (form + offset).to_canonical_u64();
        let power = 1i64 << (2 * gate.rem_digits);
        for column in 0..gate.columns {
            let acc_bits = 2 * gate.acc_digits;
            let shifted = digits.checked_shr((acc_bits * column) as u32).unwrap_or(0);
            let acc =
                if gate.columns == 1 { form.to_canonical_u64() } else { shifted & ((1 << acc_bits) - 1) };
            let cell_wire = self.wire(gate.cell(self.form, column));
            let cell = if self.used(column) {
                witness.get_target(cell_wire)
            } else {
                out_buffer.set_target(cell_wire, low)?;
                low
            };
            let [m, k] = [3, 4].map(|i| self.constants[i + 2 * column]);
            let sum = signed(F::from_noncanonical_u64(acc) * m + k);
            let excess = sum.div_euclid(power).wrapping_sub(signed(cell));
            let sigma = if excess < 0 { F::NEG_ONE } else { F::from_bool(excess > 0) };
            out_buffer.set_target(self.wire(gate.sigma(self.form, column)), sigma)?;
            self.set_digits(out_buffer, column, Part::Acc, acc)?;
            self.set_digits(out_buffer, column, Part::Rem, sum.rem_euclid(power) as u64)?;
            self.set_digits(out_buffer, column, Part::Exc, excess.unsigned_abs())?;
            self.set_digits(out_buffer, column, Part::Low, (cell - low).to_canonical_u64())?;
            self.set_digits(out_buffer, column, Part::High, (high - cell).to_canonical_u64())?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        self.gate.serialize(dst, common_data)?;
        dst.write_usize(self.form)?;
        dst.write_field_vec(&self.constants)
    }

    fn deserialize(src: &mut Buffer, common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let row = src.read_usize()?;
        let gate = RequantiseGate::deserialize(src, common_data)?;
        let form = src.read_usize()?;
        let constants = src.read_field_vec(3 + 2 * gate.columns)?;
        Ok(Self { row, gate, form, constants })
    }
}

#[cfg(test)]
impl RequantiseGate {
    /// Wires and values with which a prover claims sigma, excess and remainder for a cell's column, digits as they come: the
    /// last ones hold whatever is left, so that the sums are right if the field allows it.
    pub fn claim(
        self,
        row: usize,
        [form, column]: [usize; 2],
        sigma: F,
        [excess, remainder]: [i128; 2],
    ) -> Vec<(Target, F)> {
        let wire = |column| Target::wire(row, column);
        let mut all = vec![(wire(self.sigma(form, column)), sigma)];
        for (part, value) in [(Part::Exc, excess), (Part::Rem, remainder)] {
            let digits = self.digits(part);
            for i in 0..digits {
                let digit = if i + 1 == digits { value >> (2 * i) } else { (value >> (2 * i)) & 3 };
                all.push((wire(self.digit(form, column, part, i)), crate::requantise::element(digit)));
            }
        }
        all
    }

    /// The digits of a column's accumulator.
    pub fn accumulator(self, row: usize, [form, column]: [usize; 2]) -> Vec<Target> {
        (0..self.acc_digits).map(|i| Target::wire(row, self.digit(form, column, Part::Acc, i))).collect()
    }

    /// The digits of a cell's distances from the clamp's ends.
    pub fn distances(self, row: usize, [form, column]: [usize; 2]) -> Vec<Target> {
        let parts = [Part::Low, Part::High].into_iter();
        parts
            .flat_map(|part| (0..self.digits(part)).map(move |i| self.digit(form, column, part, i)))
            .map(|column| Target::wire(row, column))
            .collect()
    }
}
