//! Plonky2's prover written anew for CPUs: the same proofs, made faster and in less memory.
//!
//! What differs is how the numbers lie in memory. Every table of values is a [`janction_accel_cpu::Columns`]: one
//! polynomial after the other, points in bit-reversed order, the order of Plonky2's leaves. Hashing and the quotient read
//! neighbouring points of one column as one vector, and nothing is ever transposed. The proof of work is the lowest nonce.

mod fri;
mod lookup;
mod machine;
mod openings;
mod oracle;
mod permutation;
mod poly;
mod quotient;
mod tree;

use std::any::Any;
use std::sync::Arc;

use janction_accel_cpu::{Backend, TreeHasher};
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::{GenericConfig, Hasher};
use plonky2::plonk::proof::ProofWithPublicInputs;

use self::machine::CpuMachine;
use self::tree::Hashing;
use crate::guard::guarded;
use crate::plonk::{self, Stage, Stages, Statement};
use crate::{D, Engine, EngineError, F};

/// The accelerated prover on the CPU.
///
/// Serves every circuit without zero-knowledge blinding: any gate, lookups, any
/// hasher, any FRI parameters. Works on rayon's current thread pool.
#[derive(Clone, Debug)]
pub struct Cpu {
    backend: Backend,
    /// An `Arc<dyn TreeHasher<H>>` each.
    hashers: Vec<Arc<dyn Any + Send + Sync>>,
}

const NAME: &str = "cpu";

impl Cpu {
    /// With the fastest instructions that this processor has, or those that `JANCTION_SIMD` names.
    ///
    /// # Errors
    /// [`EngineError::Processor`] when the variable names what this processor cannot run.
    pub fn new() -> Result<Self, EngineError> {
        Ok(Self::with_backend(Backend::current()?))
    }

    /// With these instructions.
    #[must_use]
    pub fn with_backend(backend: Backend) -> Self {
        Self { backend, hashers: Vec::new() }
    }

    /// With `hasher` for circuits whose trees are hashed with `H`. Plonky2's Poseidon is fast without; any other `H`
    /// makes one hash at a time unless it is given here.
    #[must_use]
    pub fn with_hasher<H: Hasher<F> + 'static>(mut self, hasher: Arc<dyn TreeHasher<H>>) -> Self {
        self.hashers.push(Arc::new(hasher));
        self
    }

    fn hashing<H: Hasher<F> + 'static>(&self) -> Hashing<H> {
        let many = self.hashers.iter().find_map(|hasher| hasher.downcast_ref::<Arc<dyn TreeHasher<H>>>());
        Hashing { backend: self.backend, many: many.cloned() }
    }

    /// Proves a circuit whose generators have run.
    ///
    /// `witness` is what Plonky2's `generate_partial_witness` returns. Two provers that are given the same one return
    /// the same proof; given the same inputs they need not, because generators draw the unused wires of the row of
    /// public inputs at random.
    ///
    /// # Errors
    /// Those of [`Engine::prove`].
    pub fn prove_witness<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        witness: PartitionWitness<'_, F>,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
    where
        C::Hasher: 'static,
    {
        plonk::served(circuit)?;
        let mut stages = Stages::default();
        guarded(NAME, || {
            let statement = Statement::of(circuit, witness, &mut stages)?;
            self.prove_statement(circuit, statement, &mut stages)
        })
    }

    /// [`Engine::prove`], with the time that each stage took.
    ///
    /// # Errors
    /// Those of [`Engine::prove`].
    pub fn prove_in_stages<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        inputs: PartialWitness<F>,
    ) -> Result<(ProofWithPublicInputs<F, C, D>, Stages), EngineError>
    where
        C::Hasher: 'static,
    {
        plonk::served(circuit)?;
        guarded(NAME, || {
            let mut stages = Stages::default();
            let witness = stages.time(Stage::Witness, || plonk::generate(circuit, inputs))?;
            let statement = Statement::of(circuit, witness, &mut stages)?;
            let proof = self.prove_statement(circuit, statement, &mut stages)?;
            Ok((proof, stages))
        })
    }

    /// Proves a statement whose witness is laid out.
    pub(crate) fn prove_statement<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        statement: Statement,
        stages: &mut Stages,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
    where
        C::Hasher: 'static,
    {
        plonk::prove(circuit, statement, &mut CpuMachine::new(self.hashing(), circuit), stages)
    }
}

impl<C: GenericConfig<D, F = F>> Engine<C> for Cpu
where
    C::Hasher: 'static,
{
    fn name(&self) -> &'static str {
        NAME
    }

    fn prove(
        &self,
        circuit: &CircuitData<F, C, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
        self.prove_in_stages(circuit, inputs).map(|(proof, _)| proof)
    }
}
