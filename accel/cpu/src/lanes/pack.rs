//! A slice of elements seen as a slice of vectors, and back.
#![allow(unsafe_code)]

use super::Lanes;
use crate::F;

/// `elements` as vectors of `L::WIDTH`, without a copy.
///
/// # Panics
/// When the slice does not begin at a multiple of `L`'s alignment or its length is not a multiple of
/// `L::WIDTH`. Columns of [`crate::Columns`] always begin right.
#[inline(always)]
pub fn pack<L: Lanes>(elements: &[F]) -> &[L] {
    check::<L>(elements.as_ptr(), elements.len());
    // SAFETY: alignment and length were checked, `F` is a transparent `u64`, `L` is `WIDTH` `u64`s of any value.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), elements.len() / L::WIDTH) }
}

/// `elements` as vectors of `L::WIDTH`, without a copy.
///
/// # Panics
/// As [`pack`].
#[inline(always)]
pub fn pack_mut<L: Lanes>(elements: &mut [F]) -> &mut [L] {
    check::<L>(elements.as_ptr(), elements.len());
    // SAFETY: as in `pack`; the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), elements.len() / L::WIDTH) }
}

/// Vectors as the elements that they hold, in order.
#[inline(always)]
pub fn unpack<L: Lanes>(vectors: &[L]) -> &[F] {
    // SAFETY: `L` is `WIDTH` `u64`s, aligned at least as `F` is, and `F` takes any `u64`.
    unsafe { std::slice::from_raw_parts(vectors.as_ptr().cast(), vectors.len() * L::WIDTH) }
}

/// Vectors as the elements that they hold, in order.
#[inline(always)]
pub fn unpack_mut<L: Lanes>(vectors: &mut [L]) -> &mut [F] {
    // SAFETY: as in `unpack`; the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(vectors.as_mut_ptr().cast(), vectors.len() * L::WIDTH) }
}

#[inline(always)]
fn check<L: Lanes>(start: *const F, len: usize) {
    const { assert!(size_of::<L>() == L::WIDTH * size_of::<F>()) };
    assert_eq!(start.align_offset(align_of::<L>()), 0, "elements do not begin at a vector's boundary");
    assert_eq!(len % L::WIDTH, 0, "{len} elements are not a whole number of vectors");
}
