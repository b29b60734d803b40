//! No value of the witness is free.
//!
//! Copies make classes of equal cells. For each class all its cells are moved by one at once, and a constraint must
//! break: a gate, a limb of a range check, a constant, or a permutation. This finds witnesses that a stage forgot to
//! constrain, wherever they are, and not only those that a forged part of a proof happens to reach.

use std::collections::HashMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::bound::U256;
use super::range::LIMB_BITS;
use super::tape::{Column, Input, Location, Tape};

/// Classes of equal cells, by the index of one of them.
struct Classes {
    parents: Vec<usize>,
    hash: HashMap<u32, usize>,
    flex: usize,
}

impl Classes {
    fn new(tape: &Tape) -> Self {
        let cells = tape.flex.len() + tape.range.len();
        let mut classes = Self { parents: (0..cells).collect(), hash: HashMap::new(), flex: tape.flex.len() };
        for &(left, right) in &tape.copies {
            let (left, right) = (classes.index(left), classes.index(right));
            let (left, right) = (classes.find(left), classes.find(right));
            classes.parents[left] = right;
        }
        for &(at, _) in &tape.constants {
            classes.index(at);
        }
        classes
    }

    fn index(&mut self, at: Location) -> usize {
        match at.column {
            Column::Flex => at.row as usize,
            Column::Range => self.flex + at.row as usize,
            Column::Hash => *self.hash.entry(at.row).or_insert_with(|| {
                self.parents.push(self.parents.len());
                self.parents.len() - 1
            }),
        }
    }

    fn find(&mut self, mut cell: usize) -> usize {
        while self.parents[cell] != cell {
            self.parents[cell] = self.parents[self.parents[cell]];
            cell = self.parents[cell];
        }
        cell
    }
}

/// Cells that can be moved by one without any constraint noticing; one for each class.
pub fn unbound_cells(tape: &Tape) -> Vec<Location> {
    let mut classes = Classes::new(tape);
    let mut bound = vec![false; classes.parents.len()];
    // A permutation's input determines all that follows, and its output is determined.
    for cell in classes.hash.values().copied().collect::<Vec<_>>() {
        bound[classes.find(cell)] = true;
    }
    for &(at, _) in &tape.constants {
        let cell = classes.index(at);
        bound[classes.find(cell)] = true;
    }
    for &row in &tape.flex_gates {
        let row = row as usize;
        let owners = [0, 1, 2, 3].map(|i| classes.find(row + i));
        for moved in owners {
            let [a, b, c, d] = [0, 1, 2, 3]
                .map(|i| tape.flex[row + i] + if owners[i] == moved { Fr::ONE } else { Fr::ZERO });
            bound[moved] |= a + b * c != d;
        }
    }
    for &row in &tape.range_steps {
        let row = row as usize;
        let owners = [0, 1].map(|i| classes.find(tape.flex.len() + row + i));
        for moved in owners {
            let [sum, next] =
                [0, 1].map(|i| tape.range[row + i] + if owners[i] == moved { Fr::ONE } else { Fr::ZERO });
            let limb = U256::from_fr(&(sum - next * Fr::from(1 << LIMB_BITS)));
            bound[moved] |= limb.bits() > LIMB_BITS;
        }
    }
    let mut free = Vec::new();
    for (cell, &bound) in bound.iter().enumerate().take(tape.flex.len() + tape.range.len()) {
        if classes.find(cell) == cell && !bound {
            let (column, row) = match cell.checked_sub(tape.flex.len()) {
                None => (Column::Flex, cell),
                Some(row) => (Column::Range, row),
            };
            free.push(Location { column, row: row as u32 });
        }
    }
    free
}

#[test]
fn a_forgotten_witness_is_found() {
    let mut tape = Tape::default();
    let bound = tape.push(Input::Witness(Fr::from(5)));
    tape.range_check(bound, 1);
    tape.dot(bound, [(bound, bound)]);
    let forgotten = tape.push(Input::Witness(Fr::from(7)));
    assert_eq!(unbound_cells(&tape), [forgotten.at]);
    // Copies alone bind nothing.
    let copy = tape.push(forgotten);
    assert_eq!(unbound_cells(&tape).len(), 1);
    tape.assert_constant(copy, Fr::from(7));
    assert_eq!(unbound_cells(&tape), []);
}
