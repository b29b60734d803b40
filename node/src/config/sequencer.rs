//! Section `sequencer`.

use std::net::SocketAddr;
use std::path::PathBuf;

use janction_sequencer::api::{ApiConfig, Tls};
use janction_sequencer::batcher::{BatchConfig, LeaseConfig};
use janction_sequencer::blobs::BlobConfig;
use janction_sequencer::mempool::MempoolConfig;
use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};

/// The sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sequencer {
    /// Where its gRPC interface listens.
    pub listen: SocketAddr,
    /// Where others reach it.
    pub url: String,
    /// TLS; without it, traffic is in the clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The largest message that is accepted, bytes.
    pub max_message_bytes: usize,
    /// The longest that a request may take, milliseconds.
    pub timeout_ms: u64,
    /// Requests in work at once.
    pub max_requests: usize,
    /// Requests and streams of one connection.
    pub max_streams_per_connection: u32,
    /// How long requests in work may take after the order to stop, milliseconds.
    pub shutdown_ms: u64,
    /// The mempool.
    pub mempool: MempoolConfig,
    /// When batches are sealed and how large they get.
    pub batch: BatchConfig,
    /// What provers are given.
    pub lease: LeaseConfig,
    /// Limits of the blob store.
    pub blobs: BlobConfig,
}

impl Default for Sequencer {
    fn default() -> Self {
        let ApiConfig {
            listen,
            tls,
            max_message_bytes,
            timeout_ms,
            max_requests,
            max_streams_per_connection,
            shutdown_ms,
        } = ApiConfig::default();
        Sequencer {
            listen,
            url: format!("http://{listen}"),
            tls,
            max_message_bytes,
            timeout_ms,
            max_requests,
            max_streams_per_connection,
            shutdown_ms,
            mempool: MempoolConfig::default(),
            batch: BatchConfig::default(),
            lease: LeaseConfig::default(),
            blobs: BlobConfig::default(),
        }
    }
}

impl Config {
    /// The folder of the sequencer's blob store.
    pub fn blobs_dir(&self) -> PathBuf {
        self.data_dir.join("blobs")
    }

    /// The sequencer's own configuration.
    ///
    /// # Errors
    /// No rollup, or one whose address does not parse.
    pub fn sequencer(&self) -> Result<janction_sequencer::Config, ConfigError> {
        let rollup = self.rollup()?;
        let rollup = rollup.parse().map_err(|e: janction_protocol::address::AddressError| {
            ConfigError::Invalid { reason: format!("l1.rollup: {e}") }
        })?;
        let (l1, own) = (&self.l1, &self.sequencer);
        Ok(janction_sequencer::Config {
            database: self.data_dir.join("sequencer"),
            api: ApiConfig {
                listen: own.listen,
                tls: own.tls.clone(),
                max_message_bytes: own.max_message_bytes,
                timeout_ms: own.timeout_ms,
                max_requests: own.max_requests,
                max_streams_per_connection: own.max_streams_per_connection,
                shutdown_ms: own.shutdown_ms,
            },
            l1: janction_sequencer::l1::L1Config {
                url: l1.url.clone(),
                chain_id: l1.chain_id,
                rollup,
                start_block: l1.first_block,
                confirmations: l1.confirmations,
                poll_ms: l1.poll_ms,
                max_backoff_ms: l1.max_backoff_ms,
                timeout_ms: l1.timeout_ms,
                max_block_range: l1.max_block_range,
                max_fee_per_gas: l1.max_fee_per_gas.into(),
                bump_after_ms: l1.bump_after_ms,
                bump_percent: l1.bump_percent,
            },
            mempool: own.mempool.clone(),
            batch: own.batch.clone(),
            lease: own.lease.clone(),
            blobs: own.blobs.clone(),
            incoming: self.blobs_dir().join("incoming"),
        })
    }
}
