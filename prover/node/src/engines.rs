//! The engines that make a node's proofs.

use std::sync::Arc;

use janction_aggregate::config::C;
use janction_engine::{Cpu, D, Engine, EngineError, F, Stock};
use janction_wrap::config::Bn254Poseidon2;
use janction_wrap::hasher::Bn254Hasher;
use janction_wrap::last_layer::{BoxError, InnerConfig, LastConfig, LayerProver};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::proof::ProofWithPublicInputs;
use serde::{Deserialize, Serialize};

/// Which prover of Plonky2 circuits a node uses. All make the same proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The accelerated one, on the CPU.
    #[default]
    Cpu,
    /// Plonky2's own, to compare.
    Stock,
}

/// The engines of a node: one for the circuits below the last layer, one for the last layer, which is hashed over BN254.
#[derive(Clone, Debug)]
pub struct Engines {
    goldilocks: Arc<dyn Engine<C>>,
    bn254: Arc<dyn Engine<LastConfig>>,
}

impl Engines {
    /// The engines of a kind.
    ///
    /// # Errors
    /// [`EngineError::Processor`] when `JANCTION_SIMD` names what this processor cannot run.
    pub fn new(kind: EngineKind) -> Result<Self, EngineError> {
        Ok(match kind {
            EngineKind::Cpu => {
                let cpu = Cpu::new()?;
                let hasher = Bn254Hasher::new().map_err(EngineError::from)?;
                let bn254 = cpu.clone().with_hasher::<Bn254Poseidon2>(Arc::new(hasher));
                Self { goldilocks: Arc::new(cpu), bn254: Arc::new(bn254) }
            }
            EngineKind::Stock => Self { goldilocks: Arc::new(Stock), bn254: Arc::new(Stock) },
        })
    }

    /// For every circuit below the last layer.
    #[must_use]
    pub fn goldilocks(&self) -> Arc<dyn Engine<C>> {
        Arc::clone(&self.goldilocks)
    }
}

impl LayerProver for Engines {
    fn shrink(
        &self,
        circuit: &CircuitData<F, InnerConfig, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, InnerConfig, D>, BoxError> {
        Ok(self.goldilocks.prove(circuit, inputs)?)
    }

    fn last(
        &self,
        circuit: &CircuitData<F, LastConfig, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, LastConfig, D>, BoxError> {
        Ok(self.bn254.prove(circuit, inputs)?)
    }
}
