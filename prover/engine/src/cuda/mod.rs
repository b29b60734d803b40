//! Plonky2's prover on NVIDIA GPUs: the same proofs.
//!
//! Everything stays on the card: wires go up once, caps, openings and query paths come back. Of the low-degree extension
//! there is one coset at a time, because in bit-reversed order each coset is a subtree of its own: transform, hash or
//! evaluate the constraints, discard; the rows that queries touch are computed once more. Gates are evaluated by kernels
//! written from their [tapes](crate::tape).
//!
//! A card that runs out of memory or fails costs time, never a proof: the CPU makes it, and a warning and the [`Metrics`]
//! say so. No proof leaves that was not verified.

mod circuit;
mod machine;
mod memory;
mod metrics;
mod oracle;
mod products;
mod quotient;
mod source;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use janction_accel_cuda::{CudaError, Device, Source};
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;

pub use self::metrics::Metrics;

use self::circuit::Circuits;
use self::machine::CudaMachine;
use self::memory::{Demand, Turns};
use self::metrics::{Counters, count};
use crate::guard::guarded;
use crate::hasher::is_poseidon;
use crate::plonk::{self, Stage, Stages, Statement};
use crate::tape::traced;
use crate::{Cpu, D, Engine, EngineError, F};

/// The accelerated prover on GPUs.
///
/// Serves circuits whose commitments are hashed with Poseidon and whose gates can be [traced](crate::tape). As many proofs
/// at once as the cards' memory holds; who asks for more waits.
pub struct Cuda {
    cards: Vec<Card>,
    turns: Turns,
    cpu: Cpu,
    /// Whether circuits that a GPU does not serve are proven on the CPU.
    serves_all: bool,
    counters: Counters,
}

struct Card {
    device: Device,
    circuits: Circuits,
}

const NAME: &str = "cuda";

/// Proofs for each card: while it works on one, the CPU runs another's generators, lays out a third's wires and verifies a
/// fourth.
const AT_ONCE: usize = 4;

/// Of a card's free memory, what proofs may take: the rest is for what the driver and the compiled kernels take.
const SHARE: (u64, u64) = (9, 10);

impl Cuda {
    /// On these GPUs, numbered as `nvidia-smi` does. Compiled kernels are kept in `cache`; those that all circuits need are
    /// compiled now, which takes seconds the first time.
    ///
    /// # Errors
    /// [`EngineError::Cuda`] when one cannot be used, [`EngineError::Processor`] as [`Cpu::new`].
    pub fn open(ordinals: &[usize], cache: Option<&Path>) -> Result<Self, EngineError> {
        // One that is named twice has its memory once.
        let ordinals: BTreeSet<usize> = ordinals.iter().copied().collect();
        let open = |ordinal| {
            let device = Device::open(ordinal, cache)?;
            // Here, and not with the first proof, it turns out whether there is a compiler that serves the card.
            device.prepare()?;
            Ok(device)
        };
        let devices: Result<Vec<Device>, CudaError> = ordinals.into_iter().map(open).collect();
        Self::with_devices(devices?)
    }

    /// On these devices.
    ///
    /// # Errors
    /// [`EngineError::Cuda`] when there is none or one fails, [`EngineError::Processor`] as [`Cpu::new`].
    pub fn with_devices(devices: Vec<Device>) -> Result<Self, EngineError> {
        if devices.is_empty() {
            return Err(CudaError::NoDevice { ordinal: 0, count: 0 }.into());
        }
        let mut capacities = Vec::with_capacity(devices.len());
        let card = |device: Device| -> Result<Card, CudaError> {
            let capacity = device.free_memory()? / SHARE.1 * SHARE.0;
            capacities.push(capacity);
            Ok(Card { circuits: Circuits::new(capacity / 4), device })
        };
        let cards = devices.into_iter().map(card).collect::<Result<Vec<Card>, CudaError>>()?;
        let (turns, cpu) = (Turns::new(capacities), Cpu::new()?);
        Ok(Self { cards, turns, cpu, serves_all: false, counters: Counters::default() })
    }

    /// Proves with `cpu` what a GPU does not serve, instead of refusing it, and what a GPU fails at.
    #[must_use]
    pub fn or_cpu(self, cpu: Cpu) -> Self {
        Self { cpu, serves_all: true, ..self }
    }

    /// Bytes of a GPU's memory that a proof of this circuit takes at most. Proofs that fit together are made together.
    pub fn demand(common: &CommonCircuitData<F, D>) -> u64 {
        Demand::of(common).total()
    }

    /// What is compiled for a circuit, beside the kernels that all circuits share ([`janction_accel_cuda::sources`]):
    /// to see whether a compiler takes it, where there is no GPU.
    ///
    /// # Errors
    /// [`EngineError::Gate`] for a gate that cannot be traced.
    pub fn kernels(common: &CommonCircuitData<F, D>) -> Result<Vec<Source>, EngineError> {
        let lookup = (common.num_lookup_polys > 0).then(source::lookup);
        let mut sources: Vec<Source> = std::iter::once(source::permutation()).chain(lookup).collect();
        for gate in common.gates.iter().filter(|gate| gate.0.num_constraints() > 0) {
            sources.push(source::gate(gate)?);
        }
        Ok(sources)
    }

    /// What the engine has made so far.
    pub fn metrics(&self) -> Metrics {
        self.counters.read()
    }

    /// Proves a circuit whose generators have run. As [`Cpu::prove_witness`].
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
        let serves = self.serves(circuit)?;
        let mut stages = Stages::default();
        let statement = guarded(NAME, || Statement::of(circuit, witness, &mut stages))?;
        self.prove_statement(circuit, statement, serves, &mut stages)
    }

    /// [`Engine::prove`], with the time that each stage took. The card works on while the next stage is prepared, so a
    /// stage's time may hold what is left of the one before it; the sum is right.
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
        let serves = self.serves(circuit)?;
        let mut stages = Stages::default();
        let statement = guarded(NAME, || {
            let witness = stages.time(Stage::Witness, || plonk::generate(circuit, inputs))?;
            Statement::of(circuit, witness, &mut stages)
        })?;
        let proof = self.prove_statement(circuit, statement, serves, &mut stages)?;
        Ok((proof, stages))
    }

    /// Whether a GPU proves the circuit; otherwise the CPU does.
    fn serves<C: GenericConfig<D, F = F>>(&self, circuit: &CircuitData<F, C, D>) -> Result<bool, EngineError>
    where
        C::Hasher: 'static,
    {
        plonk::served(circuit)?;
        match served::<C>(&circuit.common) {
            Err(error) if self.serves_all => {
                tracing::info!(%error, "a circuit is proven on the CPU");
                Ok(false)
            }
            served => served.map(|()| true),
        }
    }

    fn prove_statement<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        statement: Statement,
        serves: bool,
        stages: &mut Stages,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
    where
        C::Hasher: 'static,
    {
        if !serves {
            count(&self.counters.unserved);
            return self.on_cpu(circuit, statement, stages);
        }
        match self.on_card(circuit, statement.clone(), stages) {
            Ok(proof) => match circuit.verify(proof.clone()) {
                Ok(()) => {
                    count(&self.counters.proofs);
                    Ok(proof)
                }
                Err(error) => self.anew(circuit, statement, stages, error.to_string()),
            },
            // The witness's fault or the GPU's: the CPU tells.
            Err(error @ EngineError::Witness { .. }) => {
                self.anew(circuit, statement, stages, error.to_string())
            }
            Err(EngineError::Cuda(error)) => {
                let out_of_memory = error.is_out_of_memory();
                tracing::warn!(%error, "a GPU failed: the CPU makes the proof");
                count(if out_of_memory { &self.counters.out_of_memory } else { &self.counters.failures });
                self.on_cpu(circuit, statement, stages)
            }
            Err(error @ EngineError::Panicked { .. }) => {
                tracing::warn!(%error, "the CPU makes the proof");
                count(&self.counters.failures);
                self.on_cpu(circuit, statement, stages)
            }
            Err(error) => Err(error),
        }
    }

    /// Proves on the CPU what came out wrong on a GPU. Where the CPU's proof is no better, the witness was false.
    fn anew<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        statement: Statement,
        stages: &mut Stages,
        reason: String,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
    where
        C::Hasher: 'static,
    {
        tracing::warn!(reason, "a GPU made no proof that verifies: the CPU makes it anew");
        let proof = self.on_cpu(circuit, statement, stages)?;
        tracing::error!("a GPU computed something false: its hardware may be broken");
        count(&self.counters.invalid);
        Ok(proof)
    }

    /// Waits for room on a card, and proves there.
    fn on_card<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        statement: Statement,
        stages: &mut Stages,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
    where
        C::Hasher: 'static,
    {
        let bytes = Self::demand(&circuit.common);
        let Some(turn) = self.turns.take(bytes) else {
            self.cards.iter().try_for_each(|card| card.device.require_memory(bytes))?;
            return Err(CudaError::OutOfMemory { bytes }.into());
        };
        let card = &self.cards[turn.card];
        match prove_on(card, circuit, statement.clone(), stages) {
            Err(EngineError::Cuda(error))
                if error.is_out_of_memory() && card.circuits.forget_others(circuit) =>
            {
                tracing::warn!(%error, "a GPU's memory held circuits that were proven earlier: they were removed");
                prove_on(card, circuit, statement, stages)
            }
            proof => proof,
        }
    }

    /// Proves on the CPU and verifies.
    fn on_cpu<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        statement: Statement,
        stages: &mut Stages,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
    where
        C::Hasher: 'static,
    {
        let proof = guarded(NAME, || self.cpu.prove_statement(circuit, statement, stages))?;
        circuit
            .verify(proof.clone())
            .map_err(|e| EngineError::Invalid { engine: NAME, reason: e.to_string() })?;
        Ok(proof)
    }
}

impl fmt::Debug for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cards: Vec<_> = self.cards.iter().map(|card| card.device.card()).collect();
        f.debug_struct("Cuda").field("cards", &cards).field("serves_all", &self.serves_all).finish()
    }
}

impl<C: GenericConfig<D, F = F>> Engine<C> for Cuda
where
    C::Hasher: 'static,
{
    fn name(&self) -> &'static str {
        NAME
    }

    fn at_once(&self) -> usize {
        AT_ONCE * self.cards.len()
    }

    fn prove(
        &self,
        circuit: &CircuitData<F, C, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
        self.prove_in_stages(circuit, inputs).map(|(proof, _)| proof)
    }
}

/// Proves on a stream of its own.
fn prove_on<C: GenericConfig<D, F = F>>(
    card: &Card,
    circuit: &CircuitData<F, C, D>,
    statement: Statement,
    stages: &mut Stages,
) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
where
    C::Hasher: 'static,
{
    guarded(NAME, || {
        let device = card.device.fork()?;
        let tables = card.circuits.get_or_make(&card.device, circuit)?;
        plonk::prove(circuit, statement, &mut CudaMachine::new(device, circuit, tables), stages)
    })
}

/// Refuses what kernels do not serve, before any work.
fn served<C: GenericConfig<D, F = F>>(common: &CommonCircuitData<F, D>) -> Result<(), EngineError>
where
    C::Hasher: 'static,
{
    if !is_poseidon::<C::Hasher>() {
        return Err(EngineError::Hasher);
    }
    for gate in &common.gates {
        traced(gate)?;
    }
    Ok(())
}
