//! One lane, for processors of any kind. The other backends are tested against this one and against Plonky2.

use super::{EPSILON, Lanes, MAX_WIDTH, P};

/// One element.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Scalar(pub u64);

// SAFETY: a transparent wrapper of one `u64`.
#[allow(unsafe_code)]
unsafe impl Lanes for Scalar {
    const WIDTH: usize = 1;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        Self(x)
    }

    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> u64) -> Self {
        Self(f(0))
    }

    #[inline(always)]
    fn to_array(self) -> [u64; MAX_WIDTH] {
        let mut array = [0; MAX_WIDTH];
        array[0] = self.0;
        array
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(add_canonical(self.0, canonical(other.0)))
    }

    #[inline(always)]
    fn add_canonical(self, other: Self) -> Self {
        Self(add_canonical(self.0, other.0))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(sub_canonical(self.0, canonical(other.0)))
    }

    #[inline(always)]
    fn butterfly(self, other: Self) -> (Self, Self) {
        let other = canonical(other.0);
        (Self(add_canonical(self.0, other)), Self(sub_canonical(self.0, other)))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let product = u128::from(self.0) * u128::from(other.0);
        Self(reduce(product as u64, (product >> 64) as u64))
    }

    #[inline(always)]
    fn square(self) -> Self {
        self.mul(self)
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // (2^64 - 1)^2 + 2^64 - 1 < 2^128
        let sum = u128::from(self.0) * u128::from(factor.0) + u128::from(term.0);
        Self(reduce(sum as u64, (sum >> 64) as u64))
    }

    #[inline(always)]
    fn reduce_wide(low: Self, high: Self) -> Self {
        Self(reduce(low.0, high.0))
    }

    #[inline(always)]
    fn reduce_halves(low: Self, high: Self) -> Self {
        // high = h1 · 2^32 + h0, and 2^64 = EPSILON: low + h1 · EPSILON + 2^32 · h0. The first two stay below
        // 2^61, so that the correction after the last sum cannot overflow once more.
        let low = low.0.wrapping_add((high.0 >> 32).wrapping_mul(EPSILON));
        Self(add_canonical(low, high.0 << 32))
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        Self(canonical(self.0))
    }

    #[inline(always)]
    fn raw_add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    #[inline(always)]
    fn raw_sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    #[inline(always)]
    fn raw_and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[inline(always)]
    fn raw_mul(self, other: Self) -> Self {
        Self((self.0 & EPSILON).wrapping_mul(other.0 & EPSILON))
    }

    #[inline(always)]
    fn raw_shl<const N: u32>(self) -> Self {
        Self(self.0 << N)
    }

    #[inline(always)]
    fn raw_shr<const N: u32>(self) -> Self {
        Self(self.0 >> N)
    }

    #[inline(always)]
    fn low_half(self) -> Self {
        Self(self.0 & EPSILON)
    }

    #[inline(always)]
    fn transpose(square: &mut [Self]) {
        assert_eq!(square.len(), 1);
    }
}

#[inline(always)]
fn canonical(x: u64) -> u64 {
    if x >= P { x.wrapping_sub(P) } else { x }
}

/// `x + y`, one of which is below p (or so small that the sum stays below 2^64 + p).
#[inline(always)]
fn add_canonical(x: u64, y: u64) -> u64 {
    let (sum, over) = x.overflowing_add(y);
    sum.wrapping_add(EPSILON * u64::from(over))
}

/// `x - y` for `y` below p.
#[inline(always)]
fn sub_canonical(x: u64, y: u64) -> u64 {
    let (difference, under) = x.overflowing_sub(y);
    difference.wrapping_sub(EPSILON * u64::from(under))
}

/// `low + 2^64 · high`, by 2^64 = 2^32 - 1 and 2^96 = -1.
#[inline(always)]
fn reduce(low: u64, high: u64) -> u64 {
    let folded = sub_canonical(low, high >> 32);
    // (2^32 - 1)^2 is below p.
    add_canonical(folded, (high & EPSILON).wrapping_mul(EPSILON))
}
