//! The quotient: all constraints, combined by powers of α, over the polynomial that vanishes on the subgroup.
//!
//! The combination is evaluated on the part of the extended coset that its degree asks for, which in bit-reversed
//! order is the start of every column, then interpolated and cut into polynomials of the circuit's degree. The terms
//! stand in the order of the protocol: Z starts at one; Z and its partial products move on; lookups; gates.

mod block;
mod gates;
mod lookup;
mod permutation;
mod terms;

use plonky2::field::packable::Packable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;

use self::block::{Block, Domain};
use self::gates::Gates;
use self::lookup::Lookups;
use self::terms::{AlphaPowers, Sums};
use super::columns::Columns;
use super::lookup::{LookupChallenges, LookupShape};
use super::poly;
use crate::{D, EngineError, F};

/// Points that are evaluated together: their wires stay in a core's cache.
const BLOCK: usize = 32;

/// The challenges that the quotient depends on.
pub(super) struct Challenges<'a> {
    pub(super) betas: &'a [F],
    pub(super) gammas: &'a [F],
    /// Empty where the circuit looks nothing up.
    pub(super) lookups: &'a [LookupChallenges],
    pub(super) alphas: &'a [F],
}

/// The quotient's polynomials by their coefficients: for each challenge, as many as the constraints have degrees.
///
/// `wires` and `products` are values on the extended coset.
///
/// # Errors
/// [`EngineError::Witness`] where the constraints do not vanish on the subgroup.
pub(super) fn quotient<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    public_inputs_hash: &HashOut<F>,
    wires: &Columns,
    products: &Columns,
    challenges: &Challenges<'_>,
) -> Result<Columns, EngineError> {
    type Lanes = <F as Packable>::Packing;
    let domain = Domain::of(&circuit.common);
    let values = if domain.size() >= Lanes::WIDTH {
        evaluate::<C, Lanes>(circuit, &domain, public_inputs_hash, wires, products, challenges)?
    } else {
        evaluate::<C, F>(circuit, &domain, public_inputs_hash, wires, products, challenges)?
    };
    chunks(circuit, values)
}

fn evaluate<C: GenericConfig<D, F = F>, P: PackedField<Scalar = F>>(
    circuit: &CircuitData<F, C, D>,
    domain: &Domain,
    public_inputs_hash: &HashOut<F>,
    wires: &Columns,
    products: &Columns,
    challenges: &Challenges<'_>,
) -> Result<Columns, EngineError> {
    let common = &circuit.common;
    let gates = Gates::of(common)?;
    let lookups = LookupShape::of(common).map(|shape| Lookups::new(common, shape, challenges.lookups));
    let ahead = challenges.alphas.len() * (2 + common.num_partial_products)
        + lookups.as_ref().map_or(0, |lookups| lookups.terms());
    let powers = AlphaPowers::new(challenges.alphas, ahead + common.num_gate_constraints);
    let mut values = Columns::zero(challenges.alphas.len(), domain.size());
    values.row_blocks_mut(BLOCK).into_par_iter().enumerate().for_each_init(
        || (Block::new(common, BLOCK.min(domain.size())), Sums::<P>::new(&powers, BLOCK.min(domain.size()))),
        |(block, sums), (i, mut quotients)| {
            let leaves = &circuit.prover_only.constants_sigmas_commitment.merkle_tree.leaves;
            block.load(common, domain, i * BLOCK, leaves, wires, products);
            sums.clear();
            permutation::add::<P>(common, block, challenges, sums);
            if let Some(lookups) = &lookups {
                lookups.add::<P>(common, block, sums);
            }
            gates.add::<P>(common, block, public_inputs_hash, sums);
            sums.write(P::pack_slice(&block.vanishing_inverses), &mut quotients);
        },
    );
    Ok(values)
}

/// Interpolates the quotients and cuts them into polynomials of the circuit's degree.
fn chunks<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    mut values: Columns,
) -> Result<Columns, EngineError> {
    let common = &circuit.common;
    poly::interpolate_coset(&mut values, F::coset_shift());
    let (degree, factor) = (common.degree(), common.quotient_degree_factor);
    if values.columns().any(|quotient| quotient[degree * factor..].iter().any(Field::is_nonzero)) {
        return Err(unsatisfied());
    }
    let mut chunks = Columns::zero(values.width() * factor, degree);
    chunks.par_columns_mut().enumerate().for_each(|(i, chunk)| {
        chunk.copy_from_slice(&values.column(i / factor)[i % factor * degree..][..degree]);
    });
    Ok(chunks)
}

fn unsatisfied() -> EngineError {
    EngineError::Witness {
        reason: "the wires do not satisfy the constraints: the quotient is not a polynomial of its degree"
            .to_owned(),
    }
}
