use janction_accel_cpu::{Backend, Columns, Kernel, Lanes, ntt, pack_mut};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;
use plonky2::fri::proof::FriQueryStep;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::config::Hasher;
use rayon::prelude::*;

use crate::blocks::{columns_mut, row_blocks};
use crate::cpu::tree::{Hashing, Tree};
use crate::{D, E, EngineError, F};

/// A committed codeword. A leaf is a coset of as many values as the fold joins: a row of `values` holds them as pairs
/// of base field elements.
pub(in crate::cpu) struct Layer<H: Hasher<F>> {
    values: Columns,
    tree: Tree<H>,
}

impl<H: Hasher<F> + 'static> Layer<H> {
    /// Commits to the values of a polynomial on the extended coset of `shift`, 2^`arity_bits` a leaf.
    pub(in crate::cpu) fn new(
        hashing: &Hashing<H>,
        coefficients: &[E],
        config: &FriConfig,
        shift: F,
        arity_bits: usize,
    ) -> Result<Self, EngineError> {
        let values = codeword(hashing.backend, coefficients, config.rate_bits, shift, arity_bits)?;
        let tree = Tree::new(hashing, &values, config.cap_height)?;
        Ok(Self { values, tree })
    }

    pub(in crate::cpu) fn cap(&self) -> MerkleCap<F, H> {
        self.tree.cap()
    }

    /// One leaf and its path.
    pub(in crate::cpu) fn open(&self, leaf: usize) -> FriQueryStep<F, H, D> {
        let values = self.values.row(leaf);
        let evals = values.chunks_exact(D).map(|pair| QuadraticExtension([pair[0], pair[1]])).collect();
        FriQueryStep { evals, merkle_proof: self.tree.prove(leaf) }
    }
}

/// Coefficients that a thread combines at once: their sums stay in its first cache.
const BLOCK: usize = 1 << 10;

/// Σ_i α^(k_i) (F_i(X) - F_i(z_i)) / (X - z_i), where F_i is the combination of batch i by powers of α and k_i the number of
/// polynomials in the batches after it: coefficients, as many as the polynomials have.
pub(in crate::cpu) fn combine(backend: Backend, batches: &[(&Vec<&[F]>, E)], alpha: E) -> Vec<E> {
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

/// Joins every 2^`arity_bits` coefficients by powers of β.
pub(in crate::cpu) fn fold(coefficients: &[E], arity_bits: usize, beta: E) -> Vec<E> {
    coefficients
        .par_chunks(1 << arity_bits)
        .map(|chunk| chunk.iter().rev().fold(E::ZERO, |sum, &c| sum * beta + c))
        .collect()
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
