//! Bit-reversed order: what it is, and how to walk in it.

use crate::F;

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

/// `to[k] = from[reverse(-k mod n)]`.
pub(super) fn gather_negated(from: &[F], to: &mut [F], log2: usize) {
    let n = to.len();
    for (k, to) in to.iter_mut().enumerate() {
        *to = from[reverse_bits(k.wrapping_neg() & (n - 1), log2)];
    }
}
