//! Leaves and nodes of Merkle trees, many side by side.
//!
//! A leaf of more than four elements is absorbed by a sponge in overwrite mode, eight elements per permutation,
//! without padding; a leaf of at most four *is* its digest, filled up with zeros (Plonky2's `hash_or_noop`).

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;

use super::{RATE, WIDTH, permute_lanes};
use crate::F;
use crate::backend::{Backend, Kernel};
use crate::columns::Columns;
use crate::lanes::{Lanes, pack};
use crate::merkle::{DIGEST, Digest};

/// Digests of the rows `first..first + out.len()` of `matrix`.
pub(crate) fn hash_leaves(backend: Backend, matrix: &Columns, first: usize, out: &mut [Digest]) {
    backend.run(HashLeaves { matrix, first, out });
}

/// Digests of rows that lie one after the other, `width` elements each.
pub(crate) fn hash_rows(backend: Backend, rows: &[F], width: usize, out: &mut [Digest]) {
    backend.run(HashRows { rows, width, out });
}

/// Parents of the nodes `children`, two each.
pub(crate) fn hash_nodes(backend: Backend, children: &[Digest], out: &mut [Digest]) {
    backend.run(HashNodes { children, out });
}

/// Where a sponge's input comes from. (A trait and not a closure: a closure would be compiled without the lanes'
/// instructions.)
trait Source {
    /// Element `k` of the inputs of the lanes: lane i belongs to input `first + i`.
    fn load<L: Lanes>(&self, first: usize, k: usize) -> L;
}

struct HashLeaves<'a> {
    matrix: &'a Columns,
    first: usize,
    out: &'a mut [Digest],
}

impl Kernel for HashLeaves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { matrix, first, out } = self;
        if matrix.columns() <= DIGEST {
            for (i, digest) in out.iter_mut().enumerate() {
                *digest = copied(matrix.iter().map(|column| column[first + i]));
            }
        } else {
            hash_all::<L>(matrix, matrix.columns(), first, out);
        }
    }
}

impl Source for Columns {
    #[inline(always)]
    fn load<L: Lanes>(&self, first: usize, k: usize) -> L {
        let column = self.column(k);
        // Whole vectors at a vector's boundary are read as such; what is left element by element.
        match column.get(first..first + L::WIDTH) {
            Some(rows) if first.is_multiple_of(L::WIDTH) => pack::<L>(rows)[0],
            _ => L::from_fn(|i| column.get(first + i).map_or(0, |x| x.0)),
        }
    }
}

struct HashRows<'a> {
    rows: &'a [F],
    width: usize,
    out: &'a mut [Digest],
}

impl Kernel for HashRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { rows, width, out } = self;
        if width <= DIGEST {
            for (digest, row) in out.iter_mut().zip(rows.chunks(width)) {
                *digest = copied(row.iter().copied());
            }
        } else {
            hash_all::<L>(&Rows { rows, width }, width, 0, out);
        }
    }
}

struct Rows<'a> {
    rows: &'a [F],
    width: usize,
}

impl Source for Rows<'_> {
    #[inline(always)]
    fn load<L: Lanes>(&self, first: usize, k: usize) -> L {
        L::from_fn(|i| self.rows.get((first + i) * self.width + k).map_or(0, |x| x.0))
    }
}

struct HashNodes<'a> {
    children: &'a [Digest],
    out: &'a mut [Digest],
}

impl Kernel for HashNodes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        hash_all::<L>(self.children, 2 * DIGEST, 0, self.out);
    }
}

impl Source for [Digest] {
    #[inline(always)]
    fn load<L: Lanes>(&self, first: usize, k: usize) -> L {
        L::from_fn(|i| self.get(2 * (first + i) + k / DIGEST).map_or(0, |c| c.elements[k % DIGEST].0))
    }
}

/// Digests of the inputs `first..first + out.len()`, `length` elements each.
#[inline(always)]
fn hash_all<L: Lanes>(source: &(impl Source + ?Sized), length: usize, first: usize, out: &mut [Digest]) {
    for (group, digests) in out.chunks_mut(L::WIDTH).enumerate() {
        let first = first + group * L::WIDTH;
        let mut state = [L::splat(0); WIDTH];
        let mut begin = 0;
        while begin < length {
            let taken = RATE.min(length - begin);
            for (k, slot) in state.iter_mut().enumerate().take(taken) {
                *slot = source.load(first, begin + k);
            }
            permute_lanes(&mut state);
            begin += taken;
        }
        for (k, vector) in state.iter().enumerate().take(DIGEST) {
            let elements = vector.canonical().to_array();
            for (digest, element) in digests.iter_mut().zip(elements) {
                digest.elements[k] = F(element);
            }
        }
    }
}

/// A leaf of at most four elements.
#[inline(always)]
fn copied(leaf: impl Iterator<Item = F>) -> Digest {
    let mut digest = HashOut { elements: [F::ZERO; DIGEST] };
    for (to, from) in digest.elements.iter_mut().zip(leaf) {
        *to = crate::field::canonical(from);
    }
    digest
}
