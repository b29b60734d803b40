//! One transform: natural order in, bit-reversed order out, in place.

use crate::F;
use crate::backend::{Backend, Kernel};
use crate::lanes::{Lanes, Scalar, pack_mut};

/// Blocks of at most this many elements are finished before the next one is touched: 256 kB, for the second
/// cache.
const OUTER: usize = 1 << 15;
/// The same for the first cache: 32 kB.
const INNER: usize = 1 << 12;

/// Evaluates the polynomial with coefficients `values` modulo X^n - c, where X^n - c is node `node` of its level
/// of the tree of factors of X^(2^k) - 1 (node 0: the subgroup itself). The result is canonical.
///
/// # Panics
/// When the table of `roots` is too short.
pub(super) fn transform(backend: Backend, values: &mut [F], roots: &[F], node: usize) {
    // The last levels take squares of WIDTH vectors.
    if values.len() < backend.width() * backend.width() {
        Backend::PORTABLE.run(Transform { values, roots, node });
    } else {
        backend.run(Transform { values, roots, node });
    }
}

struct Transform<'a> {
    values: &'a mut [F],
    roots: &'a [F],
    node: usize,
}

impl Kernel for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { values, roots, node } = self;
        let data = pack_mut::<L>(values);
        // In vectors. A block of one vector is left to `finish`.
        let (outer, inner) = (OUTER / L::WIDTH, INNER / L::WIDTH);
        let whole = data.len();
        let (mut size, mut first) = (whole, node);
        descend(data, &mut size, &mut first, outer, roots);
        for (i, block) in data.chunks_exact_mut(size).enumerate() {
            let (mut size, mut first) = (size, first + i);
            descend(block, &mut size, &mut first, inner, roots);
            for (j, block) in block.chunks_exact_mut(size).enumerate() {
                let (mut size, mut first) = (size, first + j);
                descend(block, &mut size, &mut first, 1, roots);
                finish(block, first, roots);
            }
        }
    }
}

/// Goes down the tree, all blocks of `data` together, from blocks of `size` vectors to blocks of at most `until`.
/// `first` is the node of the first block, before and after.
#[inline(always)]
fn descend<L: Lanes>(data: &mut [L], size: &mut usize, first: &mut usize, until: usize, roots: &[F]) {
    while *size > until {
        if size.ilog2() % 2 == 1 {
            for (i, block) in data.chunks_exact_mut(*size).enumerate() {
                halve(block, roots[*first + i]);
            }
            (*size, *first) = (*size / 2, *first * 2);
        } else {
            for (i, block) in data.chunks_exact_mut(*size).enumerate() {
                quarter(block, *first + i, roots);
            }
            (*size, *first) = (*size / 4, *first * 4);
        }
    }
}

/// One level: modulo X^m - c^2 to modulo X^(m/2) - c and X^(m/2) + c.
#[inline(always)]
fn halve<L: Lanes>(block: &mut [L], root: F) {
    let (low, high) = block.split_at_mut(block.len() / 2);
    let root = L::splat(root.0);
    for (a, b) in low.iter_mut().zip(high) {
        (*a, *b) = a.butterfly(b.mul(root));
    }
}

/// Two levels. With t the root of the left child and t^2 that of the node, the right child's is t·i, i of order
/// 4: so t, t^2, t^3 and a shift are all there is.
#[inline(always)]
fn quarter<L: Lanes>(block: &mut [L], node: usize, roots: &[F]) {
    let (t, t2) = (roots[2 * node], roots[node]);
    let (t, t2, t3) = (L::splat(t.0), L::splat(t2.0), L::splat(t.0).mul(L::splat(t2.0)));
    let (low, high) = block.split_at_mut(block.len() / 2);
    let (a, b) = low.split_at_mut(low.len() / 2);
    let (c, d) = high.split_at_mut(high.len() / 2);
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        let (e, f) = a.butterfly(c.mul(t2));
        let (g, h) = b.mul(t).butterfly(d.mul(t3));
        (*a, *b) = e.butterfly(g);
        (*c, *d) = f.butterfly(h.mul_2_48());
    }
}

/// The levels inside of a vector, node `first` being that of the first vector: WIDTH vectors are transposed, so
/// that what was one vector lies across the square, taken down, and transposed back. Canonical.
#[inline(always)]
fn finish<L: Lanes>(data: &mut [L], first: usize, roots: &[F]) {
    for (i, square) in data.chunks_exact_mut(L::WIDTH).enumerate() {
        let first = first + i * L::WIDTH;
        L::transpose(square);
        let mut size = L::WIDTH;
        while size > 1 {
            let blocks = L::WIDTH / size;
            for (j, block) in square.chunks_exact_mut(size).enumerate() {
                // Lane k holds a part of node first + k of the level above, of which this is descendant j.
                let root = L::from_fn(|k| roots[(first + k) * blocks + j].0);
                let (low, high) = block.split_at_mut(size / 2);
                for (a, b) in low.iter_mut().zip(high) {
                    (*a, *b) = a.butterfly(b.mul(root));
                }
            }
            size /= 2;
        }
        for vector in square.iter_mut() {
            *vector = vector.canonical();
        }
        L::transpose(square);
    }
}

/// The portable lanes see no vectors: their last block is one element.
const _: () = assert!(Scalar::WIDTH == 1);
