use janction_accel_cpu::{Backend, Columns, Kernel, Lanes, ntt, pack_mut};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::FriParams;
use plonky2::plonk::config::Hasher;
use rayon::prelude::*;

use crate::cpu::E;
use crate::cpu::blocks::{columns_mut, row_blocks};
use crate::cpu::transcript::Transcript;
use crate::cpu::tree::{Hashing, Tree};
use crate::{D, EngineError, F};

/// A committed codeword. A leaf is a coset of as many values as the fold joins: a row of `values` holds them as pairs
/// of base field elements.
pub(super) struct Layer<H: Hasher<F>> {
    pub(super) values: Columns,
    pub(super) tree: Tree<H>,
}

impl<H: Hasher<F>> Layer<H> {
    /// The values of one leaf.
    pub(super) fn leaf(&self, index: usize) -> Vec<E> {
        self.values.row(index).chunks_exact(D).map(|pair| QuadraticExtension([pair[0], pair[1]])).collect()
    }
}

/// Coefficients that a thread combines at once: their sums stay in its first cache.
const BLOCK: usize = 1 << 10;

/// Σ_i α^(k_i) (F_i(X) - F_i(z_i)) / (X - z_i), where F_i is the combination of batch i by powers of α and k_i the number of
/// polynomials in the batches after it: coefficients, as many as the polynomials have.
pub(super) fn combine(backend: Backend, batches: &[(&Vec<&[F]>, E)], alpha: E) -> Vec<E> {
    let n =
        batches.iter().flat_map(|(polynomials, _)| polynomials.iter()).map(|p| p.len()).max().unwrap_or(0);
    let mut combined = vec![E::ZERO; n];
    for (polynomials, point) in batches {
        let powers: Vec<E> = alpha.powers().take(polynomials.len() + 1).collect();
        let mut sum = Columns::zeros(n, D);
        row_blocks(&mut sum, BLOCK).into_par_iter().enumerate().for_each(|(block, sums)| {
            let first = block * BLOCK;
            backend.run(Combine { polynomials, powers: &powers, first, sums });
        });
        let shift = powers[polynomials.len()];
        // Synthetic division from the highest coefficient; the remainder F_i(z_i) drops out.
        let mut carry = E::ZERO;
        let coefficients = sum.column(0).iter().zip(sum.column(1));
        for (total, (&re, &im)) in combined.iter_mut().zip(coefficients).rev() {
            *total = *total * shift + carry;
            carry = QuadraticExtension([re, im]) + *point * carry;
        }
    }
    combined
}

/// Adds Σ_i α^i c_i at the coefficients from `first` on.
struct Combine<'a> {
    polynomials: &'a [&'a [F]],
    powers: &'a [E],
    first: usize,
    sums: Vec<&'a mut [F]>,
}

impl Kernel for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let count = self.sums[0].len();
        let whole = count / L::WIDTH * L::WIDTH;
        let [re, im] = &mut self.sums[..] else { return };
        for (polynomial, power) in self.polynomials.iter().zip(self.powers) {
            let coefficients = &polynomial[self.first..][..count];
            let [a, b] = power.0.map(|x| L::splat(x.0));
            let sums = pack_mut::<L>(&mut re[..whole]).iter_mut().zip(pack_mut::<L>(&mut im[..whole]));
            for (c, (re, im)) in coefficients.chunks_exact(L::WIDTH).zip(sums) {
                let c = L::from_fn(|i| c[i].0);
                *re = c.mul_add(a, *re);
                *im = c.mul_add(b, *im);
            }
            for i in whole..count {
                re[i] += coefficients[i] * power.0[0];
                im[i] += coefficients[i] * power.0[1];
            }
        }
    }
}

/// Commits to the codeword, folds it by a challenge, and so on; returns the layers and the last polynomial.
pub(super) fn fold<H: Hasher<F> + 'static>(
    hashing: &Hashing<H>,
    params: &FriParams,
    mut coefficients: Vec<E>,
    transcript: &mut Transcript<H>,
) -> Result<(Vec<Layer<H>>, Vec<E>), EngineError> {
    let mut shift = F::coset_shift();
    let mut layers = Vec::with_capacity(params.reduction_arity_bits.len());
    for &arity_bits in &params.reduction_arity_bits {
        let values = codeword(hashing.backend, &coefficients, params.config.rate_bits, shift, arity_bits)?;
        let tree = Tree::new(hashing, &values, params.config.cap_height)?;
        transcript.observe_cap(&tree.cap().0);
        layers.push(Layer { values, tree });
        let beta = transcript.extension_challenge();
        coefficients = coefficients
            .par_chunks(1 << arity_bits)
            .map(|chunk| chunk.iter().rev().fold(E::ZERO, |sum, &c| sum * beta + c))
            .collect();
        shift = shift.exp_power_of_2(arity_bits);
    }
    transcript.observe_extension(&coefficients);
    Ok((layers, coefficients))
}

/// The values of a polynomial over the extension field, a leaf a row.
fn codeword(
    backend: Backend,
    coefficients: &[E],
    rate_bits: usize,
    shift: F,
    arity_bits: usize,
) -> Result<Columns, EngineError> {
    let mut parts = Columns::zeros(coefficients.len(), D);
    for (d, column) in columns_mut(&mut parts).into_iter().enumerate() {
        column.iter_mut().zip(coefficients).for_each(|(x, c)| *x = c.0[d]);
    }
    // Points, and with them the twiddle factors, lie in the base field: the two halves are polynomials of their own.
    let extended = ntt::coset_lde(backend, &parts, rate_bits, shift)?;
    let mut leaves = Columns::zeros(extended.rows() >> arity_bits, D << arity_bits);
    leaves.par_columns_mut().enumerate().for_each(|(j, column)| {
        let (position, d) = (j / D, j % D);
        let values = extended.column(d)[position..].iter().step_by(1 << arity_bits);
        column.iter_mut().zip(values).for_each(|(x, &v)| *x = v);
    });
    Ok(leaves)
}
