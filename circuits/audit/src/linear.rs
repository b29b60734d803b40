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
//! quotient nor rounding) so that one S serves all columns of a gate. `RequantiseGate`'s equation
//! `u M + K = (sigma e + cell) S + rem` says
//!
//! ```text
//! acc M + S / 2 = (Y + sigma e - output_zero) S + rem        0 <= rem < S        0 <= e < 4^exc_digits        Y = cell + smallest
//! ```
//!
//! modulo p, and as integers: the sides differ by at most `bound M + S / 2 + (4^exc_digits + 512) S < 2^63`, so not by a
//! multiple of p but zero. Then Y is the clamped quotient, as `requantise.rs` argues. Columns whose parameters are too wide
//! for that take `requantise.rs` itself.

use janction_gadgets::{Builder, F};
use janction_program::Requantise;
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
pub(crate) struct Accumulator {
    /// Number of the output's cell.
    pub output: usize,
    /// The accumulator when all of the group's cells are zero bytes.
    pub base: i64,
    /// Most that it can be in absolute value.
    pub bound: i64,
    /// Multiplier and shift.
    pub requantise: Requantise,
    /// A weight for each cell of the group.
    pub weights: Vec<i64>,
}

/// Accumulators of the same cells.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Numbers of the operand's cells.
    pub cells: Vec<usize>,
    /// What is made of them.
    pub accumulators: Vec<Accumulator>,
}

/// An operation of which the accumulators are linear in the operand's cells.
pub(crate) trait Linear {
    /// Number of groups.
    fn groups(&self) -> usize;
    /// A group. Every output cell is in exactly one.
    fn group(&self, index: usize) -> Group;
}

/// Accumulators that go through one gate.
#[derive(Clone, Debug)]
struct Class {
    gate: RequantiseGate,
    dot: DotGate,
    /// Multiplier, shift and bound of its accumulators.
    kinds: Vec<(Requantise, i64)>,
}

/// How the accumulators of an operation are checked.
#[derive(Clone, Debug)]
pub(crate) struct LinearPlan {
    rescale: Rescale,
    classes: Vec<Class>,
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
    fn gate(rescale: &Rescale, kinds: &[(Requantise, i64)], columns: usize) -> Option<RequantiseGate> {
        let excess = |&(requantise, bound): &(Requantise, i64)| rescale.excess(requantise, bound);
        let rem_digits = kinds.iter().map(|(r, _)| usize::from(r.shift).div_ceil(2)).max()?;
        let exc_digits = kinds.iter().map(|kind| digits(excess(kind))).max()?;
        // u = acc + U / 2 is in 0..U if bound < U / 2.
        let acc_digits = kinds.iter().map(|(_, bound)| digits(2 * bound.unsigned_abs() + 1)).max()?;
        let acc_digits = if columns == 1 { 0 } else { acc_digits };
        let (low, high) = rescale.narrow();
        let gate = RequantiseGate { columns, acc_digits, rem_digits, exc_digits, low, high };
        let fits = |&(Requantise { multiplier, shift }, bound): &(Requantise, i64)| {
            let power = 2 * rem_digits as u32;
            let scaled = i128::from(multiplier) << (power - u32::from(shift));
            let excess = (1i128 << (2 * exc_digits)) + 512;
            let reach = i128::from(bound) * scaled + (1i128 << (power - 1)) + (excess << power);
            reach < 1i128 << REACH_BITS && scaled < 1i128 << REACH_BITS
        };
        let shared = 2 * (acc_digits * columns) as u32 <= FORM_BITS;
        (shared && 2 * exc_digits <= 32 && gate.forms() > 0 && kinds.iter().all(fits)).then_some(gate)
    }

    /// The cheapest gate for `kinds` in groups of `terms` cells and `members` accumulators.
    fn new(rescale: &Rescale, kinds: &[(Requantise, i64)], terms: usize, members: usize) -> Option<Self> {
        let dot = DotGate::for_terms(terms);
        // Rows for a group, in parts of a row that both gates divide finely enough.
        const ROW: usize = 1_000_000;
        let rows = |gate: &RequantiseGate| {
            members.div_ceil(gate.columns)
                * (ROW / gate.forms() + ROW / dot.sums() * terms.div_ceil(dot.terms()))
        };
        let gates = (1..=MAX_COLUMNS.min(members)).filter_map(|columns| Self::gate(rescale, kinds, columns));
        let gate = gates.min_by_key(rows)?;
        Some(Self { gate, dot, kinds: kinds.to_vec() })
    }
}

impl LinearPlan {
    /// The plan of `operation`, whose accumulators become cells by `rescale`.
    pub fn new(operation: &impl Linear, rescale: Rescale) -> Self {
        let mut kinds: Vec<(Requantise, i64)> = Vec::new();
        let (mut terms, mut members) = (1, 1);
        for index in 0..operation.groups() {
            let group = operation.group(index);
            terms = terms.max(group.cells.len());
            members = members.max(group.accumulators.len());
            kinds.extend(group.accumulators.iter().map(|acc| (acc.requantise, acc.bound)));
            kinds.sort_unstable_by_key(|(r, bound)| (std::cmp::Reverse(r.shift), r.multiplier, *bound));
            kinds.dedup();
        }
        // The largest shift first: with it go all that can be scaled to it.
        let mut classes = Vec::new();
        let mut left: Vec<_> =
            kinds.into_iter().filter(|kind| Class::gate(&rescale, &[*kind], 1).is_some()).collect();
        while !left.is_empty() {
            let mut class = Vec::new();
            let mut rest = Vec::new();
            for kind in left {
                class.push(kind);
                if Class::gate(&rescale, &class, 1).is_none() {
                    rest.extend(class.pop());
                }
            }
            classes.extend(Class::new(&rescale, &class, terms, members));
            left = rest;
        }
        Self { rescale, classes, dot: DotGate::for_terms(terms) }
    }

    /// The plan with so many columns to a form.
    ///
    /// # Panics
    /// When there is no gate for that.
    #[cfg(test)]
    pub fn of_columns(operation: &impl Linear, rescale: Rescale, columns: usize) -> Self {
        let mut plan = Self::new(operation, rescale);
        for class in &mut plan.classes {
            class.gate = Class::gate(&rescale, &class.kinds, columns).expect("that many columns fit");
        }
        plan
    }

    /// Enforces that `output` (bytes) is what the operation makes of `cells` (bytes).
    pub fn build(
        &self,
        operation: &impl Linear,
        builder: &mut Builder,
        layout: &mut Layout,
        cells: &[Target],
        output: &[Target],
    ) -> LinearTargets {
        let mut targets = LinearTargets::default();
        for index in 0..operation.groups() {
            let Group { cells: numbers, accumulators } = operation.group(index);
            let operands: Vec<Target> = numbers.iter().map(|&k| cells[k]).collect();
            let mut left: Vec<&Accumulator> = accumulators.iter().collect();
            for class in &self.classes {
                let is_member = |acc: &&Accumulator| class.kinds.contains(&(acc.requantise, acc.bound));
                let (members, others): (Vec<_>, Vec<_>) = left.into_iter().partition(is_member);
                left = others;
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

    /// The form of `members`, with the constants that make cells of it.
    fn form(
        &self,
        builder: &mut Builder,
        layout: &mut Layout,
        class: &Class,
        operands: &[Target],
        members: &[&Accumulator],
        output: &[Target],
    ) -> Form {
        let gate = class.gate;
        let radix = F::from_canonical_u64(1 << (2 * gate.acc_digits));
        let shared = gate.columns > 1;
        let half = if shared { 1i64 << (2 * gate.acc_digits - 1) } else { 0 };
        let combine = |value: &dyn Fn(&Accumulator) -> i64| -> F {
            members.iter().rev().fold(F::ZERO, |sum, acc| sum * radix + element(value(acc).into()))
        };
        let terms: Vec<(Target, F)> =
            operands.iter().enumerate().map(|(k, &cell)| (cell, combine(&|acc| acc.weights[k]))).collect();
        let form = layout.dot(builder, class.dot, &terms);
        let offset = if shared { combine(&|acc| acc.base + half) } else { F::ZERO };
        let power = 2 * gate.rem_digits as u32;
        let column = |acc: &&Accumulator| {
            let Requantise { multiplier, shift } = acc.requantise;
            let scaled = i128::from(multiplier) << (power - u32::from(shift));
            // u = acc + half, or acc - base.
            let start = if shared { -half } else { acc.base };
            let constant = (1i128 << (power - 1)) + i128::from(start) * scaled
                - (i128::from(self.rescale.offset()) << power);
            (element(scaled), element(constant), output[acc.output])
        };
        Form { form, offset, columns: members.iter().map(column).collect() }
    }

    /// An accumulator in no class.
    fn single(
        &self,
        builder: &mut Builder,
        layout: &mut Layout,
        operands: &[Target],
        acc: &Accumulator,
        output: &[Target],
    ) -> RequantiseTargets {
        let terms: Vec<(Target, F)> =
            operands.iter().zip(&acc.weights).map(|(&cell, &w)| (cell, element(w.into()))).collect();
        let form = layout.dot(builder, self.dot, &terms);
        let plan = RequantisePlan::new(&self.rescale, acc.requantise, acc.bound);
        // The plan takes u = acc + half.
        plan.build(builder, &mut layout.ranges, form, -acc.base, output[acc.output])
    }

    /// Sets what the accumulators in no class need, for these cells (bytes) and output (cells).
    pub fn assign(
        &self,
        operation: &impl Linear,
        inputs: &mut PartialWitness<F>,
        targets: &LinearTargets,
        cells: &[u8],
        output: &dyn Fn(usize) -> i32,
    ) -> anyhow::Result<()> {
        if targets.0.is_empty() {
            return Ok(());
        }
        let mut next = targets.0.iter();
        for index in 0..operation.groups() {
            let group = operation.group(index);
            for acc in &group.accumulators {
                if self.classes.iter().any(|class| class.kinds.contains(&(acc.requantise, acc.bound))) {
                    continue;
                }
                let terms = group.cells.iter().zip(&acc.weights);
                let value = acc.base + terms.map(|(&k, &w)| i64::from(cells[k]) * w).sum::<i64>();
                let plan = RequantisePlan::new(&self.rescale, acc.requantise, acc.bound);
                let targets = next.next().expect("one for each accumulator in no class");
                plan.assign(inputs, targets, value, output(acc.output))?;
            }
        }
        Ok(())
    }
}
