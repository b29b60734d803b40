//! Two vectors that go the same way at the same time.

use super::{Lanes, MAX_WIDTH};

/// Two of `L`, side by side. A chain of dependent operations (a partial round, an inversion) leaves most of the
/// processor idle; two independent chains in one instruction stream fill it.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Pair<L>([L; 2]);

macro_rules! both {
    ($f:ident, $a:ident $(, $b:ident)*) => {
        Self([$a.0[0].$f($($b.0[0]),*), $a.0[1].$f($($b.0[1]),*)])
    };
}

// SAFETY: two of `L` without padding: `L::WIDTH` `u64`s each.
#[allow(unsafe_code)]
unsafe impl<L: Lanes> Lanes for Pair<L> {
    const WIDTH: usize = 2 * L::WIDTH;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        Self([L::splat(x); 2])
    }

    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> u64) -> Self {
        let first = L::from_fn(&mut f);
        Self([first, L::from_fn(|i| f(L::WIDTH + i))])
    }

    #[inline(always)]
    fn to_array(self) -> [u64; MAX_WIDTH] {
        let mut array = self.0[0].to_array();
        array[L::WIDTH..2 * L::WIDTH].copy_from_slice(&self.0[1].to_array()[..L::WIDTH]);
        array
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        both!(add, self, other)
    }

    #[inline(always)]
    fn add_canonical(self, other: Self) -> Self {
        both!(add_canonical, self, other)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        both!(sub, self, other)
    }

    #[inline(always)]
    fn butterfly(self, other: Self) -> (Self, Self) {
        let (sum0, difference0) = self.0[0].butterfly(other.0[0]);
        let (sum1, difference1) = self.0[1].butterfly(other.0[1]);
        (Self([sum0, sum1]), Self([difference0, difference1]))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        both!(mul, self, other)
    }

    #[inline(always)]
    fn square(self) -> Self {
        both!(square, self)
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        both!(mul_add, self, factor, term)
    }

    #[inline(always)]
    fn reduce_wide(low: Self, high: Self) -> Self {
        Self([L::reduce_wide(low.0[0], high.0[0]), L::reduce_wide(low.0[1], high.0[1])])
    }

    #[inline(always)]
    fn reduce_halves(low: Self, high: Self) -> Self {
        Self([L::reduce_halves(low.0[0], high.0[0]), L::reduce_halves(low.0[1], high.0[1])])
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        both!(canonical, self)
    }

    #[inline(always)]
    fn raw_add(self, other: Self) -> Self {
        both!(raw_add, self, other)
    }

    #[inline(always)]
    fn raw_sub(self, other: Self) -> Self {
        both!(raw_sub, self, other)
    }

    #[inline(always)]
    fn raw_shl<const N: u32>(self) -> Self {
        Self([self.0[0].raw_shl::<N>(), self.0[1].raw_shl::<N>()])
    }

    #[inline(always)]
    fn raw_shr<const N: u32>(self) -> Self {
        Self([self.0[0].raw_shr::<N>(), self.0[1].raw_shr::<N>()])
    }

    #[inline(always)]
    fn low_half(self) -> Self {
        both!(low_half, self)
    }

    #[inline(always)]
    fn transpose(square: &mut [Self]) {
        // Not on any hot path: pairs are for arithmetic without shuffles.
        assert_eq!(square.len(), Self::WIDTH);
        let mut rows = [[0u64; MAX_WIDTH]; MAX_WIDTH];
        for (row, vector) in rows.iter_mut().zip(square.iter()) {
            *row = vector.to_array();
        }
        for (column, vector) in square.iter_mut().enumerate() {
            *vector = Self::from_fn(|lane| rows[lane][column]);
        }
    }
}
