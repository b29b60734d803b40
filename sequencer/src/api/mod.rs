//! The gRPC interface: `Ledger`, `Blobs` and `Proving`, health and reflection.

mod blobs;
mod jobs;
mod ledger;
mod proving;
mod server;
mod status;

pub use server::{ApiConfig, ApiError, LEAST_MESSAGE_BYTES, Server, Tls, report_health};

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use crate::blobs::Blobs;
use crate::gate::AuditGate;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Audit proofs that are checked at once: each takes a core for some milliseconds.
const PROOF_CHECKS: usize = 2;

/// What the services need.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    gate: Arc<dyn AuditGate>,
    blobs: Arc<Blobs>,
    proof_checks: Arc<Semaphore>,
    /// Requests in work; more are refused, not queued.
    slots: Arc<Semaphore>,
    stopping: CancellationToken,
    confirmations: u32,
    minimum_fee_per_block: u64,
    /// The longest that a request may take.
    timeout: Duration,
}

impl Api {
    /// Runs a request: counts it, limits how many run at once and how long, turns a refusal into a status.
    async fn run<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Response<T>, Status> {
        self.run_within(method, self.timeout, work).await
    }

    /// The same with another limit.
    async fn run_within<T>(
        &self,
        method: &'static str,
        limit: Duration,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Response<T>, Status> {
        let start = std::time::Instant::now();
        let late = |_| Refusal::Timeout {
            what: method,
            limit_ms: limit.as_millis() as u64,
            remedy: "what it was to do may have happened: ask before you send it again",
        };
        let result = match self.slots.try_acquire() {
            Err(_) => Err(Refusal::Busy { what: "too many requests" }),
            Ok(_) if self.stopping.is_cancelled() => Err(Refusal::Stopping),
            Ok(_slot) => tokio::time::timeout(limit, work).await.unwrap_or_else(|e| Err(late(e))),
        };
        let code = result.as_ref().map_or_else(Refusal::code, |_| "ok");
        metrics::counter!("sequencer_requests_total", "method" => method, "code" => code).increment(1);
        metrics::histogram!("sequencer_request_seconds", "method" => method)
            .record(start.elapsed().as_secs_f64());
        result.map(Response::new).map_err(|refusal| status::of(&refusal))
    }
}

/// A field of exactly `N` bytes.
fn exactly<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], Refusal> {
    bytes
        .try_into()
        .map_err(|_| Refusal::Field { field, why: format!("has {} bytes, needs {N}", bytes.len()) })
}
