//! The gRPC interface: `Ledger` and `Proving`, health and reflection.

mod ledger;
mod proving;
mod server;
mod status;

pub use server::{ApiConfig, ApiError, Server, Tls, report_health};

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Response, Status};

use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// What both services need.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    gate: Arc<dyn Gate>,
    /// Requests in work; more are refused, not queued.
    slots: Arc<Semaphore>,
    stopping: CancellationToken,
    confirmations: u32,
    minimum_fee_per_block: u64,
}

impl Api {
    /// Runs a request: counts it, limits how many run at once, turns a refusal into a status.
    async fn run<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Response<T>, Status> {
        let Ok(_slot) = self.slots.try_acquire() else {
            metrics::counter!("sequencer_requests_total", "method" => method, "code" => "busy").increment(1);
            let line = "too many requests are in work: try again in a moment";
            return Err(janction_rpc::status::refusal(Code::ResourceExhausted, "busy", line));
        };
        let start = std::time::Instant::now();
        let result = if self.stopping.is_cancelled() { Err(Refusal::Stopping) } else { work.await };
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
