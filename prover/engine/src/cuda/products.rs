//! The columns of the permutation and lookup arguments.

use janction_accel_cpu::Columns;
use janction_accel_cuda::columns::Permutation;
use janction_accel_cuda::{CudaError, Device, Matrix};
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;

use super::circuit::Tables;
use crate::cpu::fill_lookups;
use crate::plonk::{Challenges, LookupShape};
use crate::{D, EngineError, F};

/// Z of all challenges, then the partial products challenge by challenge, then the lookups: values on the subgroup.
pub(super) fn values<C: GenericConfig<D, F = F>>(
    device: &Device,
    circuit: &CircuitData<F, C, D>,
    tables: &Tables,
    wires: &Matrix,
    host_wires: &Columns,
    challenges: &Challenges,
) -> Result<Matrix, EngineError> {
    let common = &circuit.common;
    let (count, partials) = (challenges.betas.len(), common.num_partial_products);
    let lookups = count * common.num_lookup_polys;
    let values = Matrix::allocate(device, common.degree(), count * (1 + partials) + lookups)?;
    let permutation = Permutation {
        wires: wires.view().some_columns(0..common.config.num_routed_wires),
        sigmas: tables.sigmas.view(),
        ks: &tables.ks,
        chunk: common.quotient_degree_factor,
    };
    for (c, (&beta, &gamma)) in challenges.betas.iter().zip(&challenges.gammas).enumerate() {
        let first = count + c * partials;
        let columns = values.view().some_columns(first..first + partials);
        let filled = permutation.fill(device, beta, gamma, values.view().column(c), columns);
        filled.map_err(pole)?;
    }
    if let Some(shape) = LookupShape::of(common) {
        let mut columns = Columns::zeros(common.degree(), lookups);
        fill_lookups(circuit, shape, host_wires, &challenges.lookups, &mut columns)?;
        for (i, column) in columns.iter().enumerate() {
            values.view().write_column(device, count * (1 + partials) + i, column)?;
        }
    }
    Ok(values)
}

fn pole(error: CudaError) -> EngineError {
    match error {
        CudaError::ZeroInverse => EngineError::Witness {
            reason: "a denominator of the permutation argument is zero; another witness may have none"
                .to_owned(),
        },
        error => error.into(),
    }
}
