use plonky2::field::packed::PackedField;
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::Challenges;
use super::block::Block;
use super::terms::Sums;
use crate::cpu::permutation::wire_chunks;
use crate::{D, F};

/// Adds, for all challenges, L_1 (Z - 1), and then the steps from Z over the partial products to the next row's Z.
pub(super) fn add<P: PackedField<Scalar = F>>(
    common: &CommonCircuitData<F, D>,
    block: &Block,
    challenges: &Challenges<'_>,
    sums: &mut Sums<'_, P>,
) {
    let (count, partials) = (challenges.betas.len(), common.num_partial_products);
    let vectors = sums.vectors();
    let (products, next) = (P::pack_slice(&block.products), P::pack_slice(&block.next_products));
    let (wires, sigmas) = (P::pack_slice(&block.wires), P::pack_slice(&block.sigmas));
    let (xs, lagrange) = (P::pack_slice(&block.xs), P::pack_slice(&block.lagrange_first));
    for c in 0..count {
        for v in 0..vectors {
            sums.add(c, v, lagrange[v] * (products[c * vectors + v] - P::ONES));
        }
    }
    sums.skip(count);
    for (c, (&beta, &gamma)) in challenges.betas.iter().zip(challenges.gammas).enumerate() {
        // The accumulators' columns: Z, then the partial products of this challenge.
        let accumulator = |step: usize| if step == 0 { c } else { count + c * partials + step - 1 };
        for (step, js) in wire_chunks(common).enumerate() {
            let k_betas: Vec<F> = js.clone().map(|j| common.k_is[j] * beta).collect();
            for v in 0..vectors {
                let (mut numerator, mut denominator) = (P::ONES, P::ONES);
                for (j, &k_beta) in js.clone().zip(&k_betas) {
                    let shifted = wires[j * vectors + v] + gamma;
                    numerator *= shifted + xs[v] * k_beta;
                    denominator *= shifted + sigmas[j * vectors + v] * beta;
                }
                let before = products[accumulator(step) * vectors + v];
                let after = if step == partials {
                    next[c * vectors + v]
                } else {
                    products[accumulator(step + 1) * vectors + v]
                };
                sums.add(step, v, before * numerator - after * denominator);
            }
        }
        sums.skip(1 + partials);
    }
}
