//! From inputs to the values of all wires.

mod generate;
#[cfg(test)]
mod tests;
mod watches;

pub(crate) use generate::generate;
use janction_accel_cpu::Columns;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness};
use rayon::prelude::*;

use crate::blocks::row_blocks;
use crate::{EngineError, F};

/// Rows that a thread fills at once: their share of the map of representatives stays in its cache.
const BLOCK: usize = 64;

/// The values of all wires: a column a wire, in natural order. Wires that nothing sets are zero.
pub(crate) fn wire_values(witness: &PartitionWitness<'_, F>) -> Columns {
    let width = witness.num_wires;
    let mut wires = Columns::zeros(witness.degree, width);
    row_blocks(&mut wires, BLOCK).into_par_iter().enumerate().for_each(|(block, mut columns)| {
        for i in 0..columns[0].len() {
            let row = &witness.representative_map[(block * BLOCK + i) * width..][..width];
            for (column, &representative) in columns.iter_mut().zip(row) {
                column[i] = witness.values[representative].unwrap_or(F::ZERO);
            }
        }
    });
    wires
}

/// The public inputs' values.
pub(crate) fn public_inputs(
    witness: &PartitionWitness<'_, F>,
    targets: &[Target],
) -> Result<Vec<F>, EngineError> {
    targets
        .iter()
        .map(|&target| {
            witness.try_get_target(target).ok_or_else(|| EngineError::Witness {
                reason: format!("the public input {target:?} has no value"),
            })
        })
        .collect()
}
