//! FRI: the queries against the initial trees, the foldings and the final polynomial.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field as _;
use plonky2::field::types::Field;

use super::bound::U256;
use super::extension::Ext;
use super::goldilocks::Gl;
use super::inner::InnerCircuit;
use super::merkle;
use super::proof::{PathCells, ProofCells, QueryCells, digest_to_fr};
use super::range::LIMB_BITS;
use super::tape::{Cell, Input, Tape};
use super::transcript::Challenges;
use crate::last_layer::F;

/// What all queries share.
#[derive(Clone, Debug)]
struct Batches {
    /// Powers of the combination challenge, one for each polynomial.
    alpha_powers: Vec<Ext>,
    /// (point, combined opening at it) for zeta and g·zeta.
    openings: [(Ext, Ext); 2],
    /// Indices of the Z polynomials in their tree, which are those opened at g·zeta.
    num_zs: usize,
}

/// Verifies all queries.
pub fn check(tape: &mut Tape, inner: &InnerCircuit, proof: &ProofCells, challenges: &Challenges) {
    let batches = combine_openings(tape, inner, proof, challenges);
    for (query, &index) in proof.queries.iter().zip(&challenges.query_indices) {
        let bits = index_bits(tape, index, inner.lde_bits());
        check_query(tape, inner, proof, challenges, &batches, query, &bits);
    }
}

fn combine(tape: &mut Tape, values: &[Ext], powers: &[Ext]) -> Ext {
    let pairs: Vec<_> = powers.iter().copied().zip(values.iter().copied()).collect();
    let sum = tape.ext_dot(Ext::ZERO, &pairs);
    tape.ext_reduce(sum)
}

fn combine_openings(
    tape: &mut Tape,
    inner: &InnerCircuit,
    proof: &ProofCells,
    challenges: &Challenges,
) -> Batches {
    let at_zeta = proof.openings.zeta_batch();
    let at_next = &proof.openings.zs_next;
    let alpha_powers = tape.ext_powers(challenges.fri_alpha, at_zeta.len());
    let g = Ext::constant(F::primitive_root_of_unity(inner.common.degree_bits()));
    let zeta_next = tape.ext_mul_reduced(challenges.zeta, g);
    let openings = [
        (challenges.zeta, combine(tape, &at_zeta, &alpha_powers)),
        (zeta_next, combine(tape, at_next, &alpha_powers)),
    ];
    Batches { alpha_powers, openings, num_zs: at_next.len() }
}

/// Low bits of a canonical challenge, each constrained to 0 or 1, least first.
fn index_bits(tape: &mut Tape, challenge: Cell, count: usize) -> Vec<Cell> {
    let integer = U256::from_fr(&challenge.value);
    let bits: Vec<Cell> = (0..count)
        .map(|i| {
            let bit = tape.push(Input::Witness(integer.shift_right(i).low_bits(1).to_fr()));
            tape.assert_bit(bit);
            bit
        })
        .collect();
    // challenge = Σ bit_i·2^i + 2^count·high with high < 2^(16·limbs): nothing wraps, so both parts are unique.
    let high = Input::Witness(integer.shift_right(count).to_fr());
    let high = tape.range_check(high, (64 - count).div_ceil(LIMB_BITS))[0];
    let weights = (0..=count).map(|i| Input::Constant(U256::power_of_two(i).to_fr()));
    let rebuilt = tape
        .dot(Input::Constant(Fr::ZERO), bits.iter().copied().chain([high]).zip(weights).collect::<Vec<_>>());
    tape.assert_same(rebuilt, challenge);
    bits
}

/// start·Π constant_i over the bits that are one, reduced.
fn product_over_bits(tape: &mut Tape, start: Gl, bits: &[Cell], constants: impl Iterator<Item = F>) -> Gl {
    bits.iter().zip(constants).fold(start, |product, (&bit, constant)| {
        let bit = Gl::assume_bounded(bit, U256::from(1));
        let factor = tape.gl_dot(Gl::ONE, &[(bit, Gl::constant(constant - F::ONE))]);
        let product = tape.gl_mul(factor, product);
        tape.gl_reduce(product)
    })
}

fn check_query(
    tape: &mut Tape,
    inner: &InnerCircuit,
    proof: &ProofCells,
    challenges: &Challenges,
    batches: &Batches,
    query: &QueryCells,
    bits: &[Cell],
) {
    check_initial_trees(tape, inner, proof, query, bits);
    // x = shift·ω^rev(index): bit i of the index has the weight 2^(n-1-i) in the exponent.
    let lde_bits = inner.lde_bits();
    let root = F::primitive_root_of_unity(lde_bits);
    let powers = (0..lde_bits).map(|i| root.exp_power_of_2(lde_bits - 1 - i));
    let mut x = product_over_bits(tape, Gl::constant(F::coset_shift()), bits, powers);
    let mut value = combine_initial(tape, batches, query, x);
    let mut bits = bits;
    for ((step, &root), &beta) in query.steps.iter().zip(&proof.fold_roots).zip(&challenges.fri_betas) {
        let arity_bits = step.leaf.len().ilog2() as usize;
        let (within, above) = bits.split_at(arity_bits);
        check_step_tree(tape, step, above, root);
        let claimed = select(tape, &step.leaf, within);
        tape.ext_assert_equal(claimed, value);
        value = fold(tape, &step.leaf, within, x, beta);
        for _ in 0..arity_bits {
            let square = tape.gl_mul(x, x);
            x = tape.gl_reduce(square);
        }
        bits = above;
    }
    let expected = tape.ext_reduce_with_powers(&proof.final_polynomial, x.into());
    tape.ext_assert_equal(expected, value);
}

/// The leaves of a query belong to the four initial trees.
fn check_initial_trees(
    tape: &mut Tape,
    inner: &InnerCircuit,
    proof: &ProofCells,
    query: &QueryCells,
    bits: &[Cell],
) {
    let constants_root = digest_to_fr(inner.verifier_only.constants_sigmas_cap.0[0]);
    let roots = [None, Some(proof.wires_root), Some(proof.zs_root), Some(proof.quotients_root)];
    for (path, root) in query.initial.iter().zip(roots) {
        let computed = merkle::root(tape, &path.leaf, bits, &path.siblings);
        match root {
            Some(root) => tape.assert_same(computed, root),
            None => tape.assert_constant(computed, constants_root),
        }
    }
}

fn check_step_tree(tape: &mut Tape, step: &PathCells<Ext>, bits: &[Cell], root: Cell) {
    let leaf: Vec<Gl> = step.leaf.iter().flat_map(|value| value.0).collect();
    let computed = merkle::root(tape, &leaf, bits, &step.siblings);
    tape.assert_same(computed, root);
}

/// Σ over both points of (combined value at x - combined opening)/(x - point), the first times α^(number of
/// polynomials at the second).
fn combine_initial(tape: &mut Tape, batches: &Batches, query: &QueryCells, x: Gl) -> Ext {
    let at_zeta: Vec<Ext> = query.initial.iter().flat_map(|path| &path.leaf).map(|&v| v.into()).collect();
    let zs = &query.initial[2].leaf[..batches.num_zs];
    let at_next: Vec<Ext> = zs.iter().map(|&v| v.into()).collect();
    let mut quotient = |values: &[Ext], (point, opening): (Ext, Ext)| {
        let value = combine(tape, values, &batches.alpha_powers);
        let numerator = tape.ext_sub(value, opening);
        let denominator = tape.ext_sub(x.into(), point);
        let inverse = tape.ext_inverse(denominator);
        tape.ext_mul_reduced(numerator, inverse)
    };
    let first = quotient(&at_zeta, batches.openings[0]);
    let second = quotient(&at_next, batches.openings[1]);
    let sum = tape.ext_dot(second, &[(first, batches.alpha_powers[batches.num_zs])]);
    tape.ext_reduce(sum)
}

/// The element of a list at an index given by constrained bits, least first.
fn select(tape: &mut Tape, list: &[Ext], bits: &[Cell]) -> Ext {
    let mut list = list.to_vec();
    for &bit in bits {
        let bit = Gl::assume_bounded(bit, U256::from(1));
        list = list
            .chunks_exact(2)
            .map(|pair| {
                // Components that stay integers below 2^64: left + bit·(right - left).
                Ext(std::array::from_fn(|i| {
                    let (left, right) = (pair[0].0[i], pair[1].0[i]);
                    let difference = tape.gl_sub(right, left);
                    tape.gl_dot(left, &[(bit, difference)])
                }))
            })
            .collect();
    }
    list[0]
}

/// Value at `beta` of the polynomial of degree below the arity whose values on the coset of x are the leaf.
///
/// In natural order the leaf holds Q(ω^k) with Q(y) = P(s·y), where s is x divided by its place in the coset.
/// Q(β/s) then follows by folding in two, log2(arity) times: with z = β/s,
/// (Q(ω^k) + Q(-ω^k)) + z·ω^(-k)·(Q(ω^k) - Q(-ω^k)) is twice the value at ω^(2k) of the polynomial whose value at
/// z² is Q(z).
fn fold(tape: &mut Tape, leaf: &[Ext], within: &[Cell], x: Gl, beta: Ext) -> Ext {
    let arity_bits = within.len();
    let root = F::primitive_root_of_unity(arity_bits);
    let inverse_root = root.inverse();
    let powers = (0..arity_bits).map(|i| inverse_root.exp_power_of_2(arity_bits - 1 - i));
    let start = product_over_bits(tape, x, within, powers);
    let start_inverse = tape.ext_inverse(start.into());
    let mut z = tape.ext_mul_reduced(beta, start_inverse);

    let mut values = leaf.to_vec();
    plonky2::util::reverse_index_bits_in_place(&mut values);
    let mut inverse_root = inverse_root;
    while values.len() > 1 {
        let (low, high) = values.split_at(values.len() / 2);
        let twiddles = inverse_root.powers();
        values = low
            .iter()
            .zip(high)
            .zip(twiddles)
            .map(|((&a, &b), twiddle)| {
                let sum = tape.ext_add(a, b);
                let difference = tape.ext_sub(a, b);
                let point = tape.ext_mul(z, Ext::constant(twiddle));
                let folded = tape.ext_dot(sum, &[(difference, point)]);
                tape.ext_reduce(folded)
            })
            .collect();
        z = tape.ext_mul_reduced(z, z);
        inverse_root *= inverse_root;
    }
    let scale = F::from_canonical_usize(leaf.len()).inverse();
    tape.ext_mul_reduced(values[0], Ext::constant(scale))
}
