use thiserror::Error;

/// Why a circuit was not proven.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The circuit's configuration asks for zero-knowledge blinding, which makes proofs irreproducible.
    #[error(
        "the circuit asks for zero-knowledge blinding, which the engine does not serve: build it with `zero_knowledge: false`"
    )]
    ZeroKnowledge,
    /// The processor cannot run what it was told to.
    #[error("the engine cannot start: {0}")]
    Processor(#[from] janction_accel_cpu::AccelError),
    /// The circuit has a shape that the engine cannot prove.
    #[error("the engine does not serve the circuit: {reason}")]
    Unserved {
        /// What the shape is and what to change.
        reason: String,
    },
    /// A GPU cannot be used or has failed, and the CPU was not to take over.
    #[error(transparent)]
    Cuda(#[from] janction_accel_cuda::CudaError),
    /// A gate's constraints have no formulas, which the engine for GPUs needs.
    #[error(transparent)]
    Gate(#[from] crate::tape::TapeError),
    /// The engine for GPUs hashes with Poseidon only.
    #[error(
        "the circuit's commitments are not hashed with Poseidon, which GPUs are not served for: prove it on the CPU"
    )]
    Hasher,
    /// The inputs contradict the circuit or each other.
    #[error("no witness satisfies the circuit with these inputs: {reason}")]
    Witness {
        /// What Plonky2's witness generation said.
        reason: String,
    },
    /// The prover panicked; the process goes on.
    #[error("the prover `{engine}` panicked: {reason}")]
    Panicked {
        /// The engine's name.
        engine: &'static str,
        /// The panic's message.
        reason: String,
    },
    /// The proof does not verify. It was not handed out.
    #[error("the prover `{engine}` made a proof that does not verify, so it was discarded: {reason}")]
    Invalid {
        /// The engine's name.
        engine: &'static str,
        /// What the verifier said.
        reason: String,
    },
}
