//! Operations on whole slices of elements.

use plonky2::field::types::{Field, PrimeField64};

use crate::F;
use crate::backend::{Backend, Kernel};
use crate::error::AccelError;
use crate::lanes::{Lanes, MAX_WIDTH};

/// The same element, below p.
#[inline(always)]
pub fn canonical(x: F) -> F {
    F(x.to_canonical_u64())
}

/// The inverses of `elements`, by Montgomery's trick: three multiplications each.
///
/// # Errors
/// [`AccelError::ZeroInverse`] with the index of the first zero.
pub fn batch_inverse(backend: Backend, elements: &[F]) -> Result<Vec<F>, AccelError> {
    if let Some(index) = elements.iter().position(|x| x.is_zero()) {
        return Err(AccelError::ZeroInverse { index });
    }
    Ok(backend.run(BatchInverse { elements }))
}

struct BatchInverse<'a> {
    elements: &'a [F],
}

impl Kernel for BatchInverse<'_> {
    type Output = Vec<F>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<F> {
        // Lane i multiplies up every WIDTH-th element; the lanes' products are inverted together at the end.
        let elements = self.elements;
        let load = |chunk: &[F]| L::from_fn(|i| chunk.get(i).map_or(1, |x| x.0));
        let mut product = L::splat(1);
        let mut before = Vec::with_capacity(elements.len().div_ceil(L::WIDTH));
        for chunk in elements.chunks(L::WIDTH) {
            before.push(product);
            product = product.mul(load(chunk));
        }
        let products = product.to_array().map(F);
        let mut inverses = [0; MAX_WIDTH];
        for (inverse, x) in inverses.iter_mut().zip(products).take(L::WIDTH) {
            *inverse = x.inverse().0;
        }
        let mut inverse = L::from_fn(|i| inverses[i]);
        let mut out = vec![F::ZERO; elements.len()];
        for ((chunk, to), before) in
            elements.chunks(L::WIDTH).zip(out.chunks_mut(L::WIDTH)).zip(&before).rev()
        {
            let result = inverse.mul(*before).canonical().to_array();
            for (to, x) in to.iter_mut().zip(result) {
                *to = F(x);
            }
            inverse = inverse.mul(load(chunk));
        }
        out
    }
}
