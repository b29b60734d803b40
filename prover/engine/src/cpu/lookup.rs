//! The columns of the lookup argument.

use janction_accel_cpu::Columns;
use plonky2::field::types::Field;
use plonky2::plonk::circuit_builder::LookupWire;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;

use crate::blocks::columns_mut;
use crate::plonk::{LookupChallenges, LookupShape, chunks, entry_wires, lookup_wires};
use crate::{D, EngineError, F};

/// Fills the last columns of `columns`: RE and the parts of SLDC, challenge by challenge.
///
/// # Errors
/// [`EngineError::Witness`] where α hits a pair, so that a derivative has a pole.
pub(super) fn fill<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    shape: LookupShape,
    wires: &Columns,
    challenges: &[LookupChallenges],
    columns: &mut Columns,
) -> Result<(), EngineError> {
    let first = columns.columns() - challenges.len() * (1 + shape.parts);
    for (columns, &challenges) in
        columns_mut(columns)[first..].chunks_exact_mut(1 + shape.parts).zip(challenges)
    {
        let (re, parts) = columns.split_at_mut(1);
        for rows in &circuit.prover_only.lookup_rows {
            fill_table(shape, wires, challenges, rows, re[0], parts)?;
        }
    }
    Ok(())
}

fn fill_table(
    shape: LookupShape,
    wires: &Columns,
    challenges: LookupChallenges,
    rows: &LookupWire,
    re: &mut [F],
    parts: &mut [&mut [F]],
) -> Result<(), EngineError> {
    let last = shape.parts - 1;
    for row in (rows.last_lut_gate..=rows.first_lut_gate).rev() {
        let wire = |j: usize| wires.column(j)[row];
        let poles = (0..shape.entries).map(|i| {
            let [input, output, _] = entry_wires(i);
            challenges.alpha - (wire(input) + challenges.a * wire(output))
        });
        let inverses = inverses(poles.collect())?;
        re[row] = (0..shape.entries).fold(re[row + 1], |re, i| {
            let [input, output, _] = entry_wires(i);
            re * challenges.delta + wire(input) + challenges.b * wire(output)
        });
        let mut sum = parts[last][row + 1];
        for (part, is) in chunks(shape.entries, shape.entries_a_part, shape.parts).enumerate() {
            sum += is.map(|i| wire(entry_wires(i)[2]) * inverses[i]).sum::<F>();
            parts[part][row] = sum;
        }
    }
    for row in (rows.last_lu_gate..rows.last_lut_gate).rev() {
        let wire = |j: usize| wires.column(j)[row];
        let poles = (0..shape.lookups).map(|i| {
            let [input, output] = lookup_wires(i);
            challenges.alpha - (wire(input) + challenges.a * wire(output))
        });
        let inverses = inverses(poles.collect())?;
        let mut sum = parts[last][row + 1];
        for (part, is) in chunks(shape.lookups, shape.lookups_a_part, shape.parts).enumerate() {
            sum -= is.map(|i| inverses[i]).sum::<F>();
            parts[part][row] = sum;
        }
    }
    Ok(())
}

fn inverses(values: Vec<F>) -> Result<Vec<F>, EngineError> {
    if values.iter().any(Field::is_zero) {
        return Err(EngineError::Witness {
            reason: "a challenge of the lookup argument hits a pair; another witness may be proven"
                .to_owned(),
        });
    }
    Ok(F::batch_multiplicative_inverse(&values))
}
