//! Section `worker`.

use janction_protocol::Address;
use janction_protocol::address::AddressError;
use janction_protocol::state::Index;
use janction_worker::{BidPolicy, DeviceChoice, Falsify, WorkerConfig};
use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};

/// The worker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Keystore of the units' operator key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The units that this process serves.
    pub units: Vec<Index>,
    /// What programs run on.
    pub device: DeviceChoice,
    /// GPU memory that each unit may take, in MiB; equal shares of the GPU's, less a reserve for the driver, where it is not
    /// set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vram_mib: Option<u64>,
    /// Most jobs held at once, over all units.
    pub max_concurrent: usize,
    /// Fee for each block of a bid, reveal or submit, in 10^-9 JCT.
    pub fee_per_block: u64,
    /// Milliseconds between two looks at the ledger when nothing is reported.
    pub poll_ms: u64,
    /// Which jobs it bids on, and for how much.
    pub policy: BidPolicy,
    /// Test instrument: falsify results; for chain 31337 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub falsify: Option<Falsify>,
}

impl Default for Worker {
    fn default() -> Self {
        let WorkerConfig {
            units,
            device,
            vram_mib,
            max_concurrent,
            policy,
            fee_per_block,
            poll_ms,
            falsify,
            ..
        } = WorkerConfig::default();
        Worker { key: None, units, device, vram_mib, max_concurrent, fee_per_block, poll_ms, policy, falsify }
    }
}

impl Config {
    /// The worker's own configuration.
    ///
    /// # Errors
    /// A rollup whose address does not parse.
    pub fn worker(&self) -> Result<WorkerConfig, ConfigError> {
        let rollup = self.l1.rollup.as_deref().map(str::parse::<Address>).transpose();
        let rollup =
            rollup.map_err(|e: AddressError| ConfigError::Invalid { reason: format!("l1.rollup: {e}") })?;
        let own = &self.worker;
        Ok(WorkerConfig {
            sequencer: self.sequencer.url.clone(),
            chain_id: self.l1.chain_id,
            rollup,
            units: own.units.clone(),
            data: self.data_dir.join("worker"),
            device: own.device,
            vram_mib: own.vram_mib,
            max_concurrent: own.max_concurrent,
            policy: own.policy.clone(),
            fee_per_block: own.fee_per_block,
            poll_ms: own.poll_ms,
            falsify: own.falsify.clone(),
        })
    }
}
