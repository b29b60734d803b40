//! The vanishing polynomial at zeta, and its equality with the quotient.

use plonky2::field::types::Field;

use super::extension::Ext;
use super::gates::{self, GateVars};
use super::goldilocks::Gl;
use super::inner::InnerCircuit;
use super::permutation;
use super::proof::OpeningCells;
use super::tape::Tape;
use super::transcript::Challenges;
use crate::error::WrapError;
use crate::last_layer::F;

/// Plonky2's value of a selector on rows whose gate belongs to another group.
const UNUSED_SELECTOR: i128 = u32::MAX as i128;

/// Constrains Σ α^i·term_i(ζ) = (ζ^n - 1)·t(ζ) for each challenge α.
///
/// # Errors
/// [`WrapError::UnsupportedGate`].
pub fn check(
    tape: &mut Tape,
    inner: &InnerCircuit,
    openings: &OpeningCells,
    challenges: &Challenges,
    public_inputs_hash: &[Gl; 4],
) -> Result<(), WrapError> {
    let common = &inner.common;
    let zeta = challenges.zeta;
    let zeta_n = tape.ext_power_of_two_power(zeta, common.degree_bits());
    let z_h = tape.ext_sub(zeta_n, Ext::ONE);
    // L_0(ζ) = (ζ^n - 1)/(n·(ζ - 1)); ζ = 1 has no inverse and is refused.
    let shifted = tape.ext_sub(zeta, Ext::ONE);
    let denominator = tape.ext_mul(shifted, Ext::constant(F::from_canonical_usize(common.degree())));
    let inverse = tape.ext_inverse(denominator);
    let l_0 = tape.ext_mul_reduced(z_h, inverse);

    let permutation_terms = permutation::terms(tape, inner, openings, challenges, l_0);
    let permutation_terms: Vec<Ext> =
        permutation_terms.into_iter().map(|term| tape.ext_reduce(term)).collect();
    let gate_terms = filtered_gates(tape, inner, openings, public_inputs_hash)?;

    for (i, &alpha) in challenges.alphas.iter().enumerate() {
        let powers = tape.ext_powers(alpha.into(), permutation_terms.len() + common.num_gate_constraints);
        let pair = |(&a, &b): (&Ext, &Ext)| (a, b);
        let terms: Vec<_> = permutation_terms.iter().zip(&powers).map(pair).collect();
        let mut sum = tape.ext_dot(Ext::ZERO, &terms);
        for (filter, constraints) in &gate_terms {
            let powers = &powers[permutation_terms.len()..];
            assert!(constraints.len() <= powers.len(), "a constraint would go unchecked");
            let terms: Vec<_> = constraints.iter().zip(powers).map(pair).collect();
            let combined = tape.ext_dot(Ext::ZERO, &terms);
            let combined = tape.ext_reduce(combined);
            sum = tape.ext_dot(sum, &[(combined, *filter)]);
        }
        let chunk = &openings.quotients[i * common.quotient_degree_factor..][..common.quotient_degree_factor];
        let quotient = tape.ext_reduce_with_powers(chunk, zeta_n);
        let expected = tape.ext_mul(quotient, z_h);
        tape.ext_assert_equal(sum, expected);
    }
    Ok(())
}

/// For each gate its filter, reduced, and its constraints, lazy.
fn filtered_gates(
    tape: &mut Tape,
    inner: &InnerCircuit,
    openings: &OpeningCells,
    public_inputs_hash: &[Gl; 4],
) -> Result<Vec<(Ext, Vec<Ext>)>, WrapError> {
    let vars = GateVars {
        constants: &openings.constants[inner.groups.len()..],
        wires: &openings.wires,
        public_inputs_hash,
    };
    let mut all = Vec::with_capacity(inner.common.gates.len());
    for (index, gate) in inner.common.gates.iter().enumerate() {
        let constraints = gates::evaluate(tape, gate, vars)?;
        let filter = filter(tape, inner, openings, index);
        all.push((filter, constraints));
    }
    Ok(all)
}

/// Π (i - s) over the other gates i of the group and, where there are several selectors, the unused value: not
/// zero exactly where the gate is in use.
fn filter(tape: &mut Tape, inner: &InnerCircuit, openings: &OpeningCells, gate: usize) -> Ext {
    let selector_index = inner.selector_indices[gate];
    let selector = openings.constants[selector_index];
    let others = inner.groups[selector_index].clone().filter(|&i| i != gate).map(|i| i as i128);
    let unused = (inner.groups.len() > 1).then_some(UNUSED_SELECTOR);
    others.chain(unused).fold(Ext::ONE, |product, value| {
        let factor = tape.ext_sub(Ext::integer(value), selector);
        tape.ext_mul_reduced(product, factor)
    })
}
