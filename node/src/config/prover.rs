//! Section `prover`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};

/// The prover.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prover {
    /// L1 address that is paid for proofs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee: Option<String>,
    /// What it proves: `all`, `audits` of jobs, or `ranges` of batches.
    pub work: janction_prover::Work,
    /// What makes the proofs: `auto`, `cpu`, `cuda` or `stock`.
    pub engine: janction_prover::EngineKind,
    /// The GPUs that it uses; none stands for the first.
    pub gpus: Vec<usize>,
    /// Most batches in one proof; 0: as many as the sequencer offers.
    pub max_batches: u32,
    /// Seconds between two questions for work when there is none.
    pub poll_seconds: u64,
    /// Powers-of-tau file of a ceremony.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srs_file: Option<PathBuf>,
    /// Its BLAKE3 hash, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srs_blake3: Option<String>,
}

impl Default for Prover {
    fn default() -> Self {
        Prover {
            payee: None,
            work: janction_prover::Work::All,
            engine: janction_prover::EngineKind::default(),
            gpus: Vec::new(),
            max_batches: 0,
            poll_seconds: 2,
            srs_file: None,
            srs_blake3: None,
        }
    }
}

impl Config {
    /// The prover's own configuration. Without a payee its address is zero, which the prover refuses.
    ///
    /// # Errors
    /// A payee that does not parse, or an SRS file without its hash.
    pub fn prover(&self) -> Result<janction_prover::ProverConfig, ConfigError> {
        let own = &self.prover;
        let payee = match &own.payee {
            None => janction_protocol::Address::ZERO,
            Some(text) => text.parse().map_err(|e: janction_protocol::address::AddressError| {
                ConfigError::Invalid { reason: format!("prover.payee: {e}") }
            })?,
        };
        let srs = match (&own.srs_file, &own.srs_blake3) {
            (None, None) => janction_prover::SrsSource::Development,
            (Some(file), Some(blake3)) => {
                janction_prover::SrsSource::Ceremony { file: file.clone(), blake3: blake3.clone() }
            }
            (Some(_), None) => return Err(ConfigError::Missing { key: "prover.srs_blake3" }),
            (None, Some(_)) => return Err(ConfigError::Missing { key: "prover.srs_file" }),
        };
        Ok(janction_prover::ProverConfig {
            sequencer: self.sequencer.url.clone(),
            payee,
            work: own.work,
            engine: own.engine,
            gpus: own.gpus.clone(),
            max_batches: own.max_batches,
            data: self.data_dir.join("prover"),
            keys: self.keys_dir.clone(),
            chain_id: self.l1.chain_id,
            srs,
            poll_seconds: own.poll_seconds,
        })
    }
}
