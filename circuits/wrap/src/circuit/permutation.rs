//! The permutation argument at zeta.

use super::extension::Ext;
use super::inner::InnerCircuit;
use super::proof::OpeningCells;
use super::tape::Tape;
use super::transcript::Challenges;

/// Terms of the vanishing polynomial in Plonky2's order: L_0·(Z - 1) for each challenge, then for each challenge
/// the checks of its partial products. Lazy.
///
/// * `l_0`: the first Lagrange polynomial at zeta, reduced
pub fn terms(
    tape: &mut Tape,
    inner: &InnerCircuit,
    openings: &OpeningCells,
    challenges: &Challenges,
    l_0: Ext,
) -> Vec<Ext> {
    let mut terms = Vec::new();
    for &z in &openings.zs {
        let difference = tape.ext_sub(z, Ext::ONE);
        terms.push(tape.ext_mul(l_0, difference));
    }
    for challenge in 0..openings.zs.len() {
        terms.extend(partial_product_checks(tape, inner, openings, challenges, challenge));
    }
    terms
}

/// previous·Π(w + β·k·ζ + γ) - next·Π(w + β·σ + γ) over chunks of wires, along Z(ζ), the partial products, Z(gζ).
fn partial_product_checks(
    tape: &mut Tape,
    inner: &InnerCircuit,
    openings: &OpeningCells,
    challenges: &Challenges,
    index: usize,
) -> Vec<Ext> {
    let common = &inner.common;
    let (beta, gamma) = (Ext::from(challenges.betas[index]), Ext::from(challenges.gammas[index]));
    let beta_zeta = tape.ext_mul_reduced(challenges.zeta, beta);
    let count = common.num_partial_products;
    let partials = &openings.partial_products[index * count..][..count];
    let accumulators: Vec<Ext> = [&[openings.zs[index]], partials, &[openings.zs_next[index]]].concat();

    let wires: Vec<usize> = (0..common.config.num_routed_wires).collect();
    let chunks = wires.chunks(common.quotient_degree_factor);
    assert_eq!(chunks.len() + 1, accumulators.len(), "Plonky2's partial products cover all routed wires");
    chunks
        .zip(accumulators.windows(2))
        .map(|(chunk, pair)| {
            let mut left = pair[0];
            let mut right = pair[1];
            for &wire in chunk {
                let shifted = tape.ext_add(openings.wires[wire], gamma);
                let k = Ext::constant(common.k_is[wire]);
                let numerator = tape.ext_dot(shifted, &[(beta_zeta, k)]);
                let denominator = tape.ext_dot(shifted, &[(openings.sigmas[wire], beta)]);
                left = tape.ext_mul_reduced(numerator, left);
                right = tape.ext_mul_reduced(denominator, right);
            }
            tape.ext_sub(left, right)
        })
        .collect()
}
