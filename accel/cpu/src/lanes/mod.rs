//! Packed Goldilocks arithmetic: one trait, one file per instruction set.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod extension;
mod pack;
mod scalar;

pub use extension::Extension;
pub use pack::{pack, pack_mut, unpack, unpack_mut};
pub use scalar::Scalar;

/// p = 2^64 - 2^32 + 1.
pub(crate) const P: u64 = 0xffff_ffff_0000_0001;
/// 2^64 mod p = 2^32 - 1.
pub(crate) const EPSILON: u64 = 0xffff_ffff;
/// A feature of the processor by its name, and the question whether it is there.
pub(crate) type Feature = (&'static str, fn() -> bool);

/// The most elements that any [`Lanes`] holds.
pub(crate) const MAX_WIDTH: usize = 8;

/// `WIDTH` elements of the Goldilocks field, side by side.
///
/// A lane may hold any `u64` and stands for its residue; only [`Lanes::canonical`] makes it the least one. The
/// `raw_` operations are those of the `u64`s themselves, modulo 2^64, in every lane.
///
/// # Safety
/// The type must be `WIDTH` `u64`s and nothing else: same size, every bit pattern valid. [`pack`] relies on it.
#[allow(unsafe_code)]
pub unsafe trait Lanes: Copy + Send + Sync + 'static {
    /// Elements side by side: a power of two, at most 8.
    const WIDTH: usize;

    /// `x` in every lane.
    fn splat(x: u64) -> Self;
    /// Lane i holds `f(i)`.
    fn from_fn(f: impl FnMut(usize) -> u64) -> Self;
    /// Lane i of `self` is element i; the rest is not meant to be read.
    fn to_array(self) -> [u64; MAX_WIDTH];

    /// The sum.
    fn add(self, other: Self) -> Self;
    /// The sum with an `other` below p in every lane (a constant, say).
    fn add_canonical(self, other: Self) -> Self;
    /// The difference.
    fn sub(self, other: Self) -> Self;
    /// (`self` + `other`, `self` - `other`), cheaper than both apart.
    fn butterfly(self, other: Self) -> (Self, Self);
    /// The product.
    fn mul(self, other: Self) -> Self;
    /// The square.
    fn square(self) -> Self;
    /// `self` · `factor` + `term`.
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self.mul(factor).add(term)
    }
    /// `low` + 2^64 · `high`.
    fn reduce_wide(low: Self, high: Self) -> Self;
    /// `low` + 2^32 · `high`, for `low` and `high` below 2^60.
    fn reduce_halves(low: Self, high: Self) -> Self;
    /// The residues below p.
    fn canonical(self) -> Self;
    /// `self` · 2^48: with the sign that Plonky2's roots have, the product with a fourth root of unity.
    #[inline(always)]
    fn mul_2_48(self) -> Self {
        Self::reduce_wide(self.raw_shl::<48>(), self.raw_shr::<16>())
    }

    /// The sum modulo 2^64.
    fn raw_add(self, other: Self) -> Self;
    /// The difference modulo 2^64.
    fn raw_sub(self, other: Self) -> Self;
    /// Shifted up by `N` bits.
    fn raw_shl<const N: u32>(self) -> Self;
    /// Shifted down by `N` bits, zeros coming in.
    fn raw_shr<const N: u32>(self) -> Self;
    /// The lower 32 bits.
    fn low_half(self) -> Self;
    /// Bits that both have.
    fn raw_and(self, other: Self) -> Self;
    /// The product of the lower 32 bits of both, all 64 bits of it.
    fn raw_mul(self, other: Self) -> Self;

    /// Transposes a square of `WIDTH` vectors of `WIDTH` lanes in place.
    ///
    /// # Panics
    /// When `square` is not `WIDTH` long.
    fn transpose(square: &mut [Self]);
}
