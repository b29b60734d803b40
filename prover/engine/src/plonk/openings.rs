use plonky2::field::extension::FieldExtension;
use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::proof::OpeningSet;

use crate::{D, E, F};

/// gζ: the point that is ζ's neighbour as a row's is the next row's.
pub(crate) fn next_point(degree_bits: usize, zeta: E) -> E {
    <E as FieldExtension<D>>::scalar_mul(&zeta, F::primitive_root_of_unity(degree_bits))
}

/// The proof's set of openings from the two batches.
pub(crate) fn opening_set(common: &CommonCircuitData<F, D>, here: &[E], next: &[E]) -> OpeningSet<F, D> {
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
