//! The gates of row checks: what most rows of a piece consist of.
//!
//! A product's rows are dot products of committed cells with the program's constants ([`dot::DotGate`]), its cells are
//! requantised accumulators ([`requantise::RequantiseGate`]). Both read constants of the program from the row's constant
//! columns, of which a piece has [`CONSTANTS`], where Plonky2's standard configuration has two: a weight costs 1/78 of a
//! row there, or a third of that when columns share a dot product.

pub(crate) mod dot;
pub(crate) mod extension_dot;
pub(crate) mod requantise;

use janction_aggregate::config::circuit_config;
use plonky2::plonk::circuit_data::CircuitConfig;

/// Constant columns of a piece.
pub(crate) const CONSTANTS: usize = 80;

/// The configuration of pieces: that of all circuits, with more constant columns.
pub(crate) fn piece_config() -> CircuitConfig {
    CircuitConfig { num_constants: CONSTANTS, ..circuit_config() }
}
