use janction_accel_cpu::{Lanes, pack};
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::block::Inputs;
use super::terms::Sums;
use crate::plonk::{
    FIXED_LOOKUP_SELECTORS, LookupChallenges, LookupSelector, LookupShape, chunks, entry_wires, lookup_wires,
    table_evaluation,
};
use crate::{D, F};

/// The constraints of the lookup arguments.
pub(super) struct Lookups<'a> {
    shape: LookupShape,
    challenges: &'a [LookupChallenges],
    /// For every challenge, what RE must be at each table's end.
    table_ends: Vec<Vec<F>>,
}

impl<'a> Lookups<'a> {
    pub(super) fn new(
        common: &CommonCircuitData<F, D>,
        shape: LookupShape,
        challenges: &'a [LookupChallenges],
    ) -> Self {
        let tables = 0..common.luts.len();
        let ends = |&c: &_| tables.clone().map(|table| table_evaluation(common, shape, table, c)).collect();
        Self { shape, challenges, table_ends: challenges.iter().map(ends).collect() }
    }

    /// Constraints of all challenges.
    pub(super) fn terms(&self) -> usize {
        self.table_ends.iter().map(|ends| self.terms_of(ends)).sum()
    }

    fn terms_of(&self, ends: &[F]) -> usize {
        FIXED_LOOKUP_SELECTORS + ends.len() + 2 * self.shape.parts
    }

    /// Adds the constraints.
    #[inline(always)]
    pub(super) fn add<L: Lanes>(
        &self,
        common: &CommonCircuitData<F, D>,
        inputs: &Inputs,
        sums: &mut Sums<'_, L>,
    ) {
        for (c, (&challenges, ends)) in self.challenges.iter().zip(&self.table_ends).enumerate() {
            let point = Point {
                selectors: pack(&inputs.constants[common.selectors_info.num_selectors() * inputs.points..]),
                wires: pack(&inputs.wires),
                columns: pack(&inputs.products[first_column(common, c) * inputs.points..]),
                next: pack(&inputs.next_products[first_column(common, c) * inputs.points..]),
                vectors: sums.vectors(),
                a: L::splat(challenges.a.0),
                b: L::splat(challenges.b.0),
                alpha: L::splat(challenges.alpha.0),
                delta: L::splat(challenges.delta.0),
            };
            for v in 0..sums.vectors() {
                self.add_ends(&point, v, ends, sums);
                self.add_steps(&point, v, FIXED_LOOKUP_SELECTORS + ends.len(), sums);
            }
            sums.skip(self.terms_of(ends));
        }
    }

    /// Where the sums start and end, and how RE moves on.
    #[inline(always)]
    fn add_ends<L: Lanes>(&self, point: &Point<'_, L>, v: usize, ends: &[F], sums: &mut Sums<'_, L>) {
        let (re, start) = (point.column(0, v), point.selector(LookupSelector::Start as usize, v));
        let end = point.selector(LookupSelector::End as usize, v);
        sums.add(0, v, end.mul(point.column(self.shape.parts, v)));
        sums.add(1, v, start.mul(point.column(1, v)));
        sums.add(2, v, start.mul(re));
        for (table, end) in ends.iter().enumerate() {
            let selector = point.selector(FIXED_LOOKUP_SELECTORS + table, v);
            sums.add(3 + table, v, selector.mul(re.sub(L::splat(end.0))));
        }
        let mut step = point.next(0, v);
        for i in 0..self.shape.entries {
            let [input, output, _] = entry_wires(i);
            let entry = point.wire(output, v).mul_add(point.b, point.wire(input, v));
            step = step.mul_add(point.delta, entry);
        }
        let selector = point.selector(LookupSelector::TableRow as usize, v);
        sums.add(3 + ends.len(), v, selector.mul(re.sub(step)));
    }

    /// How every part of SLDC follows from the one before: (here - before) = Σ m / pole, times the poles.
    #[inline(always)]
    fn add_steps<L: Lanes>(&self, point: &Point<'_, L>, v: usize, first: usize, sums: &mut Sums<'_, L>) {
        let LookupShape { parts, entries, entries_a_part, lookups, lookups_a_part } = self.shape;
        let table_row = point.selector(LookupSelector::TableRow as usize, v);
        let lookup_row = point.selector(LookupSelector::LookupRow as usize, v);
        let mut before = point.next(parts, v);
        let ranges = chunks(entries, entries_a_part, parts).zip(chunks(lookups, lookups_a_part, parts));
        for (part, (entries, lookups)) in ranges.enumerate() {
            let here = point.column(1 + part, v);
            let step = here.sub(before);
            let (mut poles, mut sum) = (L::splat(1), L::splat(0));
            for i in entries {
                let [input, output, multiplicity] = entry_wires(i);
                let pole = point.pole(input, output, v);
                sum = sum.mul_add(pole, poles.mul(point.wire(multiplicity, v)));
                poles = poles.mul(pole);
            }
            sums.add(first + 2 * part, v, table_row.mul(poles.mul(step).sub(sum)));
            let (mut poles, mut sum) = (L::splat(1), L::splat(0));
            for i in lookups {
                let [input, output] = lookup_wires(i);
                let pole = point.pole(input, output, v);
                sum = sum.mul_add(pole, poles);
                poles = poles.mul(pole);
            }
            sums.add(first + 2 * part + 1, v, lookup_row.mul(poles.mul_add(step, sum)));
            before = here;
        }
    }
}

fn first_column(common: &CommonCircuitData<F, D>, challenge: usize) -> usize {
    common.lookup_range().start + challenge * common.num_lookup_polys
}

/// What one argument reads.
struct Point<'a, L> {
    selectors: &'a [L],
    wires: &'a [L],
    columns: &'a [L],
    next: &'a [L],
    vectors: usize,
    a: L,
    b: L,
    alpha: L,
    delta: L,
}

impl<L: Lanes> Point<'_, L> {
    #[inline(always)]
    fn selector(&self, i: usize, v: usize) -> L {
        self.selectors[i * self.vectors + v]
    }

    #[inline(always)]
    fn wire(&self, j: usize, v: usize) -> L {
        self.wires[j * self.vectors + v]
    }

    /// RE (0) or a part of SLDC (from 1 on).
    #[inline(always)]
    fn column(&self, j: usize, v: usize) -> L {
        self.columns[j * self.vectors + v]
    }

    /// The same at the next row.
    #[inline(always)]
    fn next(&self, j: usize, v: usize) -> L {
        self.next[j * self.vectors + v]
    }

    /// α less the pair of two wires, joined by `a`.
    #[inline(always)]
    fn pole(&self, input: usize, output: usize, v: usize) -> L {
        self.alpha.sub(self.wire(output, v).mul_add(self.a, self.wire(input, v)))
    }
}
