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
    /// A last layer that the wrap circuit does not know how to verify.
    #[error("the wrap circuit does not support {0}: build the last layer with last_layer_config()")]
    UnsupportedCircuit(&'static str),
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
    /// The processor cannot run what it was told to.
    #[error("the last layer cannot be built: {0}")]
    Processor(#[from] janction_accel_cpu::AccelError),
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
    /// The reference string is of another size than the wrap circuit.
    #[error("the wrap circuit needs an SRS of 2^{expected} powers, got 2^{got}")]
    SrsSize {
        /// Size of the circuit.
        expected: u32,
        /// Size of the string.
        got: u32,
    },
    /// The wrap circuit does not fit.
    #[error(
        "the wrap circuit takes {rows} rows, more than 2^{k}: the last layer has another shape than intended"
    )]
    CircuitTooLarge {
        /// Rows of the longest column.
        rows: usize,
        /// Base-two logarithm of the rows there are.
        k: u32,
    },
    /// halo2 could not make the keys.
    #[error("the wrap keys could not be made: {0}")]
    Keygen(String),
    /// A cached key does not match its checksum.
    #[error(
        "{path} is not a proving key of this version or is damaged: delete it, and it will be made again"
    )]
    CorruptKey {
        /// The file.
        path: PathBuf,
    },
    /// A proof with the wrong number of public instances.
    #[error("the proof has {got} public instances instead of {expected}")]
    InstanceCount {
        /// Instances of the circuit.
        expected: usize,
        /// Instances of the proof.
        got: usize,
    },
    /// A public instance that is not a canonical Goldilocks element.
    #[error("public instance {index} is not below the Goldilocks prime")]
    NonCanonicalInstance {
        /// Which.
        index: usize,
    },
    /// A wrap proof that does not verify.
    #[error("the wrap proof does not verify: {0}")]
    InvalidProof(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}
