//! One transform: natural order in, bit-reversed order out.

use crate::F;
use crate::backend::{Backend, Kernel};
use crate::lanes::{Lanes, Scalar, pack, pack_mut};

/// Blocks of at most this many elements are finished before the next one is touched: 256 kB, for the second
/// cache.
const OUTER: usize = 1 << 15;
/// The same for the first cache: 32 kB.
const INNER: usize = 1 << 12;

/// Evaluates the polynomial with coefficients `coefficients` modulo X^n - c, where X^n - c is node `node` of its
/// level of the tree of factors of X^(2^k) - 1 (node 0: the subgroup itself). The result is canonical.
///
/// # Panics
/// When the lengths differ or the table of `roots` is too short.
pub(super) fn transform(backend: Backend, coefficients: &[F], values: &mut [F], roots: &[F], node: usize) {
    assert_eq!(coefficients.len(), values.len());
    let transform = Transform { coefficients, values, roots, node };
    // The last levels take squares of WIDTH vectors.
    if transform.values.len() < backend.width() * backend.width() {
        Backend::PORTABLE.run(transform);
    } else {
        backend.run(transform);
    }
}

struct Transform<'a> {
    coefficients: &'a [F],
    values: &'a mut [F],
    roots: &'a [F],
    node: usize,
}

impl Kernel for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { coefficients, values, roots, node } = self;
        let data = pack_mut::<L>(values);
        // In vectors. A block of one vector is left to `finish`.
        let (outer, inner) = (OUTER / L::WIDTH, INNER / L::WIDTH);
        let (mut size, mut first) = begin(pack(coefficients), data, node, roots);
        descend(data, &mut size, &mut first, outer, roots);
        // `finish` takes whole squares, so small blocks stay together.
        let chunk = size.max(L::WIDTH);
        for (i, block) in data.chunks_exact_mut(chunk).enumerate() {
            let (mut size, mut first) = (size, first + i * (chunk / size));
            descend(block, &mut size, &mut first, inner, roots);
            let chunk = size.max(L::WIDTH);
            for (j, block) in block.chunks_exact_mut(chunk).enumerate() {
                let (mut size, mut first) = (size, first + j * (chunk / size));
                descend(block, &mut size, &mut first, 1, roots);
                finish(block, first, roots);
            }
        }
    }
}

/// The first one or two levels, from `from` to `to`. Returns the size of the blocks then, and the first's node.
#[inline(always)]
fn begin<L: Lanes>(from: &[L], to: &mut [L], node: usize, roots: &[F]) -> (usize, usize) {
    let size = to.len();
    let (from_low, from_high) = from.split_at(size / 2);
    let (low, high) = to.split_at_mut(size / 2);
    if size == 1 {
        to.copy_from_slice(from);
        (1, node)
    } else if size.ilog2() % 2 == 1 {
        let root = L::splat(roots[node].0);
        for (((from_a, from_b), a), b) in from_low.iter().zip(from_high).zip(low).zip(high) {
            (*a, *b) = from_a.butterfly(from_b.mul(root));
        }
        (size / 2, 2 * node)
    } else {
        let (from_a, from_b) = from_low.split_at(size / 4);
        let (from_c, from_d) = from_high.split_at(size / 4);
        let (a, b) = low.split_at_mut(size / 4);
        let (c, d) = high.split_at_mut(size / 4);
        let powers = powers(node, roots);
        let from = from_a.iter().zip(from_b).zip(from_c).zip(from_d);
        for ((((a, b), c), d), (((from_a, from_b), from_c), from_d)) in
            a.iter_mut().zip(b).zip(c).zip(d).zip(from)
        {
            (*a, *b, *c, *d) = two_levels([*from_a, *from_b, *from_c, *from_d], powers);
        }
        (size / 4, 4 * node)
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

/// Two levels.
#[inline(always)]
fn quarter<L: Lanes>(block: &mut [L], node: usize, roots: &[F]) {
    let powers = powers(node, roots);
    let (low, high) = block.split_at_mut(block.len() / 2);
    let (a, b) = low.split_at_mut(low.len() / 2);
    let (c, d) = high.split_at_mut(high.len() / 2);
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        (*a, *b, *c, *d) = two_levels([*a, *b, *c, *d], powers);
    }
}

/// t, t^2, t^3 for t the root of the node's left child; the node's own is t^2.
#[inline(always)]
fn powers<L: Lanes>(node: usize, roots: &[F]) -> [L; 3] {
    let (t, t2) = (L::splat(roots[2 * node].0), L::splat(roots[node].0));
    [t, t2, t.mul(t2)]
}

/// Two levels of one coefficient from each quarter. The right child's root is t·i, i of order 4: so the powers of
/// t and a shift are all there is.
#[inline(always)]
fn two_levels<L: Lanes>([a, b, c, d]: [L; 4], [t, t2, t3]: [L; 3]) -> (L, L, L, L) {
    let (e, f) = a.butterfly(c.mul(t2));
    let (g, h) = b.mul(t).butterfly(d.mul(t3));
    let ((a, b), (c, d)) = (e.butterfly(g), f.butterfly(h.mul_2_48()));
    (a, b, c, d)
}

/// The levels inside of a vector, node `first` being that of the first vector: WIDTH vectors are transposed, so
/// that what was one vector lies across the square, taken down, and transposed back. Canonical.
#[inline(always)]
fn finish<L: Lanes>(data: &mut [L], first: usize, roots: &[F]) {
    for (i, square) in data.chunks_exact_mut(L::WIDTH).enumerate() {
        let first = first + i * L::WIDTH;
        L::transpose(square);
        // Lane k goes down from node first + k. The leftmost node of each level has a power of the last one's
        // root; the other nodes' roots are that one's times the table's first entries.
        let last = L::from_fn(|k| roots[(first + k) * L::WIDTH / 2].0);
        let mut size = L::WIDTH;
        while size > 1 {
            let mut leftmost = last;
            for _ in 1..size.ilog2() {
                leftmost = leftmost.square();
            }
            let mut root = leftmost;
            for (j, block) in square.chunks_exact_mut(size).enumerate() {
                if j % 2 == 1 {
                    // The table's entry 2k + 1 is its entry 2k times a root of order 4.
                    root = root.mul_2_48();
                } else if j > 0 {
                    root = leftmost.mul(L::splat(roots[j].0));
                }
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
