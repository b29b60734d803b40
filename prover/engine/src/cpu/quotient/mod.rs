//! The quotient: all constraints, combined by powers of α, over the polynomial that vanishes on the subgroup.
//!
//! The combination is evaluated on the part of the extended coset that its degree asks for, which in bit-reversed
//! order is the start of every column, then interpolated and cut into polynomials of the circuit's degree. The terms
//! stand in the order of the protocol: Z starts at one; Z and its partial products move on; lookups; gates.

mod block;
mod domain;
mod gates;
mod lookup;
mod permutation;
mod poseidon;
mod tapes;
mod terms;

use janction_accel_cpu::{Backend, Columns, Kernel, Lanes, pack};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;

use self::block::{Block, MAX_POINTS};
use self::domain::Domain;
use self::gates::Gates;
use self::lookup::Lookups;
use self::terms::{AlphaPowers, Sums};
use super::poly;
use crate::blocks::row_blocks;
use crate::plonk::{Challenges, LookupShape};
use crate::{D, EngineError, F};

/// The quotient's polynomials by their coefficients: for each challenge, as many as the constraints have degrees.
///
/// `wires` and `products` are values on the extended coset.
///
/// # Errors
/// [`EngineError::Witness`] where the constraints do not vanish on the subgroup.
pub(super) fn quotient<C: GenericConfig<D, F = F>>(
    backend: Backend,
    circuit: &CircuitData<F, C, D>,
    public_inputs_hash: &HashOut<F>,
    wires: &Columns,
    products: &Columns,
    challenges: &Challenges,
) -> Result<Columns, EngineError> {
    let common = &circuit.common;
    let domain = Domain::of(common);
    let points = MAX_POINTS.min(domain.size());
    let backend_of_points = if points < backend.width() { Backend::PORTABLE } else { backend };
    let gates = Gates::of(common)?;
    let lookups = LookupShape::of(common).map(|shape| Lookups::new(common, shape, &challenges.lookups));
    let ahead = challenges.alphas.len() * (2 + common.num_partial_products)
        + lookups.as_ref().map_or(0, |lookups| lookups.terms());
    let powers = AlphaPowers::new(&challenges.alphas, ahead + common.num_gate_constraints);
    let leaves = &circuit.prover_only.constants_sigmas_commitment.merkle_tree.leaves;
    let mut values = Columns::zeros(domain.size(), challenges.alphas.len());
    row_blocks(&mut values, points).into_par_iter().enumerate().for_each_init(
        || Block::new(common, points, gates.memory(points)),
        |block, (i, out)| {
            block.load(common, &domain, i * points, leaves, wires, products);
            let lookups = lookups.as_ref();
            let constraints = Constraints {
                common,
                challenges,
                gates: &gates,
                lookups,
                powers: &powers,
                public_inputs_hash,
            };
            backend_of_points.run(Evaluate { constraints, block, out });
        },
    );
    chunks(common, poly::interpolate_coset(backend, values, F::coset_shift())?)
}

/// Cuts the quotients into polynomials of the circuit's degree.
fn chunks(common: &CommonCircuitData<F, D>, quotients: Columns) -> Result<Columns, EngineError> {
    let (degree, factor) = (common.degree(), common.quotient_degree_factor);
    if quotients.iter().any(|quotient| quotient[degree * factor..].iter().any(Field::is_nonzero)) {
        return Err(EngineError::Witness {
            reason: "the wires do not satisfy the constraints: the quotient is no polynomial of its degree"
                .to_owned(),
        });
    }
    let mut chunks = Columns::zeros(degree, quotients.columns() * factor);
    chunks.par_columns_mut().enumerate().for_each(|(i, chunk)| {
        chunk.copy_from_slice(&quotients.column(i / factor)[i % factor * degree..][..degree]);
    });
    Ok(chunks)
}

/// What is the same at all points.
#[derive(Clone, Copy)]
struct Constraints<'a> {
    common: &'a CommonCircuitData<F, D>,
    challenges: &'a Challenges,
    gates: &'a Gates,
    lookups: Option<&'a Lookups<'a>>,
    powers: &'a AlphaPowers,
    public_inputs_hash: &'a HashOut<F>,
}

/// Writes the quotients at the points of a block.
struct Evaluate<'a, 'b> {
    constraints: Constraints<'a>,
    block: &'a mut Block,
    out: Vec<&'b mut [F]>,
}

impl Kernel for Evaluate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let Constraints { common, challenges, gates, lookups, powers, public_inputs_hash } = self.constraints;
        let (inputs, sums, scratch) = self.block.parts();
        let mut sums = Sums::<L>::new(powers, sums, inputs.points);
        permutation::add(common, inputs, challenges, &mut sums);
        if let Some(lookups) = lookups {
            lookups.add(common, inputs, &mut sums);
        }
        gates.add(common, inputs, public_inputs_hash, scratch, &mut sums);
        sums.write(pack(&inputs.vanishing_inverses), &mut self.out);
    }
}
