//! The prover as a process: takes leases, proves, hands in; for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use janction_protocol::Address;
use janction_rpc::v1::Lease;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::audit::{AuditPipeline, AuditWork};
use crate::cache::Cache;
use crate::client::{Client, ClientError, Holder};
use crate::config::ProverConfig;
use crate::engines::Engines;
use crate::error::ProverError;
use crate::keys::WorkKeys;
use crate::pipeline::{Pipeline, RangeProof};
use crate::progress::Progress;
use crate::range::RangeWitness;

/// Waits after an error; doubled up to [`RETRY_MAX`] while errors follow each other.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Runs a prover until `shutdown`: it does the work that `keys` are for, with `engines`.
///
/// # Errors
/// [`ProverError::Payee`] when nobody would be paid, [`ProverError::Client`] when the address is no address,
/// [`ProverError::Cache`] when the data folder cannot be used. A sequencer that does not answer, a lease that is lost or
/// work that cannot be proven is logged, counted and survived.
pub async fn run(
    config: ProverConfig,
    engines: Engines,
    keys: WorkKeys,
    progress: Arc<dyn Progress>,
    shutdown: CancellationToken,
) -> Result<(), ProverError> {
    if config.payee == Address::ZERO {
        return Err(ProverError::Payee);
    }
    let cancelled = Arc::new(AtomicBool::new(false));
    let (payee, ranges_progress) = (config.payee, Arc::clone(&progress));
    let audits = match keys.audits {
        None => None,
        Some(wrapper) => {
            let programs = Cache::open(config.keys.join("programs"))?;
            let kept = Cache::open(config.data.join("audits"))?;
            let pipeline =
                AuditPipeline::new(wrapper, engines.goldilocks(), programs, kept, Arc::clone(&cancelled));
            Some(AuditWork::new(pipeline, progress, payee))
        }
    };
    let ranges = match keys.ranges {
        None => None,
        Some(keys) => {
            let kept = Cache::open(config.data.join("proofs"))?;
            let pipeline = Arc::new(Pipeline::new(keys, engines.clone(), kept, Arc::clone(&cancelled)));
            let max_batches = config.max_batches;
            Some(RangeWork { pipeline, progress: ranges_progress, payee, max_batches })
        }
    };
    let holder = Holder::load_or_draw(&Cache::open(&config.data)?)?;
    let node = Node { config, holder, engines, audits, ranges };
    let work = node.serve();
    tokio::select! {
        error = work => Err(error),
        () = shutdown.cancelled() => {
            cancelled.store(true, Ordering::Relaxed);
            tracing::info!("stopping; finished parts of the work are kept");
            Ok(())
        }
    }
}

struct Node {
    config: ProverConfig,
    holder: Holder,
    engines: Engines,
    audits: Option<AuditWork>,
    ranges: Option<RangeWork>,
}

impl Node {
    /// Returns only with an error that no retry can mend.
    async fn serve(&self) -> ProverError {
        let mut wait = RETRY_MIN;
        loop {
            match self.session().await {
                Ok(()) => wait = RETRY_MIN,
                Err(error @ ProverError::Client(ClientError::Uri { .. })) => return error,
                Err(error) => {
                    metrics::counter!("janction_prover_errors_total").increment(1);
                    tracing::warn!(%error, retry_in = ?wait, "no proof");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// One connection: until the first error. Audits go first, since they have deadlines.
    async fn session(&self) -> Result<(), ProverError> {
        let mut client = Client::connect(&self.config.sequencer, self.holder).await?;
        tracing::info!(sequencer = %self.config.sequencer, "connected");
        loop {
            let mut worked = false;
            if let Some(audits) = &self.audits {
                worked = audits.serve(&mut client).await?;
            }
            if let Some(ranges) = &self.ranges
                && !worked
            {
                worked = ranges.serve(&mut client).await?;
            }
            if worked {
                self.engines.publish();
            } else {
                tokio::time::sleep(Duration::from_secs(self.config.poll_seconds)).await;
            }
        }
    }
}

/// Proves the ranges that the sequencer leases.
struct RangeWork {
    pipeline: Arc<Pipeline>,
    progress: Arc<dyn Progress>,
    payee: Address,
    max_batches: u32,
}

impl RangeWork {
    /// Proves one range, if there is one; answers whether there was.
    async fn serve(&self, client: &mut Client) -> Result<bool, ProverError> {
        let Some(lease) = client.lease(self.payee, self.max_batches).await? else { return Ok(false) };
        let start = Instant::now();
        tracing::info!(first = lease.first, last = lease.last, steps = lease.steps, "leased");
        let heart = heartbeat(client.clone(), lease.clone());
        let proven = match client.witness(&lease).await {
            Ok(witness) => self.prove(witness).await,
            Err(error) => Err(error.into()),
        };
        heart.abort();
        let proof = match proven {
            Ok(proof) => proof,
            Err(error) => {
                // Others may have better luck, or a newer version.
                if let Err(error) = client.release(&lease).await {
                    tracing::warn!(%error, "the lease was not given back; it will expire");
                }
                return Err(error);
            }
        };
        client.submit(&lease, proof.proof, proof.public_inputs).await?;
        let seconds = start.elapsed().as_secs_f64();
        metrics::counter!("janction_prover_proofs_total").increment(1);
        metrics::histogram!("janction_prover_range_seconds").record(seconds);
        tracing::info!(first = lease.first, last = lease.last, seconds, "proof handed in");
        Ok(true)
    }

    async fn prove(&self, witness: RangeWitness) -> Result<RangeProof, ProverError> {
        let (pipeline, progress) = (Arc::clone(&self.pipeline), Arc::clone(&self.progress));
        let payee = self.payee;
        tokio::task::spawn_blocking(move || pipeline.prove(&witness, payee, progress.as_ref()))
            .await
            .map_err(|e| ProverError::Panicked { reason: e.to_string() })?
    }
}

/// Keeps a lease alive; a lost one is only logged, since the proof counts whoever holds the lease.
fn heartbeat(mut client: Client, lease: Lease) -> JoinHandle<()> {
    let every = Duration::from_millis((lease.duration_ms / 3).max(100));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = client.heartbeat(&lease).await {
                tracing::warn!(%error, first = lease.first, last = lease.last, "no heartbeat");
            }
        }
    })
}
