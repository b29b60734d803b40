//! Audits as work of the node: lease, fetch, prove, settle, or say why not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use janction_aggregate::config::C;
use janction_engine::Engine;
use janction_protocol::Address;
use janction_protocol::claim::Claim;
use janction_rpc::encoding::decode;
use janction_rpc::v1::{AuditLease, BlobClass};
use tokio::task::JoinHandle;

use super::{AuditPipeline, Materials, fault};
use crate::client::{Client, ClientError, Settled};
use crate::error::ProverError;
use crate::progress::Progress;

/// How long other work goes first after an audit that failed here, which may well be offered again at once.
const REST: Duration = Duration::from_secs(10);

/// Proves the audits that the sequencer leases.
pub(crate) struct AuditWork {
    pipeline: Arc<AuditPipeline<Arc<dyn Engine<C>>>>,
    progress: Arc<dyn Progress>,
    payee: Address,
    /// No audit is asked for before.
    rest: Mutex<Option<Instant>>,
}

impl AuditWork {
    pub(crate) fn new(
        pipeline: AuditPipeline<Arc<dyn Engine<C>>>,
        progress: Arc<dyn Progress>,
        payee: Address,
    ) -> Self {
        Self { pipeline: Arc::new(pipeline), progress, payee, rest: Mutex::new(None) }
    }

    /// Proves one audit, if there is one; answers whether there was.
    ///
    /// # Errors
    /// What may go better another time: the sequencer, the disk, the machine. A job that cannot be proven is reported to the
    /// sequencer and is no error.
    pub(crate) async fn serve(&self, client: &mut Client) -> Result<bool, ProverError> {
        if self.rests() {
            return Ok(false);
        }
        let Some(lease) = client.lease_audit(self.payee).await? else { return Ok(false) };
        let start = Instant::now();
        let claim: Claim = decode(&lease.claim).map_err(ClientError::from)?;
        tracing::info!(job = lease.job, claim = %claim.digest(), "leased an audit");
        let heart = heartbeat(client.clone(), lease.clone());
        let result = self.settle(client, &lease, &claim).await;
        heart.abort();
        match result {
            Ok(settled) => {
                self.pipeline.forget(&claim)?;
                let seconds = start.elapsed().as_secs_f64();
                if settled == Settled::ByAnother {
                    tracing::info!(job = lease.job, seconds, "the job was settled by another prover");
                    return Ok(true);
                }
                metrics::counter!("janction_prover_audits_total").increment(1);
                metrics::histogram!("janction_prover_audit_seconds").record(seconds);
                tracing::info!(job = lease.job, seconds, "audit proven, Settle handed in");
                Ok(true)
            }
            Err(error) => self.give_back(client, &lease, &claim, error).await.map(|()| true),
        }
    }

    /// Reports a job that cannot be proven; an error that is not the job's is passed on.
    async fn give_back(
        &self,
        client: &mut Client,
        lease: &AuditLease,
        claim: &Claim,
        error: ProverError,
    ) -> Result<(), ProverError> {
        let code = fault::code(&error);
        let reason = error.to_string();
        let said = code.map(|code| (code, reason.as_str()));
        if let Err(error) = client.release_audit(lease, said, self.payee).await {
            tracing::warn!(%error, job = lease.job, "the audit was not given back; its lease will expire");
        }
        let Some(code) = code else {
            *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
            return Err(error);
        };
        metrics::counter!("janction_prover_audit_faults_total", "code" => code).increment(1);
        tracing::error!(job = lease.job, winner = claim.winner, code, %reason, "THE JOB CANNOT BE PROVEN");
        self.pipeline.forget(claim)
    }

    fn rests(&self) -> bool {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.is_some_and(|until| Instant::now() < until)
    }

    async fn settle(
        &self,
        client: &mut Client,
        lease: &AuditLease,
        claim: &Claim,
    ) -> Result<Settled, ProverError> {
        let program = client.blob(BlobClass::Program, claim.program).await?;
        let input = client.blob(BlobClass::Input, claim.input_root).await?;
        let openings = client.blob(BlobClass::Openings, claim.digest()).await?;
        let (pipeline, progress, claim) = (Arc::clone(&self.pipeline), Arc::clone(&self.progress), *claim);
        let prove = move || {
            let materials = Materials::read(claim, &program, &input, &openings)?;
            drop((program, input, openings));
            pipeline.prove(&materials, progress.as_ref())
        };
        let proof = tokio::task::spawn_blocking(prove)
            .await
            .map_err(|e| ProverError::Panicked { reason: e.to_string() })??;
        Ok(client.settle(lease, claim.output_root, proof.to_bytes()).await?)
    }
}

/// Keeps a lease alive; a lost one is only logged, since a `Settle` counts whoever holds the lease.
fn heartbeat(mut client: Client, lease: AuditLease) -> JoinHandle<()> {
    let every = Duration::from_millis((lease.duration_ms / 3).max(100));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = client.heartbeat_audit(&lease).await {
                tracing::warn!(%error, job = lease.job, "no heartbeat");
            }
        }
    })
}
