use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::proof::OpeningSet;
use rayon::prelude::*;

use super::E;
use crate::{D, F};

/// Polynomials by their coefficients.
pub(super) type Coefficients<'a> = Vec<&'a [F]>;

/// All committed polynomials at ζ, and those that reach into the next row at gζ, in the order of the protocol.
pub(super) struct Batches<'a> {
    /// Opened at ζ: constants, σ, wires, Z, partial products, quotient, lookups.
    pub(super) here: Coefficients<'a>,
    /// Opened at gζ: Z, lookups.
    pub(super) next: Coefficients<'a>,
}

impl<'a> Batches<'a> {
    /// Takes the polynomials of the four oracles.
    pub(super) fn new(
        common: &CommonCircuitData<F, D>,
        constants_sigmas: Coefficients<'a>,
        wires: Coefficients<'a>,
        products: &Coefficients<'a>,
        quotient: Coefficients<'a>,
    ) -> Self {
        let lookups = &products[common.lookup_range()];
        let here = [&constants_sigmas, &wires, &products[..common.lookup_range().start], &quotient, lookups]
            .concat();
        Self { here, next: [&products[common.zs_range()], lookups].concat() }
    }

    /// Evaluates both batches at ζ and at gζ.
    pub(super) fn evaluate(&self, degree_bits: usize, zeta: E) -> [Vec<E>; 2] {
        [evaluate(&self.here, zeta), evaluate(&self.next, next_point(degree_bits, zeta))]
    }
}

/// gζ: the point that is ζ's neighbour as a row's is the next row's.
pub(super) fn next_point(degree_bits: usize, zeta: E) -> E {
    <E as FieldExtension<D>>::scalar_mul(&zeta, F::primitive_root_of_unity(degree_bits))
}

/// The proof's set of openings from the two batches.
pub(super) fn opening_set(common: &CommonCircuitData<F, D>, here: &[E], next: &[E]) -> OpeningSet<F, D> {
    let mut rest = here;
    let mut take = |n: usize| {
        let (taken, left) = rest.split_at(n);
        rest = left;
        taken.to_vec()
    };
    let challenges = common.config.num_challenges;
    OpeningSet {
        constants: take(common.num_constants),
        plonk_sigmas: take(common.config.num_routed_wires),
        wires: take(common.config.num_wires),
        plonk_zs: take(challenges),
        partial_products: take(challenges * common.num_partial_products),
        quotient_polys: take(challenges * common.quotient_degree_factor),
        lookup_zs: take(challenges * common.num_lookup_polys),
        plonk_zs_next: next[..challenges].to_vec(),
        lookup_zs_next: next[challenges..].to_vec(),
    }
}

fn evaluate(polynomials: &[&[F]], point: E) -> Vec<E> {
    let n = polynomials.iter().map(|p| p.len()).max().unwrap_or(0);
    let powers: Vec<<F as Extendable<D>>::Extension> = point.powers().take(n).collect();
    polynomials
        .par_iter()
        .map(|coefficients| {
            let mut sum = [F::ZERO; D];
            for (&c, power) in coefficients.iter().zip(&powers) {
                sum[0] += c * power.0[0];
                sum[1] += c * power.0[1];
            }
            plonky2::field::extension::quadratic::QuadraticExtension(sum)
        })
        .collect()
}
