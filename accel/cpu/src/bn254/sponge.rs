//! Rows and pairs, as many side by side as there are states.

use super::permutation::{Rounds, permute};
use super::residues::{Job, Residues};
use super::{Element, PACKED, RATE, WIDTH};
use crate::F;
use crate::columns::Columns;

/// The first element of `initial` after the sponge has taken in a row of the matrix, for each row from `first` on.
pub(super) struct HashRows<'a> {
    pub(super) matrix: &'a Columns,
    pub(super) first: usize,
    pub(super) initial: &'a [Element; WIDTH],
    pub(super) out: &'a mut [Element],
}

impl Job for HashRows<'_> {
    #[inline(always)]
    fn run<R: Residues>(self, rounds: &Rounds<R::Constant>) {
        let Self { matrix, mut first, initial: [a, b, c], out } = self;
        for digests in out.chunks_mut(R::STATES) {
            let rows = Rows { matrix, first, count: digests.len() };
            let mut state = [R::splat(a), R::splat(b), R::splat(c)];
            // An empty row still takes one permutation.
            for block in 0..matrix.columns().div_ceil(RATE * PACKED).max(1) {
                for (i, element) in state.iter_mut().enumerate().take(RATE) {
                    let column = (block * RATE + i) * PACKED;
                    *element = R::pack([rows.part(column), rows.part(column + 1), rows.part(column + 2)]);
                }
                permute(&mut state, rounds);
            }
            state[0].store(digests, 1);
            first += R::STATES;
        }
    }
}

/// The rows of one go.
struct Rows<'a> {
    matrix: &'a Columns,
    first: usize,
    count: usize,
}

impl<'a> Rows<'a> {
    /// What of `column` falls into these rows; nothing where there is no such column.
    #[inline(always)]
    fn part(&self, column: usize) -> &'a [F] {
        if column < self.matrix.columns() {
            &self.matrix.column(column)[self.first..self.first + self.count]
        } else {
            &[]
        }
    }
}

/// The first element of the permutation of (left, right, `capacity`), for each pair of `children`.
pub(super) struct HashPairs<'a> {
    pub(super) children: &'a [Element],
    pub(super) capacity: &'a Element,
    pub(super) out: &'a mut [Element],
}

impl Job for HashPairs<'_> {
    #[inline(always)]
    fn run<R: Residues>(self, rounds: &Rounds<R::Constant>) {
        let Self { children, capacity, out } = self;
        for (digests, children) in out.chunks_mut(R::STATES).zip(children.chunks(2 * R::STATES)) {
            let mut state = [R::load(children, 2), R::load(&children[1..], 2), R::splat(capacity)];
            permute(&mut state, rounds);
            state[0].store(digests, 1);
        }
    }
}
