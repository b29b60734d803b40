use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;

use crate::F;

/// The powers of every α.
pub(super) struct AlphaPowers {
    powers: Vec<Vec<F>>,
}

impl AlphaPowers {
    pub(super) fn new(alphas: &[F], terms: usize) -> Self {
        Self { powers: alphas.iter().map(|alpha| alpha.powers().take(terms).collect()).collect() }
    }
}

/// The combinations of terms at the points of a block, one for each α.
pub(super) struct Sums<'a, P> {
    powers: &'a AlphaPowers,
    /// Vectors of points.
    vectors: usize,
    /// Challenge by challenge, the points' sums.
    sums: Vec<P>,
    /// The term that comes next.
    next: usize,
}

impl<'a, P: PackedField<Scalar = F>> Sums<'a, P> {
    pub(super) fn new(powers: &'a AlphaPowers, points: usize) -> Self {
        let vectors = points / P::WIDTH;
        Self { powers, vectors, sums: vec![P::ZEROS; vectors * powers.powers.len()], next: 0 }
    }

    pub(super) fn vectors(&self) -> usize {
        self.vectors
    }

    pub(super) fn clear(&mut self) {
        self.sums.fill(P::ZEROS);
        self.next = 0;
    }

    /// Adds the term at `offset` from the next one, at one vector of points.
    #[inline]
    pub(super) fn add(&mut self, offset: usize, vector: usize, term: P) {
        for (c, powers) in self.powers.powers.iter().enumerate() {
            self.sums[c * self.vectors + vector] += term * powers[self.next + offset];
        }
    }

    /// Adds a run of terms from the next one on: `terms` holds them one after the other, each at all points.
    pub(super) fn add_all(&mut self, terms: &[P]) {
        for (c, powers) in self.powers.powers.iter().enumerate() {
            let sums = &mut self.sums[c * self.vectors..][..self.vectors];
            for (term, &power) in terms.chunks_exact(self.vectors).zip(&powers[self.next..]) {
                sums.iter_mut().zip(term).for_each(|(sum, &t)| *sum += t * power);
            }
        }
        self.skip(terms.len() / self.vectors);
    }

    /// Ends a run of terms.
    pub(super) fn skip(&mut self, terms: usize) {
        self.next += terms;
    }

    /// Multiplies the sums by `factors` and writes them out, a slice of points for each α.
    pub(super) fn write(&self, factors: &[P], out: &mut [&mut [F]]) {
        for (sums, out) in self.sums.chunks_exact(self.vectors).zip(out) {
            for ((out, &sum), &factor) in P::pack_slice_mut(out).iter_mut().zip(sums).zip(factors) {
                *out = sum * factor;
            }
        }
    }
}
