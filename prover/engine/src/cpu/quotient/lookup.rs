use plonky2::field::packed::PackedField;
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::block::Block;
use super::terms::Sums;
use crate::cpu::lookup::{
    LookupChallenges, LookupShape, chunks, entry_wires, lookup_wires, table_evaluation,
};
use crate::cpu::shape::{FIXED_LOOKUP_SELECTORS, LookupSelector};
use crate::{D, F};

/// The constraints of the lookup arguments.
pub(super) struct Lookups<'a> {
    shape: LookupShape,
    challenges: &'a [LookupChallenges],
    /// For every challenge, what RE must be at each table's end.
    table_ends: Vec<Vec<F>>,
}

/// One argument at one vector of points.
struct Point<'a, P> {
    wires: &'a [P],
    vector: usize,
    vectors: usize,
    challenges: LookupChallenges,
}

impl<P: PackedField<Scalar = F>> Point<'_, P> {
    fn wire(&self, j: usize) -> P {
        self.wires[j * self.vectors + self.vector]
    }

    /// α less the i-th entry of the table, in and out joined by `a`.
    fn entry_pole(&self, i: usize) -> P {
        let [input, output, _] = entry_wires(i);
        -(self.wire(input) + self.wire(output) * self.challenges.a) + self.challenges.alpha
    }

    /// α less the i-th pair looked up.
    fn lookup_pole(&self, i: usize) -> P {
        let [input, output] = lookup_wires(i);
        -(self.wire(input) + self.wire(output) * self.challenges.a) + self.challenges.alpha
    }
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
        self.table_ends.iter().map(|ends| FIXED_LOOKUP_SELECTORS + ends.len() + 2 * self.shape.parts).sum()
    }

    /// Adds the constraints.
    pub(super) fn add<P: PackedField<Scalar = F>>(
        &self,
        common: &CommonCircuitData<F, D>,
        block: &Block,
        sums: &mut Sums<'_, P>,
    ) {
        let vectors = sums.vectors();
        let (products, next) = (P::pack_slice(&block.products), P::pack_slice(&block.next_products));
        let constants = P::pack_slice(&block.constants);
        let first_selector = common.selectors_info.num_selectors();
        for (c, (&challenges, ends)) in self.challenges.iter().zip(&self.table_ends).enumerate() {
            let first = common.lookup_range().start + c * common.num_lookup_polys;
            let terms = FIXED_LOOKUP_SELECTORS + ends.len() + 2 * self.shape.parts;
            for vector in 0..vectors {
                let selector = |i: usize| constants[(first_selector + i) * vectors + vector];
                let column = |values: &[P], i: usize| values[(first + i) * vectors + vector];
                let point = Point { wires: P::pack_slice(&block.wires), vector, vectors, challenges };
                let mut offset = 0;
                let mut push = |term: P| {
                    sums.add(offset, vector, term);
                    offset += 1;
                };
                let re = column(products, 0);
                push(selector(LookupSelector::End as usize) * column(products, self.shape.parts));
                push(selector(LookupSelector::Start as usize) * column(products, 1));
                push(selector(LookupSelector::Start as usize) * re);
                for (table, &end) in ends.iter().enumerate() {
                    push(selector(FIXED_LOOKUP_SELECTORS + table) * (re - end));
                }
                let re_step = (0..self.shape.entries).fold(column(next, 0), |sum, i| {
                    let [input, output, _] = entry_wires(i);
                    sum * challenges.delta + point.wire(input) + point.wire(output) * challenges.b
                });
                push(selector(LookupSelector::TableRow as usize) * (re - re_step));
                let mut before = column(next, self.shape.parts);
                let entries = chunks(self.shape.entries, self.shape.entries_a_part, self.shape.parts);
                let lookups = chunks(self.shape.lookups, self.shape.lookups_a_part, self.shape.parts);
                for (part, (entries, lookups)) in entries.zip(lookups).enumerate() {
                    let here = column(products, 1 + part);
                    let step = here - before;
                    let (product, derivative) =
                        fraction(entries.map(|i| (point.entry_pole(i), point.wire(entry_wires(i)[2]))));
                    push(selector(LookupSelector::TableRow as usize) * (product * step - derivative));
                    let (product, derivative) = fraction(lookups.map(|i| (point.lookup_pole(i), P::ONES)));
                    push(selector(LookupSelector::LookupRow as usize) * (product * step + derivative));
                    before = here;
                }
            }
            sums.skip(terms);
        }
    }
}

/// Denominator and numerator of Σ m_i / p_i, from the pairs (p_i, m_i).
fn fraction<P: PackedField<Scalar = F>>(poles: impl Iterator<Item = (P, P)>) -> (P, P) {
    poles.fold((P::ONES, P::ZEROS), |(product, sum), (pole, weight)| {
        (product * pole, sum * pole + product * weight)
    })
}
