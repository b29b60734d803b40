//! What can go wrong when a proof is wrapped, and what to do about it.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// A gate that the wrap circuit has no constraints for.
    #[error(
        "the wrap circuit cannot evaluate the gate {0}: only gates of a recursive verifier are supported"
    )]
    UnsupportedGate(String),
    /// The circuit to wrap exposes more than the public-input hash of the wrap is built for.
    #[error("the inner circuit has {got} public inputs, at most {max} can be wrapped: hash them down first")]
    TooManyPublicInputs {
        /// Public inputs of the inner circuit.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// The last layer would not have the size that the wrap circuit is laid out for.
    #[error(
        "after {shrinks} shrink layers the last layer still takes {rows} rows instead of {max}: lower the \
         number of FRI queries of the inner circuit or raise the rate of the shrink layers"
    )]
    LastLayerTooLarge {
        /// Shrink layers that were tried.
        shrinks: usize,
        /// Rows of the last layer.
        rows: usize,
        /// Rows it may have.
        max: usize,
    },
    /// Plonky2 refused to prove or verify.
    #[error("{layer}: {reason}")]
    Plonky2 {
        /// Which layer.
        layer: &'static str,
        /// Plonky2's message.
        reason: String,
    },
    /// The inner proof does not satisfy the wrap circuit's statement.
    #[error("the proof to wrap does not verify natively: {0}")]
    InvalidInnerProof(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}
