//! Row checks of operations whose accumulators are linear in committed cells, with constants of the program: products,
//! convolutions, averages, sums.
//!
//! With a_k the operand's cells as bytes (cell minus smallest value of the type), accumulator j of a group is
//! `acc_j = base_j + sum_k a_k w_kj`, an integer of at most `bound_j` in absolute value whatever the cells.
//!
//! **A form for each** (`columns` = 1): a dot product is an element that equals `acc_j - base_j` modulo p, and so is that
//! integer: nothing is left to check.
//!
//! **A shared form**: `sum_j U^j sum_k a_k w_kj`, U = 4^acc_digits with `bound_j < U / 2`, plus
//! `C = sum_j (base_j + U / 2) U^j`, is an integer below `U^columns < p` with digits `u_j = acc_j + U / 2` in base U. The
//! gate finds the digits, each below U: they are these and nothing else.
//!
//! **Requantisation.** M and S are the operation's multiplier and power of two, both times 2^d (which changes neither
//! quotient nor what lies at a half) so that one S serves all columns of a gate. `RequantiseGate`'s equation
//! `u M + K = (sigma e + cell) S + rem` says
//!
//! ```text
//! acc M + B = (Y + sigma e - output_zero) S + rem        0 <= rem < S        0 <= e < 4^exc_digits        Y = cell + smallest
//! ```
//!
//! (with B = S / 2, or 2^23 more where what is near a half counts as one, and then with sigma (e + 1) + t for sigma e, as wherever
//! halves do not go up) modulo p, and as integers: the sides differ by at most `bound M + B + (4^exc_digits + 514) S < 2^63`, so not
//! by a multiple of p but zero. Then Y is the clamped quotient, as `requantise.rs` argues. Columns whose parameters are too wide
//! for that take `requantise.rs` itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Debug;

use janction_gadgets::{Builder, F};
use janction_program::{ConstantId, Requantise, Rounding};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use crate::gate::dot::DotGate;
use crate::gate::requantise::RequantiseGate;
use crate::layout::{Form, Layout};
use crate::requantise::{RequantisePlan, RequantiseTargets, Rescale, element};

/// Bits of a form: below the order of the field.
const FORM_BITS: u32 = 62;
/// The sides of the requantisation's equation differ by less than 2^[`REACH_BITS`].
const REACH_BITS: u32 = 63;
/// Most columns that may share a form.
const MAX_COLUMNS: usize = 8;

/// One accumulator and what becomes of it.
#[derive(Clone, Debug)]
pub(crate) struct Accumulator<'a> {
    /// Number of the output's cell.
    pub output: usize,
    /// The accumulator when all of the group's cells are zero bytes.
    pub base: i64,
    /// Most that it can be in absolute value.
    pub bound: i64,
    /// Multiplier and shift.
    pub requantise: Requantise,
    /// A weight for each cell of the group.
    pub weights: Cow<'a, [i64]>,
}

/// A constant of the program by which all groups are multiplied.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    pub constant: ConstantId,
    /// What a byte of zero counts for, for each column: smallest value of the type minus zero point.
    pub smallest: Vec<i64>,
}

/// Accumulators of the same cells.
#[derive(Clone, Debug)]
pub(crate) struct Group<'a> {
    /// Numbers of the operand's cells.
    pub cells: Vec<usize>,
    /// Where there are [`Weights`]: the row of them that each cell is multiplied with.
    pub rows: Vec<usize>,
    /// What is made of them.
    pub accumulators: Vec<Accumulator<'a>>,
}

/// How large an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Groups of a row.
    pub groups: usize,
    /// Most cells of a group.
    pub terms: usize,
    /// Accumulators of a group.
    pub members: usize,
}

/// An operation of which the accumulators are linear in the operand's cells.
pub(crate) trait Linear: Debug + Send + Sync {
    /// How large it is, without a look at any group.
    fn extent(&self) -> Extent;
    /// Multiplier, shift and bound of all accumulators, some perhaps more than once.
    fn kinds(&self) -> Vec<Kind>;
    /// A group. Every output cell is in exactly one.
    fn group(&self, index: usize) -> Group<'_>;
    /// The weights, if accumulator j of every group is multiplied with column j of one constant.
    fn weights(&self) -> Option<&Weights> {
        None
    }
}

impl Group<'_> {
    /// The accumulators for these cells of the operand, as bytes.
    pub fn accumulate(&self, cells: &[u8]) -> Vec<i64> {
        let sum = |acc: &Accumulator| {
            let terms = self.cells.iter().zip(&*acc.weights);
            acc.base + terms.map(|(&k, &w)| i64::from(cells[k]) * w).sum::<i64>()
        };
        self.accumulators.iter().map(sum).collect()
    }
}

/// Multiplier, shift and bound of an accumulator.
pub(crate) type Kind = (Requantise, i64);

/// Gates for accumulators of some kinds.
#[derive(Clone, Copy, Debug)]
struct Class {
    gate: RequantiseGate,
    dot: DotGate,
}

/// All of some kinds that a gate for them depends on.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    shift: u32,
    excess: u64,
    bound: u64,
    /// Where halves go.
    rounding: Rounding,
    /// Largest multiplier, and product of bound and multiplier, both over 2^shift and times 2^62.
    multiplier: u128,
    product: u128,
}

impl Reach {
    /// With one kind more, of the same rounding.
    fn and(self, rescale: &Rescale, (requantise, bound): Kind) -> Self {
        let Requantise { multiplier, shift, rounding } = requantise;
        // At most 2^31 and 2^62 before they are moved by at most 61 bits.
        let multiplier = u128::from(multiplier) << (62 - shift);
        Self {
            rounding,
            shift: self.shift.max(shift.into()),
            excess: self.excess.max(rescale.excess(requantise, bound)),
            bound: self.bound.max(bound.unsigned_abs()),
            multiplier: self.multiplier.max(multiplier),
            product: self.product.max(multiplier * u128::from(bound.unsigned_abs())),
        }
    }
}

/// How the accumulators of an operation are checked.
#[derive(Clone, Debug)]
pub(crate) struct LinearPlan {
    rescale: Rescale,
    classes: Vec<Class>,
    /// The class of each kind that is in one.
    kinds: HashMap<Kind, usize>,
    /// The gate of dot products of accumulators that are in no class.
    dot: DotGate,
}

/// The witness of the accumulators that are in no class: all others find theirs themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinearTargets(Vec<RequantiseTargets>);

/// Base-4 digits of numbers up to `value`.
const fn digits(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()).div_ceil(2) as usize
}

impl Class {
    /// The gate for accumulators of these kinds, `columns` to a form, if there is one.
    fn gate(rescale: &Rescale, reach: &Reach, columns: usize) -> Option<RequantiseGate> {
        let rem_digits = (reach.shift as usize).div_ceil(2);
        let exc_digits = digits(reach.excess);
        // u = acc + U / 2 is in 0..U if bound < U / 2.
        let acc_digits = if columns == 1 { 0 } else { digits(2 * reach.bound + 1) };
        let (low, high) = rescale.narrow();
        let halves = rescale.turn(reach.rounding);
        let near = usize::from(reach.rounding.near_bits()) / 2;
        let gate = RequantiseGate { columns, acc_digits, rem_digits, exc_digits, low, high, halves, near };
        // S = 2^power; multipliers scaled to it, exactly: no shift is larger.
        let power = 2 * rem_digits as u32;
        let [multiplier, product] = [reach.multiplier, reach.product].map(|x| x >> (62 - power));
        let fits = || {
            let excess = (1u128 << (2 * exc_digits)) + RequantisePlan::margin(halves).unsigned_abs();
            let bias = reach.rounding.bias(power as u8).unsigned_abs();
            let sides = product + u128::from(bias) + (excess << power);
            sides < 1u128 << REACH_BITS && multiplier < 1u128 << REACH_BITS
        };
        let shared = 2 * (acc_digits * columns) as u32 <= FORM_BITS;
        (shared && 2 * exc_digits <= 32 && gate.forms() > 0 && fits()).then_some(gate)
    }

    /// The cheapest gate for these kinds in groups of `terms` cells and `members` accumulators.
    fn new(rescale: &Rescale, reach: &Reach, terms: usize, members: usize) -> Option<Self> {
        let dot = DotGate::for_terms(terms);
        let rows = |gate: &RequantiseGate| parts(*gate, dot, terms, members);
        let gates = (1..=MAX_COLUMNS.min(members)).filter_map(|columns| Self::gate(rescale, reach, columns));
        let gate = gates.min_by_key(rows)?;
        Some(Self { gate, dot })
    }

    fn parts(&self, terms: usize, members: usize) -> usize {
        parts(self.gate, self.dot, terms, members)
    }
}

/// Parts of a row in which costs are counted.
const ROW: usize = 1_000_000;

/// What a group of `terms` cells and `members` accumulators costs.
fn parts(gate: RequantiseGate, dot: DotGate, terms: usize, members: usize) -> usize {
    members.div_ceil(gate.columns) * (ROW / gate.forms() + ROW / dot.sums() * terms.div_ceil(dot.terms()))
}

impl LinearPlan {
    /// The plan of `operation`, whose accumulators become cells by `rescale`.
    pub fn new(operation: &dyn Linear, rescale: Rescale) -> Self {
        Self::with(operation, rescale, Class::new)
    }

    /// The plan where the accumulators are there already: no form is shared.
    pub fn of_accumulators(operation: &dyn Linear, rescale: Rescale) -> Self {
        Self::with(operation, rescale, |rescale, reach, terms, _| Class::new(rescale, reach, terms, 1))
    }

    fn with(
        operation: &dyn Linear,
        rescale: Rescale,
        class_of: impl Fn(&Rescale, &Reach, usize, usize) -> Option<Class>,
    ) -> Self {
        let Extent { terms, members, .. } = operation.extent();
        let mut kinds = operation.kinds();
        kinds.sort_unstable_by_key(|(r, bound)| {
            (r.rounding, std::cmp::Reverse(r.shift), r.multiplier, *bound)
        });
        kinds.dedup();
        // The largest shift first: with it go all of its rounding that can be scaled to it. Scaled is also what counts as near a
        // half, so that then no others do.
        let alone = |kind: &Kind| Class::gate(&rescale, &Reach::default().and(&rescale, *kind), 1).is_some();
        let mut left: Vec<Kind> = kinds.into_iter().filter(alone).collect();
        let (mut classes, mut members_of) = (Vec::new(), HashMap::new());
        while !left.is_empty() {
            let Requantise { rounding, shift, .. } = left[0].0;
            let mut reach = Reach::default();
            let mut rest = Vec::new();
            for kind in left {
                let more = reach.and(&rescale, kind);
                let goes_along =
                    kind.0.rounding == rounding && (rounding.near_bits() == 0 || kind.0.shift == shift);
                if goes_along && Class::gate(&rescale, &more, 1).is_some() {
                    reach = more;
                    members_of.insert(kind, classes.len());
                } else {
                    rest.push(kind);
                }
            }
            // There is one: that of one column.
            classes.extend(class_of(&rescale, &reach, terms, members));
            left = rest;
        }
        Self { rescale, classes, kinds: members_of, dot: DotGate::for_terms(terms) }
    }

    /// The plan with so many columns to a form.
    ///
    /// # Panics
    /// When there is no gate for that.
    #[cfg(test)]
    pub fn of_columns(operation: &dyn Linear, rescale: Rescale, columns: usize) -> Self {
        let mut plan = Self::new(operation, rescale);
        for (index, class) in plan.classes.iter_mut().enumerate() {
            let kinds = plan.kinds.iter().filter(|&(_, class)| *class == index);
            let reach = kinds.fold(Reach::default(), |reach, (kind, _)| reach.and(&rescale, *kind));
            class.gate = Class::gate(&rescale, &reach, columns).expect("that many columns fit");
        }
        plan
    }

    /// Rows of circuit that the check takes, about: dot products and requantisation.
    pub fn rows(&self, operation: &dyn Linear) -> usize {
        let Extent { groups, terms, members } = operation.extent();
        // Most accumulators are of one class.
        let parts = match self.classes.first() {
            Some(class) => class.parts(terms, members),
            None => members * 2 * ROW,
        };
        groups.saturating_mul(parts) / ROW
    }

    /// Rows of circuit that requantisation alone takes, about.
    pub fn rows_of_accumulators(&self, operation: &dyn Linear) -> usize {
        let Extent { groups, members, .. } = operation.extent();
        let cells = groups * members;
        self.classes.first().map_or(2 * cells, |class| cells / class.gate.forms())
    }

    /// Enforces that `output` (bytes) is what the operation makes of `cells` (bytes).
    pub fn build(
        &self,
        operation: &dyn Linear,
        builder: &mut Builder,
        layout: &mut Layout,
        cells: &[Target],
        output: &[Target],
    ) -> LinearTargets {
        let mut targets = LinearTargets::default();
        for index in 0..operation.extent().groups {
            let Group { cells: numbers, accumulators, .. } = operation.group(index);
            let operands: Vec<Target> = numbers.iter().map(|&k| cells[k]).collect();
            let mut members: Vec<Vec<&Accumulator<'_>>> = vec![Vec::new(); self.classes.len()];
            let mut left = Vec::new();
            for acc in &accumulators {
                match self.class_of(acc) {
                    Some(class) => members[class].push(acc),
                    None => left.push(acc),
                }
            }
            for (class, members) in self.classes.iter().zip(&members) {
                for members in members.chunks(class.gate.columns) {
                    let form = self.form(builder, layout, class, &operands, members, output);
                    layout.requantise(builder, class.gate, self.rescale.ends(), form);
                }
            }
            for acc in left {
                targets.0.push(self.single(builder, layout, &operands, acc, output));
            }
        }
        targets
    }

    /// Enforces that `output` (bytes) is what becomes of `accumulators`, in the order of the groups. The plan is one
    /// [`Self::of_accumulators`].
    pub fn build_of_accumulators(
        &self,
        operation: &dyn Linear,
        builder: &mut Builder,
        layout: &mut Layout,
        accumulators: &[Target],
        output: &[Target],
    ) -> LinearTargets {
        let mut targets = LinearTargets::default();
        let mut next = accumulators.iter();
        for index in 0..operation.extent().groups {
            for acc in operation.group(index).accumulators {
                let form = *next.next().expect("an accumulator for each cell");
                match self.class_of(&acc).map(|class| self.classes[class]) {
                    Some(class) => {
                        let column = self.column(class.gate, 0, &acc, output);
                        let form = Form { form, offset: F::ZERO, columns: vec![column] };
                        layout.requantise(builder, class.gate, self.rescale.ends(), form);
                    }
                    None => {
                        let plan = RequantisePlan::new(&self.rescale, acc.requantise, acc.bound);
                        targets.0.push(plan.build(builder, &mut layout.ranges, form, 0, output[acc.output]));
                    }
                }
            }
        }
        targets
    }

    fn class_of(&self, acc: &Accumulator<'_>) -> Option<usize> {
        self.kinds.get(&(acc.requantise, acc.bound)).copied()
    }

    /// M and K of an accumulator whose form is `acc - start`, and its cell.
    fn column(
        &self,
        gate: RequantiseGate,
        start: i64,
        acc: &Accumulator<'_>,
        output: &[Target],
    ) -> (F, F, Target) {
        let Requantise { multiplier, shift, rounding } = acc.requantise;
        let power = 2 * gate.rem_digits as u32;
        let scaled = i128::from(multiplier) << (power - u32::from(shift));
        let constant = i128::from(rounding.bias(power as u8)) + i128::from(start) * scaled
            - (i128::from(self.rescale.offset()) << power);
        (element(scaled), element(constant), output[acc.output])
    }

    /// The form of `members`, with the constants that make cells of it.
    fn form(
        &self,
        builder: &mut Builder,
        layout: &mut Layout,
        class: &Class,
        operands: &[Target],
        members: &[&Accumulator<'_>],
        output: &[Target],
    ) -> Form {
        let gate = class.gate;
        let radix = F::from_canonical_u64(1 << (2 * gate.acc_digits));
        let shared = gate.columns > 1;
        let half = if shared { 1i64 << (2 * gate.acc_digits - 1) } else { 0 };
        let combine = |value: &dyn Fn(&Accumulator<'_>) -> i64| -> F {
            members.iter().rev().fold(F::ZERO, |sum, acc| sum * radix + element(value(acc).into()))
        };
        let terms: Vec<(Target, F)> =
            operands.iter().enumerate().map(|(k, &cell)| (cell, combine(&|acc| acc.weights[k]))).collect();
        let form = layout.dot(builder, class.dot, &terms);
        let offset = if shared { combine(&|acc| acc.base + half) } else { F::ZERO };
        // u = acc + half, or acc - base.
        let column =
            |acc: &&Accumulator<'_>| self.column(gate, if shared { -half } else { acc.base }, acc, output);
        Form { form, offset, columns: members.iter().map(column).collect() }
    }

    /// An accumulator in no class.
    fn single(
        &self,
        builder: &mut Builder,
        layout: &mut Layout,
        operands: &[Target],
        acc: &Accumulator<'_>,
        output: &[Target],
    ) -> RequantiseTargets {
        let terms: Vec<(Target, F)> =
            operands.iter().zip(&*acc.weights).map(|(&cell, &w)| (cell, element(w.into()))).collect();
        let form = layout.dot(builder, self.dot, &terms);
        let plan = RequantisePlan::new(&self.rescale, acc.requantise, acc.bound);
        // The plan takes u = acc + half.
        plan.build(builder, &mut layout.ranges, form, -acc.base, output[acc.output])
    }

    /// Sets what the accumulators in no class need, for these cells (bytes) and output (cells).
    pub fn assign(
        &self,
        operation: &dyn Linear,
        inputs: &mut PartialWitness<F>,
        targets: &LinearTargets,
        cells: &[u8],
        output: &dyn Fn(usize) -> i32,
    ) -> anyhow::Result<()> {
        if targets.0.is_empty() {
            return Ok(());
        }
        let mut next = targets.0.iter();
        for index in 0..operation.extent().groups {
            let group = operation.group(index);
            for (acc, value) in group.accumulators.iter().zip(group.accumulate(cells)) {
                if self.class_of(acc).is_some() {
                    continue;
                }
                let plan = RequantisePlan::new(&self.rescale, acc.requantise, acc.bound);
                let targets = next.next().expect("one for each accumulator in no class");
                plan.assign(inputs, targets, value, output(acc.output))?;
            }
        }
        Ok(())
    }
}
