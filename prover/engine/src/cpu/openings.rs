use janction_accel_cpu::{Backend, Columns, Extension, Kernel, Lanes, pack};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CommonCircuitData;
use rayon::prelude::*;

use crate::{D, E, F};

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
        let (products, lookups) = products.split_at(common.lookup_range().start);
        let here = [&constants_sigmas, &wires, products, &quotient, lookups].concat();
        Self { here, next: [&products[common.zs_range()], lookups].concat() }
    }

    /// Evaluates both batches, at ζ and at gζ.
    pub(super) fn evaluate(&self, backend: Backend, points: [E; 2]) -> [Vec<E>; 2] {
        [evaluate(backend, &self.here, points[0]), evaluate(backend, &self.next, points[1])]
    }
}

fn evaluate(backend: Backend, polynomials: &[&[F]], point: E) -> Vec<E> {
    let n = polynomials.iter().map(|p| p.len()).max().unwrap_or(0);
    let mut powers = Columns::zeros(n, D);
    for (i, power) in point.powers().take(n).enumerate() {
        powers.column_mut(0)[i] = power.0[0];
        powers.column_mut(1)[i] = power.0[1];
    }
    let powers = [powers.column(0), powers.column(1)];
    polynomials
        .par_iter()
        .map(|coefficients| QuadraticExtension(backend.run(InnerProduct { coefficients, powers })))
        .collect()
}

/// Σ c_i x^i over the coefficients c and the powers of x in the extension field.
struct InnerProduct<'a> {
    coefficients: &'a [F],
    powers: [&'a [F]; D],
}

impl Kernel for InnerProduct<'_> {
    type Output = [F; D];

    #[inline(always)]
    fn run<L: Lanes>(self) -> [F; D] {
        let whole = self.coefficients.len() / L::WIDTH * L::WIDTH;
        let powers = self.powers.map(|powers| powers.split_at(whole));
        let (re, im) = (pack::<L>(powers[0].0), pack::<L>(powers[1].0));
        let mut sum = Extension::from_base(L::splat(0));
        let (vectors, rest) = self.coefficients.split_at(whole);
        for ((c, &re), &im) in vectors.chunks_exact(L::WIDTH).zip(re).zip(im) {
            sum = Extension([re, im]).scale_add(L::from_fn(|i| c[i].0), sum);
        }
        let mut total = sum.0.map(|lanes| lanes.to_array()[..L::WIDTH].iter().map(|&x| F(x)).sum::<F>());
        for (d, total) in total.iter_mut().enumerate() {
            *total += rest.iter().zip(powers[d].1).map(|(&c, &power)| c * power).sum::<F>();
        }
        total
    }
}
