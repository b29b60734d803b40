//! The permutation argument: the running product Z and the partial products between its rows.
//!
//! For every challenge (β, γ), Z(gx) = Z(x) · Π_j (w_j + β k_j x + γ) / (w_j + β σ_j + γ) over the routed wires j.
//! The product is cut into chunks of as many wires as the constraints have degrees; the values after each chunk but
//! the last are columns of their own.

use janction_accel_cpu::Columns;
use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;

use crate::blocks::columns_mut;
use crate::plonk::wire_chunks;
use crate::{D, EngineError, F};

/// Rows whose denominators are inverted together.
const BLOCK: usize = 64;

/// Fills the first columns of `columns`: all Z, then the partial products challenge by challenge.
///
/// # Errors
/// [`EngineError::Witness`] where a denominator is zero: about one in 2^64 / (rows · routed wires) witnesses.
pub(super) fn fill<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    wires: &Columns,
    betas: &[F],
    gammas: &[F],
    columns: &mut Columns,
) -> Result<(), EngineError> {
    let common = &circuit.common;
    let partials = common.num_partial_products;
    for (i, (&beta, &gamma)) in betas.iter().zip(gammas).enumerate() {
        let mut columns = columns_mut(columns);
        let (zs, partial_products) = columns.split_at_mut(betas.len());
        let partial_products = &mut partial_products[i * partials..][..partials];
        chunk_quotients(circuit, wires, beta, gamma, partial_products, zs[i])?;
        accumulate(partial_products, zs[i]);
    }
    Ok(())
}

/// For every row, the quotient of each chunk: all but the last into `partials`, the last into `last`.
fn chunk_quotients<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    wires: &Columns,
    beta: F,
    gamma: F,
    partials: &mut [&mut [F]],
    last: &mut [F],
) -> Result<(), EngineError> {
    let common = &circuit.common;
    let chunks = partials.len() + 1;
    let mut blocks: Vec<Vec<&mut [F]>> = (0..last.len().div_ceil(BLOCK)).map(|_| Vec::new()).collect();
    for column in partials.iter_mut().map(|column| &mut **column).chain([last]) {
        for (slices, slice) in blocks.iter_mut().zip(column.chunks_mut(BLOCK)) {
            slices.push(slice);
        }
    }
    blocks.into_par_iter().enumerate().try_for_each(|(block, mut quotients)| {
        let first = block * BLOCK;
        let count = quotients[0].len();
        let xs = &circuit.prover_only.subgroup[first..first + count];
        let mut denominators = vec![F::ONE; count * chunks];
        for (chunk, js) in wire_chunks(common).enumerate() {
            let numerator = &mut quotients[chunk];
            let denominator = &mut denominators[chunk * count..][..count];
            numerator.fill(F::ONE);
            for j in js {
                let k_beta = common.k_is[j] * beta;
                let wire = &wires.column(j)[first..first + count];
                for i in 0..count {
                    let shifted = wire[i] + gamma;
                    numerator[i] *= shifted + k_beta * xs[i];
                    denominator[i] *= shifted + beta * circuit.prover_only.sigmas[first + i][j];
                }
            }
        }
        if denominators.iter().any(Field::is_zero) {
            return Err(EngineError::Witness {
                reason: "a denominator of the permutation argument is zero; another witness may have none"
                    .to_owned(),
            });
        }
        let inverses = F::batch_multiplicative_inverse(&denominators);
        for (quotient, inverses) in quotients.iter_mut().zip(inverses.chunks_exact(count)) {
            quotient.iter_mut().zip(inverses).for_each(|(q, &inverse)| *q *= inverse);
        }
        Ok(())
    })
}

/// Turns the chunks' quotients into the running product: `last` becomes Z, `partials` what follows it in its row.
fn accumulate(partials: &mut [&mut [F]], last: &mut [F]) {
    let mut z = F::ONE;
    for i in 0..last.len() {
        let start = z;
        for partial in partials.iter_mut() {
            z *= partial[i];
            partial[i] = z;
        }
        z *= last[i];
        last[i] = start;
    }
}
