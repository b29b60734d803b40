//! The lookup argument: logarithmic derivatives (Haböck, ePrint 2022/1530) as in Tip5 (ePrint 2023/107).
//!
//! For every challenge there are the columns RE, then SLDC in as many parts as the constraints' degree asks for. RE
//! reads off the table at δ, so that it is the one of the circuit; SLDC is the running sum of m / (α - in - a·out)
//! over the table's entries, less 1 / (α - in - a·out) over the lookups. Rows run downwards: a row adds to the next.

use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::shape::{LOOKUP_CHALLENGES, lookup_slots, table_slots};
use crate::{D, F};

/// The challenges of one lookup argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookupChallenges {
    /// Joins input and output of a pair that is looked up.
    pub(crate) a: F,
    /// Joins input and output of a table's entry.
    pub(crate) b: F,
    /// Where the logarithmic derivatives are taken.
    pub(crate) alpha: F,
    /// Where a table is read off.
    pub(crate) delta: F,
}

impl LookupChallenges {
    /// Groups the challenges of all arguments: `betas`, `gammas`, then those drawn for lookups, four at a time.
    pub(crate) fn all(betas: &[F], gammas: &[F], drawn: &[F]) -> Vec<Self> {
        let all = [betas, gammas, drawn].concat();
        all.chunks_exact(LOOKUP_CHALLENGES)
            .map(|c| Self { a: c[0], b: c[1], alpha: c[2], delta: c[3] })
            .collect()
    }
}

/// How the sums are cut into columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookupShape {
    /// Pairs looked up in a row.
    pub(crate) lookups: usize,
    /// Entries of a table in a row.
    pub(crate) entries: usize,
    /// Columns of SLDC.
    pub(crate) parts: usize,
    /// Pairs looked up a part.
    pub(crate) lookups_a_part: usize,
    /// Entries a part.
    pub(crate) entries_a_part: usize,
}

impl LookupShape {
    /// `None` where the circuit looks nothing up.
    pub(crate) fn of(common: &CommonCircuitData<F, D>) -> Option<Self> {
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
pub(crate) const fn lookup_wires(i: usize) -> [usize; 2] {
    [2 * i, 2 * i + 1]
}

/// The wires of the `i`-th entry: input, output, multiplicity.
pub(crate) const fn entry_wires(i: usize) -> [usize; 3] {
    [3 * i, 3 * i + 1, 3 * i + 2]
}

/// What RE must be at the end of a table: its entries, padded with its first to full rows, at δ.
pub(crate) fn table_evaluation(
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

/// `parts` ranges of `size` that cover `0..n`; late ones may be short or empty.
pub(crate) fn chunks(n: usize, size: usize, parts: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..parts).map(move |part| (part * size).min(n)..((part + 1) * size).min(n))
}
