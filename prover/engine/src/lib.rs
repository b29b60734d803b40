//! The proving engine behind one interface.
//!
//! A circuit's author builds [`CircuitData`]; who proves it is decided here. [`Engine`] takes the same inputs
//! as Plonky2's own prover and returns the same proof; [`Stock`] *is* Plonky2's own prover, [`Cpu`] a faster one, [`Cuda`] one for GPUs. An engine never
//! hands out a proof that does not verify ([`prove_verified`]), and turns whatever goes wrong inside into a
//! typed [`EngineError`]: a witness that does not fit a circuit must not end the process that serves others.

mod blocks;
mod cpu;
mod cuda;
mod error;
mod guard;
mod hasher;
mod plonk;
pub mod soundness;
mod stock;
pub mod tape;

pub use cpu::Cpu;
pub use cuda::{Cuda, Metrics};
pub use error::EngineError;
pub use janction_accel_cpu::{Backend, TreeHasher};
pub use janction_accel_cuda::{CudaError, Device};
pub use plonk::{Stage, Stages};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;
pub use stock::Stock;

/// The base field of every circuit of the house.
pub use plonky2::field::goldilocks_field::GoldilocksField as F;
/// The degree of the extension from which challenges are drawn.
pub const D: usize = 2;

/// The field from which ζ and FRI's challenges are drawn.
type E = QuadraticExtension<F>;

/// A prover of Plonky2 circuits over the Goldilocks field.
///
/// Implementations are interchangeable: for the same circuit and the same full witness they return the same
/// proof, byte for byte.
pub trait Engine<C: GenericConfig<D, F = F>>: std::fmt::Debug + Send + Sync {
    /// A short name for logs and tables, such as `stock`.
    fn name(&self) -> &'static str;

    /// How many proofs at once keep it busy: who has several to make should have as many made. One, where a proof takes all
    /// that there is.
    fn at_once(&self) -> usize {
        1
    }

    /// Proves `circuit` for `inputs`.
    ///
    /// # Errors
    /// [`EngineError::ZeroKnowledge`] when the circuit asks for blinding, [`EngineError::Witness`] when the
    /// inputs contradict the circuit or each other, [`EngineError::Panicked`] when a generator panicked.
    fn prove(
        &self,
        circuit: &CircuitData<F, C, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>;
}

impl<C: GenericConfig<D, F = F>, E: Engine<C> + ?Sized> Engine<C> for std::sync::Arc<E> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn at_once(&self) -> usize {
        (**self).at_once()
    }

    fn prove(
        &self,
        circuit: &CircuitData<F, C, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
        (**self).prove(circuit, inputs)
    }
}

/// Proves, then verifies before the proof is handed out.
///
/// # Errors
/// Those of [`Engine::prove`], and [`EngineError::Invalid`] when the engine made a proof that does not verify:
/// a witness that satisfies the generators but not the constraints, or a fault in the engine or its hardware.
pub fn prove_verified<C: GenericConfig<D, F = F>>(
    engine: &dyn Engine<C>,
    circuit: &CircuitData<F, C, D>,
    inputs: PartialWitness<F>,
) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
    let proof = engine.prove(circuit, inputs)?;
    circuit
        .verify(proof.clone())
        .map_err(|e| EngineError::Invalid { engine: engine.name(), reason: e.to_string() })?;
    Ok(proof)
}
