//! The lookup argument: logarithmic derivatives (Haböck, ePrint 2022/1530) as in Tip5 (ePrint 2023/107).
//!
//! For every challenge there are the columns RE, then SLDC in as many parts as the constraints' degree asks for. RE
//! reads off the table at δ, so that it is the one of the circuit; SLDC is the running sum of m / (α - in - a·out)
//! over the table's entries, less 1 / (α - in - a·out) over the lookups. Rows run downwards: a row adds to the next.

use janction_accel_cpu::Columns;
use plonky2::field::types::Field;
use plonky2::plonk::circuit_builder::LookupWire;
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use plonky2::plonk::config::GenericConfig;

use super::blocks::columns_mut;
use super::shape::{LOOKUP_CHALLENGES, lookup_slots, table_slots};
use crate::{D, EngineError, F};

/// The challenges of one lookup argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct LookupChallenges {
    /// Joins input and output of a pair that is looked up.
    pub(super) a: F,
    /// Joins input and output of a table's entry.
    pub(super) b: F,
    /// Where the logarithmic derivatives are taken.
    pub(super) alpha: F,
    /// Where a table is read off.
    pub(super) delta: F,
}

impl LookupChallenges {
    /// Groups the challenges of all arguments: `betas`, `gammas`, then those drawn for lookups, four at a time.
    pub(super) fn all(betas: &[F], gammas: &[F], drawn: &[F]) -> Vec<Self> {
        let all = [betas, gammas, drawn].concat();
        all.chunks_exact(LOOKUP_CHALLENGES)
            .map(|c| Self { a: c[0], b: c[1], alpha: c[2], delta: c[3] })
            .collect()
    }
}

/// How the sums are cut into columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct LookupShape {
    /// Pairs looked up in a row.
    pub(super) lookups: usize,
    /// Entries of a table in a row.
    pub(super) entries: usize,
    /// Columns of SLDC.
    pub(super) parts: usize,
    /// Pairs looked up a part.
    pub(super) lookups_a_part: usize,
    /// Entries a part.
    pub(super) entries_a_part: usize,
}

impl LookupShape {
    /// `None` where the circuit looks nothing up.
    pub(super) fn of(common: &CommonCircuitData<F, D>) -> Option<Self> {
        let parts = common.num_lookup_polys.checked_sub(1)?;
        let entries = table_slots(common);
        Some(Self {
            lookups: lookup_slots(common),
            entries,
            parts,
            lookups_a_part: common.quotient_degree_factor - 1,
            entries_a_part: entries.div_ceil(parts),
        })
    }
}

/// The wires of the `i`-th pair looked up: input, output.
pub(super) const fn lookup_wires(i: usize) -> [usize; 2] {
    [2 * i, 2 * i + 1]
}

/// The wires of the `i`-th entry: input, output, multiplicity.
pub(super) const fn entry_wires(i: usize) -> [usize; 3] {
    [3 * i, 3 * i + 1, 3 * i + 2]
}

/// What RE must be at the end of a table: its entries, padded with its first to full rows, at δ.
pub(super) fn table_evaluation(
    common: &CommonCircuitData<F, D>,
    shape: LookupShape,
    table: usize,
    challenges: LookupChallenges,
) -> F {
    let entries = &common.luts[table];
    let padding = entries.len().next_multiple_of(shape.entries) - entries.len();
    entries.iter().chain(std::iter::repeat_n(&entries[0], padding)).fold(F::ZERO, |re, &(input, output)| {
        re * challenges.delta + F::from_canonical_u16(input) + challenges.b * F::from_canonical_u16(output)
    })
}

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

/// `parts` ranges of `size` that cover `0..n`; late ones may be short or empty.
pub(super) fn chunks(n: usize, size: usize, parts: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..parts).map(move |part| (part * size).min(n)..((part + 1) * size).min(n))
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
