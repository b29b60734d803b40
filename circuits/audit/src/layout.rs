//! Where the parts of row checks go: operations of many checks share the rows of a gate.

use std::collections::BTreeMap;
use std::sync::Arc;

use janction_gadgets::{Builder, F};
use plonky2::field::types::Field;
use plonky2::gates::lookup_table::LookupTable;
use plonky2::iop::target::Target;

use crate::gate::dot::DotGate;
use crate::gate::requantise::RequantiseGate;
use crate::range::Ranges;

/// A dot product with constants that waits for its row.
#[derive(Debug)]
struct Sum {
    addend: Target,
    terms: Vec<(Target, F)>,
    sum: Target,
}

/// A form whose cells wait for their row.
#[derive(Debug)]
pub(crate) struct Form {
    /// The form: a dot product of the operand's cells.
    pub form: Target,
    /// C: what makes the form the number whose digits are the accumulators. Zero for a form of one column.
    pub offset: F,
    /// One for each column: M, K and the cell.
    pub columns: Vec<(F, F, Target)>,
}

/// A gate, with the clamp's ends as distances from the smallest value of the type: what forms of one row have in common.
type Requantisation = (RequantiseGate, [u64; 2]);

/// Collects range checks, dot products and requantisations, and gives each full set a row. [`Layout::finish`] must be
/// called, or what was collected last is not enforced.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Layout {
    pub ranges: Ranges,
    dots: BTreeMap<usize, Vec<Sum>>,
    forms: Vec<(Requantisation, Vec<Form>)>,
    tables: Vec<(LookupTable, usize)>,
    /// Lookups into each table.
    lookups: Vec<usize>,
    /// Gates and numbers of the rows of forms.
    #[cfg(test)]
    pub placed: std::rc::Rc<std::cell::RefCell<Vec<(RequantiseGate, usize)>>>,
}

impl Layout {
    /// The sum of `terms`, each a value and its constant. *Enforced*: that it is.
    pub fn dot(&mut self, builder: &mut Builder, gate: DotGate, terms: &[(Target, F)]) -> Target {
        let terms: Vec<(Target, F)> = terms.iter().copied().filter(|(_, c)| *c != F::ZERO).collect();
        let mut sum = builder.zero();
        for terms in terms.chunks(gate.terms()) {
            let next = builder.add_virtual_target();
            let waiting = self.dots.entry(gate.sums()).or_default();
            waiting.push(Sum { addend: sum, terms: terms.to_vec(), sum: next });
            sum = next;
            if waiting.len() == gate.sums() {
                let row = std::mem::take(waiting);
                place_dots(builder, gate, &row);
            }
        }
        sum
    }

    /// *Enforced*: what the gate does, for `form`, with the clamp's ends `clamp`.
    pub fn requantise(&mut self, builder: &mut Builder, gate: RequantiseGate, clamp: [u64; 2], form: Form) {
        let kind = (gate, clamp);
        let index = self.forms.iter().position(|(k, _)| *k == kind).unwrap_or_else(|| {
            self.forms.push((kind, Vec::new()));
            self.forms.len() - 1
        });
        let waiting = &mut self.forms[index].1;
        waiting.push(form);
        if waiting.len() == gate.forms() {
            let row = std::mem::take(waiting);
            self.place_forms(builder, (gate, clamp), &row);
        }
    }

    /// Number of the lookup table with these pairs.
    pub fn table(&mut self, builder: &mut Builder, pairs: &LookupTable) -> usize {
        let known = self.tables.iter().find(|(table, _)| table == pairs);
        known.map(|&(_, index)| index).unwrap_or_else(|| {
            let index = builder.add_lookup_table_from_pairs(Arc::clone(pairs));
            self.tables.push((Arc::clone(pairs), index));
            index
        })
    }

    /// The entry of a table for `cell`. *Enforced*: that it is, and that there is one.
    pub fn lookup(&mut self, builder: &mut Builder, table: usize, cell: Target) -> Target {
        if self.lookups.len() <= table {
            self.lookups.resize(table + 1, 0);
        }
        self.lookups[table] += 1;
        builder.add_lookup_from_index(cell, table)
    }

    /// Lookups into each table.
    pub fn lookups(&self) -> &[usize] {
        &self.lookups
    }

    /// Rows that lookups and their tables take when the circuit is built, about.
    pub fn lookup_rows(&self) -> usize {
        // 40 lookups or 26 entries a row, and a row at each end of a table.
        let table = |(pairs, _): &(LookupTable, usize)| pairs.len().div_ceil(26) + 3;
        let lookups = self.lookups.iter().map(|count| count.div_ceil(40)).sum::<usize>();
        lookups + self.tables.iter().map(table).sum::<usize>()
    }

    fn place_forms(&self, builder: &mut Builder, (gate, clamp): Requantisation, forms: &[Form]) {
        let _row = place_forms(builder, gate, clamp, forms);
        #[cfg(test)]
        self.placed.borrow_mut().push((gate, _row));
    }

    /// Gives everything that is left its row.
    pub fn finish(self, builder: &mut Builder) {
        for (sums, waiting) in &self.dots {
            if !waiting.is_empty() {
                place_dots(builder, DotGate::new(*sums), waiting);
            }
        }
        for (kind, waiting) in &self.forms {
            if !waiting.is_empty() {
                self.place_forms(builder, *kind, waiting);
            }
        }
        self.ranges.finish(builder);
    }
}

/// A row of dot products.
fn place_dots(builder: &mut Builder, gate: DotGate, sums: &[Sum]) {
    let mut constants = vec![F::ZERO; gate.sums() * gate.terms()];
    for (number, sum) in sums.iter().enumerate() {
        for (i, (_, constant)) in sum.terms.iter().enumerate() {
            constants[number * gate.terms() + i] = *constant;
        }
    }
    let row = builder.add_gate(gate, constants);
    for (number, sum) in sums.iter().enumerate() {
        for (i, (term, _)) in sum.terms.iter().enumerate() {
            builder.connect(*term, Target::wire(row, gate.term(number, i)));
        }
        builder.connect(sum.addend, Target::wire(row, gate.addend(number)));
        builder.connect(sum.sum, Target::wire(row, gate.sum(number)));
    }
}

/// A row of forms; its number. A column that is not in use has the multiplier zero, and the clamp's lower end for its cell.
fn place_forms(builder: &mut Builder, gate: RequantiseGate, clamp: [u64; 2], forms: &[Form]) -> usize {
    let [low, high] = clamp.map(F::from_canonical_u64);
    let power = F::from_canonical_u64(1 << (2 * gate.rem_digits));
    let mut constants = vec![low, high];
    for number in 0..gate.forms() {
        let form = forms.get(number);
        constants.push(form.map_or(F::ZERO, |form| form.offset));
        for column in 0..gate.columns {
            let used = form.and_then(|form| form.columns.get(column));
            constants.extend(used.map_or([F::ZERO, low * power], |&(multiplier, k, _)| [multiplier, k]));
        }
    }
    let row = builder.add_gate(gate, constants);
    for (number, form) in forms.iter().enumerate() {
        builder.connect(form.form, Target::wire(row, gate.form(number)));
        for (column, (_, _, cell)) in form.columns.iter().enumerate() {
            builder.connect(*cell, Target::wire(row, gate.cell(number, column)));
        }
    }
    row
}
