//! The engines that make a node's proofs.

use std::path::Path;
use std::sync::Arc;

use janction_aggregate::config::C;
use janction_engine::{Cpu, Cuda, CudaError, D, Engine, EngineError, F, Stock};
use janction_wrap::Bn254Hasher;
use janction_wrap::config::Bn254Poseidon2;
use janction_wrap::last_layer::{BoxError, InnerConfig, LastConfig, LayerProver};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::proof::ProofWithPublicInputs;
use serde::{Deserialize, Serialize};

/// Which prover of Plonky2 circuits a node uses. All make the same proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The accelerated one: on the GPUs where there are some that can be used, else on the CPU.
    #[default]
    Auto,
    /// The accelerated one on the CPU.
    Cpu,
    /// The accelerated one on GPUs; what they do not serve, and what fails there, is proven on the CPU.
    Cuda,
    /// Plonky2's own, to compare.
    Stock,
}

/// The engines of a node: one for the circuits below the last layer, one for the last layer, which is hashed over BN254.
#[derive(Clone, Debug)]
pub struct Engines {
    goldilocks: Arc<dyn Engine<C>>,
    bn254: Arc<dyn Engine<LastConfig>>,
    /// The same as `goldilocks`, when that runs on GPUs.
    cuda: Option<Arc<Cuda>>,
}

impl Engines {
    /// The engines of a kind. `gpus` are numbered as `nvidia-smi` does; none stands for the first. Compiled kernels are kept
    /// in `kernels`.
    ///
    /// # Errors
    /// [`EngineError::Processor`] when `JANCTION_SIMD` names what this processor cannot run; [`EngineError::Cuda`] for a GPU
    /// that was asked for and cannot be used. [`EngineKind::Auto`] asks for none unless `gpus` names some.
    pub fn new(kind: EngineKind, gpus: &[usize], kernels: &Path) -> Result<Self, EngineError> {
        let first = [0];
        let ordinals = if gpus.is_empty() { &first } else { gpus };
        match kind {
            EngineKind::Stock => Ok(Self { goldilocks: Arc::new(Stock), bn254: Arc::new(Stock), cuda: None }),
            EngineKind::Cpu => Self::on_cpu(),
            EngineKind::Cuda => Self::on_gpus(ordinals, kernels),
            EngineKind::Auto => match Self::on_gpus(ordinals, kernels) {
                Err(EngineError::Cuda(CudaError::NoDriver | CudaError::NoDevice { .. }))
                    if gpus.is_empty() =>
                {
                    Self::on_cpu()
                }
                Err(EngineError::Cuda(error)) if gpus.is_empty() => {
                    tracing::warn!(%error, "the GPU cannot be used: proving on the CPU");
                    Self::on_cpu()
                }
                engines => engines,
            },
        }
    }

    fn on_cpu() -> Result<Self, EngineError> {
        let cpu = Cpu::new()?;
        Ok(Self { bn254: Arc::new(with_bn254(cpu.clone())?), goldilocks: Arc::new(cpu), cuda: None })
    }

    fn on_gpus(ordinals: &[usize], kernels: &Path) -> Result<Self, EngineError> {
        let cpu = Cpu::new()?;
        let cuda = Arc::new(Cuda::open(ordinals, Some(kernels))?.or_cpu(cpu.clone()));
        let goldilocks = Arc::<Cuda>::clone(&cuda);
        Ok(Self { goldilocks, bn254: Arc::new(with_bn254(cpu)?), cuda: Some(cuda) })
    }

    /// For every circuit below the last layer.
    #[must_use]
    pub fn goldilocks(&self) -> Arc<dyn Engine<C>> {
        Arc::clone(&self.goldilocks)
    }

    /// Publishes what the GPUs have made and failed at, if there are GPUs.
    pub(crate) fn publish(&self) {
        let Some(cuda) = &self.cuda else { return };
        let made = cuda.metrics();
        for (how, proofs) in [
            ("gpu", made.proofs),
            ("cpu_out_of_memory", made.out_of_memory),
            ("cpu_gpu_failed", made.failures),
            ("cpu_gpu_invalid", made.invalid),
            ("cpu_unserved", made.unserved),
        ] {
            metrics::counter!("janction_prover_gpu_proofs_total", "made" => how).absolute(proofs);
        }
    }
}

fn with_bn254(cpu: Cpu) -> Result<Cpu, EngineError> {
    Ok(cpu.with_hasher::<Bn254Poseidon2>(Arc::new(Bn254Hasher::new()?)))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// No machine has so many.
    const ABSENT: usize = 4711;

    #[test]
    fn a_gpu_is_needed_only_where_one_is_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = |kind| Engines::new(kind, &[], folder.path()).expect("an engine").goldilocks().name();
        assert_eq!((name(EngineKind::Cpu), name(EngineKind::Stock)), ("cpu", "stock"));
        assert!(["cpu", "cuda"].contains(&name(EngineKind::Auto)));
        for kind in [EngineKind::Cuda, EngineKind::Auto] {
            let error = Engines::new(kind, &[ABSENT], folder.path()).expect_err("no such GPU");
            assert!(matches!(error, EngineError::Cuda(_)), "{error}");
        }
    }
}
