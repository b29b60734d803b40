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
use crate::lanes::{Lanes, Pair, pack};
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
            return;
        }
        for (group, digests) in out.chunks_mut(Pair::<L>::WIDTH).enumerate() {
            let row = first + group * Pair::<L>::WIDTH;
            // Whole groups are read as vectors; what is left at the end element by element.
            let aligned = digests.len() == Pair::<L>::WIDTH && row.is_multiple_of(Pair::<L>::WIDTH);
            let load = |column: usize| {
                let rows = &matrix.column(column)[row..row + digests.len()];
                if aligned {
                    pack::<Pair<L>>(rows)[0]
                } else {
                    Pair::from_fn(|i| rows.get(i).map_or(0, |x| x.0))
                }
            };
            let state = absorb(matrix.columns(), load);
            squeeze(&state, digests);
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
            for (i, digest) in out.iter_mut().enumerate() {
                *digest = copied(rows[i * width..(i + 1) * width].iter().copied());
            }
            return;
        }
        for (group, digests) in out.chunks_mut(Pair::<L>::WIDTH).enumerate() {
            let rows = &rows[group * Pair::<L>::WIDTH * width..];
            let load =
                |column: usize| Pair::<L>::from_fn(|i| rows.get(i * width + column).map_or(0, |x| x.0));
            let state = absorb(width, load);
            squeeze(&state, digests);
        }
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
        let groups = self.children.chunks(2 * Pair::<L>::WIDTH).zip(self.out.chunks_mut(Pair::<L>::WIDTH));
        for (children, parents) in groups {
            let load = |k: usize| {
                Pair::<L>::from_fn(|i| {
                    children.get(2 * i + k / DIGEST).map_or(0, |c| c.elements[k % DIGEST].0)
                })
            };
            let state = absorb(2 * DIGEST, load);
            squeeze(&state, parents);
        }
    }
}

/// The sponge over `length` elements, element `k` of every lane from `load(k)`.
#[inline(always)]
fn absorb<L: Lanes>(length: usize, load: impl Fn(usize) -> L) -> [L; WIDTH] {
    let mut state = [L::splat(0); WIDTH];
    let mut begin = 0;
    while begin < length {
        let taken = RATE.min(length - begin);
        for (k, slot) in state.iter_mut().enumerate().take(taken) {
            *slot = load(begin + k);
        }
        permute_lanes(&mut state);
        begin += taken;
    }
    state
}

/// Writes lane i's digest to `digests[i]`.
#[inline(always)]
fn squeeze<L: Lanes>(state: &[L; WIDTH], digests: &mut [Digest]) {
    for (k, vector) in state.iter().enumerate().take(DIGEST) {
        let elements = vector.canonical().to_array();
        for (digest, element) in digests.iter_mut().zip(elements) {
            digest.elements[k] = F(element);
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
