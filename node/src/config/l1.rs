//! Section `l1`: the chain below.

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};

/// The chain below.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct L1 {
    /// JSON-RPC endpoint.
    pub url: String,
    /// The chain that the endpoint must be on.
    pub chain_id: u64,
    /// Address of the rollup contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollup: Option<String>,
    /// L1 block of the deployment.
    pub first_block: u64,
    /// Keystore of the L1 key that pays for transactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Blocks on top of what the sequencer takes over; 0 is for development chains.
    pub confirmations: u64,
    /// How often the sequencer looks at L1, milliseconds.
    pub poll_ms: u64,
    /// The longest wait between two attempts while L1 does not answer, milliseconds.
    pub max_backoff_ms: u64,
    /// The longest wait for an answer, milliseconds.
    pub timeout_ms: u64,
    /// Blocks whose events are asked for at once.
    pub max_block_range: u64,
    /// The fee cap per gas that is never exceeded, wei.
    pub max_fee_per_gas: u64,
    /// After how long without being mined a transaction is sent again with a higher fee, milliseconds.
    pub bump_after_ms: u64,
    /// How much higher, in percent.
    pub bump_percent: u64,
}

impl Default for L1 {
    fn default() -> Self {
        let theirs = janction_sequencer::l1::L1Config::default();
        L1 {
            url: theirs.url,
            chain_id: theirs.chain_id,
            rollup: None,
            first_block: theirs.start_block,
            key: None,
            confirmations: theirs.confirmations,
            poll_ms: theirs.poll_ms,
            max_backoff_ms: theirs.max_backoff_ms,
            timeout_ms: theirs.timeout_ms,
            max_block_range: theirs.max_block_range,
            max_fee_per_gas: u64::try_from(theirs.max_fee_per_gas).unwrap_or(u64::MAX),
            bump_after_ms: theirs.bump_after_ms,
            bump_percent: theirs.bump_percent,
        }
    }
}

impl Config {
    /// The rollup's address.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn rollup(&self) -> Result<&str, ConfigError> {
        self.l1.rollup.as_deref().ok_or(ConfigError::Missing { key: "l1.rollup" })
    }

    /// The keystore of the L1 key.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn l1_key(&self) -> Result<&str, ConfigError> {
        self.l1.key.as_deref().ok_or(ConfigError::Missing { key: "l1.key" })
    }
}
