//! Bit-reversed order: what it is, and how to walk in it.

use crate::F;
use crate::backend::{Backend, Kernel};
use crate::lanes::{Lanes, MAX_WIDTH, pack, pack_mut};

/// `index` with its lowest `bits` bits in reverse order.
#[inline(always)]
pub fn reverse_bits(index: usize, bits: usize) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS as usize - bits) }
}

/// Where the points "one row on" are: for a group of `width` neighbouring rows of one coset of an extension,
/// the group that holds w·x for every point x of the group, and by how many lanes it is rotated.
///
/// Rows are in bit-reversed order and `rows` is the number of rows of the coset (of the whole matrix, when the
/// extension is by one). For group g this returns (h, false) when the successor of `g`'s lane i is lane i of
/// group h, which is so for every group but one. For that last one it returns (0, true): its rows are those
/// whose natural index ends a `width`-th part of the coset, so the successor of lane i is the lane of group 0
/// whose reversed index is one more (modulo `width`).
///
/// # Panics
/// When `width` is not a power of two or `rows` is not a power of two at least as large.
pub fn next_group(group: usize, rows: usize, width: usize) -> (usize, bool) {
    assert!(width.is_power_of_two() && rows.is_power_of_two() && width <= rows);
    let bits = (rows / width).ilog2() as usize;
    let natural = reverse_bits(group, bits) + 1;
    if natural == rows / width { (0, true) } else { (reverse_bits(natural, bits), false) }
}

/// `to[k] = factor · from[reverse(k)]`, canonical.
pub(super) fn permute_scaled(backend: Backend, from: &[F], to: &mut [F], factor: F) {
    assert_eq!(from.len(), to.len());
    let kernel = PermuteScaled { from, to, factor };
    // Squares of WIDTH vectors are moved at once.
    if kernel.to.len() < backend.width() * backend.width() {
        Backend::PORTABLE.run(kernel);
    } else {
        backend.run(kernel);
    }
}

struct PermuteScaled<'a> {
    from: &'a [F],
    to: &'a mut [F],
    factor: F,
}

impl Kernel for PermuteScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        // An index is (x, m, y): the outer parts as wide as a lane's number, m the rest. A square of WIDTH vectors
        // has one m, its rows the x and its lanes the y; where it goes, the other way round.
        let (from, to) = (pack::<L>(self.from), pack_mut::<L>(self.to));
        let lane_bits = L::WIDTH.ilog2() as usize;
        let squares = from.len() / L::WIDTH;
        let bits = squares.ilog2() as usize;
        let factor = L::splat(self.factor.0);
        let mut buffer = [L::splat(0); MAX_WIDTH];
        let square = &mut buffer[..L::WIDTH];
        for m in 0..squares {
            for (lane, row) in square.iter_mut().enumerate() {
                *row = from[reverse_bits(lane, lane_bits) * squares + m].mul(factor).canonical();
            }
            L::transpose(square);
            let m = reverse_bits(m, bits);
            for (y, row) in square.iter().enumerate() {
                to[reverse_bits(y, lane_bits) * squares + m] = *row;
            }
        }
    }
}
