//! What a prover needs to know.

use std::path::PathBuf;

use janction_engine::EngineError;
use janction_protocol::Address;
use serde::{Deserialize, Serialize};

use crate::engines::{EngineKind, Engines};

/// A prover's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProverConfig {
    /// The sequencer's gRPC address.
    pub sequencer: String,
    /// L1 address that is paid for proofs. Must be set.
    pub payee: Address,
    /// What it proves.
    pub work: Work,
    /// What makes the proofs.
    pub engine: EngineKind,
    /// The GPUs that it uses, numbered as `nvidia-smi` does; none stands for the first.
    pub gpus: Vec<usize>,
    /// Most batches in one proof; 0: as many as the sequencer offers.
    pub max_batches: u32,
    /// Where unfinished work is kept.
    pub data: PathBuf,
    /// Where proving keys and the SRS are kept.
    pub keys: PathBuf,
    /// The chain whose verifier accepts the proofs.
    pub chain_id: u64,
    /// Where the reference string comes from.
    pub srs: SrsSource,
    /// Seconds between two questions for work when there is none.
    pub poll_seconds: u64,
}

impl Default for ProverConfig {
    fn default() -> Self {
        Self {
            sequencer: "http://127.0.0.1:7310".to_owned(),
            payee: Address::ZERO,
            work: Work::All,
            engine: EngineKind::default(),
            gpus: Vec::new(),
            max_batches: 0,
            data: PathBuf::from("data/prover"),
            keys: PathBuf::from("data/keys"),
            chain_id: 31_337,
            srs: SrsSource::Development,
            poll_seconds: 2,
        }
    }
}

impl ProverConfig {
    /// The engines that it names.
    ///
    /// # Errors
    /// As [`Engines::new`].
    pub fn engines(&self) -> Result<Engines, EngineError> {
        Engines::new(self.engine, &self.gpus, &self.keys.join("kernels"))
    }
}

/// What a prover proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Audits of jobs first, since they have deadlines, then ranges of batches.
    #[default]
    All,
    /// Audits of jobs: seconds to start, no keys of the ledger or the wrap, little memory.
    Audits,
    /// Ranges of batches.
    Ranges,
}

impl Work {
    /// Whether audits are among it.
    #[must_use]
    pub const fn audits(self) -> bool {
        matches!(self, Self::All | Self::Audits)
    }

    /// Whether ranges are among it.
    #[must_use]
    pub const fn ranges(self) -> bool {
        matches!(self, Self::All | Self::Ranges)
    }
}

/// Where the structured reference string comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SrsSource {
    /// Made here, with a public secret: for chain 31337 only.
    #[default]
    Development,
    /// A powers-of-tau file of a ceremony.
    Ceremony {
        /// The `.ptau` file.
        file: PathBuf,
        /// Its BLAKE3 hash, in hexadecimal.
        blake3: String,
    },
}
