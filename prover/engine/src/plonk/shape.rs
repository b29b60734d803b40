use std::ops::Range;

use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use plonky2::plonk::config::GenericConfig;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use crate::{D, EngineError, F};

/// Challenges that a lookup argument takes, for each of the circuit's challenges.
pub(crate) const LOOKUP_CHALLENGES: usize = 4;

/// Selector columns of lookups that do not depend on the table; one a table follows them.
#[derive(Clone, Copy)]
pub(crate) enum LookupSelector {
    /// Rows of tables, where RE and Sum move on.
    TableRow = 0,
    /// Rows of lookups, where LDC moves on.
    LookupRow = 1,
    /// The row before a table's first, where RE and Sum start from zero.
    Start = 2,
    /// A table's last row of lookups, where Sum minus LDC must be zero.
    End = 3,
}

/// Selector columns before those of the tables' ends.
pub(crate) const FIXED_LOOKUP_SELECTORS: usize = 4;

/// Refuses what the engine does not serve, before any work.
pub(crate) fn served<C: GenericConfig<D, F = F>>(circuit: &CircuitData<F, C, D>) -> Result<(), EngineError> {
    let common = &circuit.common;
    let unserved = |reason: &str| Err(EngineError::Unserved { reason: reason.to_owned() });
    if common.config.zero_knowledge {
        return Err(EngineError::ZeroKnowledge);
    }
    if quotient_bits(common) > common.config.fri_config.rate_bits {
        return unserved("its constraints have a higher degree than its rate allows: raise `rate_bits`");
    }
    if common.quotient_degree_factor >= common.config.num_routed_wires {
        return unserved("it has no more routed wires than its constraints have degrees");
    }
    if common.fri_params.total_arities() > common.degree_bits() {
        return unserved("FRI's folds join more coefficients than it has: shorten the reduction strategy");
    }
    let batch = &circuit.prover_only.constants_sigmas_commitment;
    if batch.merkle_tree.leaves.len() != common.lde_size() {
        return unserved("it was built without its constants' commitment: use `build`, not `mock_build`");
    }
    Ok(())
}

/// log2 of the quotient's degree over the circuit's, rounded up.
pub(crate) fn quotient_bits(common: &CommonCircuitData<F, D>) -> usize {
    common.quotient_degree_factor.next_power_of_two().trailing_zeros() as usize
}

/// Entries of a `LookupGate`: pairs of routed wires.
pub(crate) fn lookup_slots(common: &CommonCircuitData<F, D>) -> usize {
    common.config.num_routed_wires / 2
}

/// Entries of a `LookupTableGate`: input, output, multiplicity.
pub(crate) fn table_slots(common: &CommonCircuitData<F, D>) -> usize {
    common.config.num_routed_wires / 3
}

/// Which selector column enables a gate, and which gates share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GateSelector {
    /// The column of constants.
    pub(crate) column: usize,
    /// The gates, by position in the circuit, that share the column; it holds the position of a row's gate.
    pub(crate) group: Range<usize>,
}

/// The selectors of all gates, in order. Plonky2 hides them; its serialisation tells.
pub(crate) fn gate_selectors(common: &CommonCircuitData<F, D>) -> IoResult<Vec<GateSelector>> {
    let mut bytes = Vec::new();
    bytes.write_selectors_info(&common.selectors_info)?;
    let mut buffer = Buffer::new(&bytes);
    let columns = buffer.read_usize_vec()?;
    let groups = (0..buffer.read_usize()?)
        .map(|_| Ok(buffer.read_usize()?..buffer.read_usize()?))
        .collect::<IoResult<Vec<_>>>()?;
    Ok(columns.into_iter().map(|column| GateSelector { column, group: groups[column].clone() }).collect())
}

/// The routed wires of each chunk.
pub(crate) fn wire_chunks(common: &CommonCircuitData<F, D>) -> impl Iterator<Item = Range<usize>> {
    let (wires, size) = (common.config.num_routed_wires, common.quotient_degree_factor);
    (0..wires).step_by(size).map(move |first| first..(first + size).min(wires))
}
