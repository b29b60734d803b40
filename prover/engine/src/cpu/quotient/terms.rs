use janction_accel_cpu::{Lanes, pack_mut, unpack};
use plonky2::field::types::{Field, PrimeField64};

use crate::F;

/// The powers of every α.
pub(super) struct AlphaPowers {
    powers: Vec<Vec<F>>,
}

impl AlphaPowers {
    pub(super) fn new(alphas: &[F], terms: usize) -> Self {
        let powers = |alpha: &F| alpha.powers().take(terms).map(|x| F(x.to_canonical_u64())).collect();
        Self { powers: alphas.iter().map(powers).collect() }
    }
}

/// The combinations of terms at the points of a block, one for each α.
pub(super) struct Sums<'a, L> {
    powers: &'a AlphaPowers,
    /// Vectors of points.
    vectors: usize,
    /// Challenge by challenge, the points' sums.
    sums: &'a mut [L],
    /// The term that comes next.
    next: usize,
}

impl<'a, L: Lanes> Sums<'a, L> {
    #[inline(always)]
    pub(super) fn new(powers: &'a AlphaPowers, sums: &'a mut [F], points: usize) -> Self {
        sums.fill(F::ZERO);
        Self { powers, vectors: points / L::WIDTH, sums: pack_mut(sums), next: 0 }
    }

    #[inline(always)]
    pub(super) fn vectors(&self) -> usize {
        self.vectors
    }

    /// Adds the term at `offset` from the next one, at one vector of points.
    #[inline(always)]
    pub(super) fn add(&mut self, offset: usize, vector: usize, term: L) {
        for (c, powers) in self.powers.powers.iter().enumerate() {
            let sum = &mut self.sums[c * self.vectors + vector];
            *sum = term.mul_add(L::splat(powers[self.next + offset].0), *sum);
        }
    }

    /// Adds a run of terms from the next one on: `terms` holds them one after the other, each at all points.
    #[inline(always)]
    pub(super) fn add_all(&mut self, terms: &[L]) {
        for (offset, term) in terms.chunks_exact(self.vectors).enumerate() {
            for (vector, &term) in term.iter().enumerate() {
                self.add(offset, vector, term);
            }
        }
        self.skip(terms.len() / self.vectors);
    }

    /// Ends a run of terms.
    #[inline(always)]
    pub(super) fn skip(&mut self, terms: usize) {
        self.next += terms;
    }

    /// Multiplies the sums by `factors` and writes them out, a slice of points for each α.
    #[inline(always)]
    pub(super) fn write(&mut self, factors: &[L], out: &mut [&mut [F]]) {
        for (sums, out) in self.sums.chunks_exact_mut(self.vectors).zip(out) {
            sums.iter_mut().zip(factors).for_each(|(sum, &factor)| *sum = sum.mul(factor));
            out.copy_from_slice(unpack(sums));
        }
    }
}
