//! The server: limits, TLS, health, reflection.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use janction_rpc::v1::blobs_server::BlobsServer;
use janction_rpc::v1::ledger_server::LedgerServer;
use janction_rpc::v1::proving_server::ProvingServer;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::blobs::PIECE;
use super::{Api, PROOF_CHECKS};
use crate::blobs::Blobs;
use crate::gate::AuditGate;
use crate::shared::Shared;

/// Bytes of a message around the piece of a blob.
const HEADROOM: usize = 4 << 10;

/// The least that messages may be limited to: parts of a witness are below 2 MiB.
pub const LEAST_MESSAGE_BYTES: usize = (2 << 20) + (64 << 10);

/// How the interface is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// TLS; without it, traffic is in the clear.
    pub tls: Option<Tls>,
    /// The largest message that is accepted or sent, bytes: at least [`LEAST_MESSAGE_BYTES`].
    pub max_message_bytes: usize,
    /// The longest that a request may take, milliseconds. Streams are not limited.
    pub timeout_ms: u64,
    /// Requests in work at once; more are refused with the code `busy`.
    pub max_requests: usize,
    /// Requests and streams of one connection.
    pub max_streams_per_connection: u32,
    /// How long requests in work may take after the order to stop, milliseconds.
    pub shutdown_ms: u64,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50_051)),
            tls: None,
            max_message_bytes: janction_rpc::MAX_MESSAGE_BYTES,
            timeout_ms: 30_000,
            max_requests: 512,
            max_streams_per_connection: 128,
            shutdown_ms: 10_000,
        }
    }
}

/// Files for TLS, PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The server's certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Clients must show a certificate that this authority signed.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}

/// Why the interface cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {why}; free the port or set another sequencer.listen")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// The system's words.
        why: String,
    },
    /// A TLS file cannot be used.
    #[error("cannot use {path} for TLS: {why}", path = path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The transport fails.
    #[error("the gRPC server failed: {0}")]
    Transport(String),
}

/// A server that listens but does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: ApiConfig,
    api: Api,
    health: HealthReporter,
    router: tonic::transport::server::Router,
}

impl Server {
    /// Takes the port and reads the TLS files.
    ///
    /// # Errors
    /// [`ApiError::Listen`], [`ApiError::Tls`].
    pub async fn bind(
        config: ApiConfig,
        shared: Arc<Shared>,
        gate: Arc<dyn AuditGate>,
        blobs: Arc<Blobs>,
        stopping: CancellationToken,
        confirmations: u64,
        minimum_fee_per_block: u64,
    ) -> Result<Self, ApiError> {
        let taken = |e: std::io::Error| ApiError::Listen { address: config.listen, why: e.to_string() };
        let listener = TcpListener::bind(config.listen).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let timeout = Duration::from_millis(config.timeout_ms);
        // An upload is one request for the transport: the outer limit is its.
        let longest = timeout.max(Duration::from_millis(blobs.config().timeout_ms));
        let api = Api {
            shared,
            gate,
            blobs,
            proof_checks: Arc::new(Semaphore::new(PROOF_CHECKS)),
            timeout,
            slots: Arc::new(Semaphore::new(config.max_requests)),
            stopping,
            confirmations: confirmations.min(u32::MAX.into()) as u32,
            minimum_fee_per_block,
        };
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<LedgerServer<Api>>().await;
        health.set_not_serving::<ProvingServer<Api>>().await;
        health.set_service_status("", ServingStatus::NotServing).await;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(janction_rpc::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .map_err(|e| ApiError::Transport(e.to_string()))?;
        let limit = config.max_message_bytes;
        let mut builder = tonic::transport::Server::builder()
            .timeout(longest + Duration::from_secs(1))
            .max_concurrent_streams(config.max_streams_per_connection)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .tcp_nodelay(true);
        if let Some(tls) = &config.tls {
            builder = builder
                .tls_config(tls_config(tls)?)
                .map_err(|e| ApiError::Tls { path: tls.certificate.clone(), why: e.to_string() })?;
        }
        let router = builder
            .add_service(health_service)
            .add_service(reflection)
            .add_service(
                LedgerServer::new(api.clone())
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(limit),
            )
            .add_service(
                BlobsServer::new(api.clone())
                    .max_decoding_message_size(PIECE as usize + HEADROOM)
                    .max_encoding_message_size(PIECE as usize + HEADROOM),
            )
            .add_service(
                ProvingServer::new(api.clone())
                    .max_decoding_message_size(limit)
                    .max_encoding_message_size(limit),
            );
        Ok(Self { listener, address, config, api, health, router })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What tells clients how the sequencer is.
    pub fn health(&self) -> HealthReporter {
        self.health.clone()
    }

    /// Serves until the order to stop, then lets requests in work finish.
    ///
    /// # Errors
    /// [`ApiError::Transport`].
    pub async fn serve(self) -> Result<(), ApiError> {
        let stopping = self.api.stopping.clone();
        let incoming = TcpListenerStream::new(self.listener);
        let stop = stopping.clone();
        let serving = self.router.serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
        let grace = Duration::from_millis(self.config.shutdown_ms);
        let overdue = async {
            stopping.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            result = serving => result.map_err(|e| ApiError::Transport(e.to_string())),
            // Connections that clients keep open do not hold up the process.
            () = overdue => Ok(()),
        }
    }
}

/// Sets what the health service answers.
///
/// - `Ledger`: whether transactions are accepted;
/// - `Proving` and the whole: whether, besides, L1 answers and takes what is sent.
pub async fn report_health(health: &HealthReporter, accepts: bool, l1_works: bool) {
    let status = |serving| if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    let whole = status(accepts && l1_works);
    health.set_service_status("janction.v1.Ledger", status(accepts)).await;
    health.set_service_status("janction.v1.Proving", whole).await;
    health.set_service_status("", whole).await;
}

fn tls_config(tls: &Tls) -> Result<ServerTlsConfig, ApiError> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|e| ApiError::Tls { path: path.clone(), why: e.to_string() })
    };
    let config =
        ServerTlsConfig::new().identity(Identity::from_pem(read(&tls.certificate)?, read(&tls.key)?));
    Ok(match &tls.client_ca {
        Some(path) => config.client_ca_root(Certificate::from_pem(read(path)?)),
        None => config,
    })
}
