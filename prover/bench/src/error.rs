use std::path::PathBuf;

use thiserror::Error;

/// Why something was not measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A circuit that there is none of.
    #[error("'{name}' is no circuit: there are {known}")]
    UnknownCircuit {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A number of rows that is not served.
    #[error("2^{log2_rows} rows cannot be measured: between 2^{min} and 2^{max} can")]
    Size {
        /// What was asked for.
        log2_rows: usize,
        /// The least.
        min: usize,
        /// The greatest.
        max: usize,
    },
    /// Nothing fits.
    #[error("not even 2^{log2_rows} rows fit: they take about {needed} MB and {available} MB are free")]
    Memory {
        /// The smallest size of the plan.
        log2_rows: usize,
        /// What stock takes for it.
        needed: u64,
        /// What there is.
        available: u64,
    },
    /// A circuit of the house could not be built or fed.
    #[error("the circuit '{circuit}' cannot be prepared: {reason}")]
    Circuit {
        /// Its name.
        circuit: &'static str,
        /// What was said.
        reason: String,
    },
    /// An engine failed.
    #[error(transparent)]
    Engine(#[from] janction_engine::EngineError),
    /// Proofs that were to be a GPU's.
    #[error(
        "the CPU had to make {failed} proofs for the GPU, which made {made}: nothing was measured; the log says why"
    )]
    FellBack {
        /// Proofs of the CPU's.
        failed: u64,
        /// Proofs of the GPU's.
        made: u64,
    },
    /// The baseline's process.
    #[error("the baseline {program} {reason}")]
    Stock {
        /// The program.
        program: PathBuf,
        /// What happened.
        reason: String,
    },
    /// The plot.
    #[error("the plot cannot be drawn: {reason}")]
    Plot {
        /// What was said.
        reason: String,
    },
}
