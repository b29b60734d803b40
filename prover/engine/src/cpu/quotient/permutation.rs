use janction_accel_cpu::{Lanes, pack};
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::block::Inputs;
use super::terms::Sums;
use crate::plonk::{Challenges, wire_chunks};
use crate::{D, F};

/// Adds, for all challenges, L_1 (Z - 1), and then the steps from Z over the partial products to the next row's Z.
#[inline(always)]
pub(super) fn add<L: Lanes>(
    common: &CommonCircuitData<F, D>,
    inputs: &Inputs,
    challenges: &Challenges,
    sums: &mut Sums<'_, L>,
) {
    let (count, partials) = (challenges.betas.len(), common.num_partial_products);
    let vectors = sums.vectors();
    let products = pack::<L>(&inputs.products);
    let lagrange = pack::<L>(&inputs.lagrange_first);
    for c in 0..count {
        for v in 0..vectors {
            sums.add(c, v, lagrange[v].mul(products[c * vectors + v].sub(L::splat(1))));
        }
    }
    sums.skip(count);
    for c in 0..count {
        add_steps(common, inputs, challenges, c, sums);
        sums.skip(1 + partials);
    }
}

/// The steps of one challenge: for each chunk of wires, before · numerators - after · denominators.
#[inline(always)]
fn add_steps<L: Lanes>(
    common: &CommonCircuitData<F, D>,
    inputs: &Inputs,
    challenges: &Challenges,
    c: usize,
    sums: &mut Sums<'_, L>,
) {
    let (count, partials) = (challenges.betas.len(), common.num_partial_products);
    let vectors = sums.vectors();
    let (products, next) = (pack::<L>(&inputs.products), pack::<L>(&inputs.next_products));
    let (wires, sigmas) = (pack::<L>(&inputs.wires), pack::<L>(&inputs.sigmas));
    let xs = pack::<L>(&inputs.xs);
    let (beta, gamma) = (L::splat(challenges.betas[c].0), L::splat(challenges.gammas[c].0).canonical());
    for (step, js) in wire_chunks(common).enumerate() {
        // The accumulators' columns: Z, then the partial products of this challenge.
        let before = if step == 0 { c } else { count + c * partials + step - 1 };
        for (v, &x) in xs.iter().enumerate() {
            let (mut numerator, mut denominator) = (L::splat(1), L::splat(1));
            let beta_x = beta.mul(x);
            for j in js.clone() {
                let shifted = wires[j * vectors + v].add_canonical(gamma);
                numerator = numerator.mul(beta_x.mul_add(L::splat(common.k_is[j].0), shifted));
                denominator = denominator.mul(beta.mul_add(sigmas[j * vectors + v], shifted));
            }
            let after = if step == partials {
                next[c * vectors + v]
            } else {
                products[(count + c * partials + step) * vectors + v]
            };
            let before = products[before * vectors + v];
            sums.add(step, v, before.mul(numerator).sub(after.mul(denominator)));
        }
    }
}
