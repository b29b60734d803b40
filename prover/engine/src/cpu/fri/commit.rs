use plonky2::field::extension::FieldExtension;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::FriParams;
use plonky2::plonk::config::Hasher;
use rayon::prelude::*;

use crate::cpu::columns::Columns;
use crate::cpu::transcript::Transcript;
use crate::cpu::tree::Tree;
use crate::cpu::{E, poly};
use crate::{D, F};

/// A committed codeword. A leaf is a coset of as many values as the fold joins: a row of `values` holds them as pairs
/// of base field elements.
pub(super) struct Layer<H: Hasher<F>> {
    pub(super) values: Columns,
    pub(super) tree: Tree<H>,
}

/// Coefficients that a thread combines at once.
const BLOCK: usize = 1 << 10;

/// Σ_i α^(k_i) (F_i(X) - F_i(z_i)) / (X - z_i), where F_i is the combination of batch i by powers of α and k_i the number of
/// polynomials in the batches after it: coefficients, as many as the polynomials have.
pub(super) fn combine(batches: &[(&Vec<&[F]>, E)], alpha: E) -> Vec<E> {
    let n =
        batches.iter().flat_map(|(polynomials, _)| polynomials.iter()).map(|p| p.len()).max().unwrap_or(0);
    let mut combined = vec![E::ZERO; n];
    for (polynomials, point) in batches {
        let powers: Vec<E> = alpha.powers().take(polynomials.len() + 1).collect();
        let mut sum = vec![E::ZERO; n];
        sum.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sum)| {
            for (polynomial, power) in polynomials.iter().zip(&powers) {
                for (s, &c) in sum.iter_mut().zip(&polynomial[block * BLOCK..]) {
                    s.0[0] += c * power.0[0];
                    s.0[1] += c * power.0[1];
                }
            }
        });
        let shift = powers[polynomials.len()];
        // Synthetic division from the highest coefficient; the remainder F_i(z_i) drops out.
        let mut carry = E::ZERO;
        for (total, coefficient) in combined.iter_mut().zip(sum).rev() {
            *total = *total * shift + carry;
            carry = coefficient + *point * carry;
        }
    }
    combined
}

/// Commits to the codeword, folds it by a challenge, and so on; returns the layers and the last polynomial.
pub(super) fn fold<H: Hasher<F>>(
    params: &FriParams,
    mut coefficients: Vec<E>,
    transcript: &mut Transcript<H>,
) -> (Vec<Layer<H>>, Vec<E>) {
    let mut shift = F::coset_shift();
    let mut layers = Vec::with_capacity(params.reduction_arity_bits.len());
    for &arity_bits in &params.reduction_arity_bits {
        let values = codeword(&coefficients, params.config.rate_bits, shift, arity_bits);
        let tree = Tree::new(&values, params.config.cap_height);
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
    (layers, coefficients)
}

/// The values of a polynomial over the extension field, a leaf a row.
fn codeword(coefficients: &[E], rate_bits: usize, shift: F, arity_bits: usize) -> Columns {
    let mut parts = Columns::zero(D, coefficients.len());
    for (d, column) in parts.columns_mut().enumerate() {
        column.iter_mut().zip(coefficients).for_each(|(x, c)| *x = c.0[d]);
    }
    // Points, and with them the twiddle factors, lie in the base field: the two halves are polynomials of their own.
    let extended = poly::extend(&parts, rate_bits, shift);
    let mut leaves = Columns::zero(D << arity_bits, extended.rows() >> arity_bits);
    leaves.par_columns_mut().enumerate().for_each(|(j, column)| {
        let (position, d) = (j / D, j % D);
        let values = extended.column(d)[position..].iter().step_by(1 << arity_bits);
        column.iter_mut().zip(values).for_each(|(x, &v)| *x = v);
    });
    leaves
}

/// The values of one leaf.
pub(super) fn leaf<H: Hasher<F>>(layer: &Layer<H>, index: usize) -> Vec<E> {
    let row = layer.values.row(index);
    row.chunks_exact(D)
        .map(|pair| <QuadraticExtension<F> as FieldExtension<D>>::from_basefield_array([pair[0], pair[1]]))
        .collect()
}
