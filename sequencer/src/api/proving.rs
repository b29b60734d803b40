//! The service `Proving`.

use std::pin::Pin;

use janction_protocol::Address;
use janction_protocol::claim::Claim;
use janction_protocol::state::RunState;
use janction_rpc::{encoding, v1};
use plonky2::field::types::PrimeField64;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{Api, exactly, status};
use crate::batcher::proving::Granted;
use crate::clock::unix_ms;
use crate::refusal::Refusal;
use crate::store::StoreError;
use crate::store::record::{BatchRecord, Lease, LeaseId};

/// Bytes of steps in a message.
const STEPS_BYTES: usize = 1 << 20;

/// Bytes of an attachment in a message.
const ATTACHMENT_BYTES: usize = 1 << 20;

/// The longest name of a payee's process.
const HOLDER_BYTES: usize = 32;

/// Messages that wait for a slow prover.
const WITNESS_BUFFER: usize = 2;

type Answer<T> = Result<Response<T>, Status>;
type PartSender = tokio::sync::mpsc::Sender<Result<v1::WitnessPart, Status>>;

#[tonic::async_trait]
impl v1::proving_server::Proving for Api {
    async fn lease_range(&self, request: Request<v1::LeaseRangeRequest>) -> Answer<v1::Lease> {
        let request = request.into_inner();
        self.run("LeaseRange", async {
            let (payee, holder) = (payee(&request.payee)?, holder(&request.holder)?);
            let id = LeaseId(rand::random());
            let max = request.max_batches;
            let granting = self.shared.engine(move |engine| engine.lease(id, payee, &holder, max, unix_ms()));
            let granted = granting.await?;
            let duration =
                self.shared.engine(|engine| Ok::<_, Refusal>(engine.config().lease.duration_ms)).await?;
            Ok(lease(granted, duration))
        })
        .await
    }

    type GetWitnessStream = Pin<Box<dyn Stream<Item = Result<v1::WitnessPart, Status>> + Send>>;

    async fn get_witness(&self, request: Request<v1::GetWitnessRequest>) -> Answer<Self::GetWitnessStream> {
        let id = request.into_inner().lease;
        self.run("GetWitness", async {
            let id = LeaseId(exactly("lease", &id)?);
            let lease = self.shared.engine(move |engine| engine.live_lease(id, unix_ms())).await?;
            let (sender, receiver) = tokio::sync::mpsc::channel(WITNESS_BUFFER);
            let api = self.clone();
            tokio::spawn(async move {
                if let Err(refusal) = api.send_witness(&lease, &sender).await {
                    let _ = sender.send(Err(status::of(&refusal))).await;
                }
            });
            Ok(Box::pin(ReceiverStream::new(receiver)) as Self::GetWitnessStream)
        })
        .await
    }

    async fn heartbeat(&self, request: Request<v1::HeartbeatRequest>) -> Answer<v1::HeartbeatResponse> {
        let id = request.into_inner().lease;
        self.run("Heartbeat", async {
            let id = LeaseId(exactly("lease", &id)?);
            let expires_at_ms = self.shared.engine(move |engine| engine.heartbeat(id, unix_ms())).await?;
            Ok(v1::HeartbeatResponse { expires_at_ms })
        })
        .await
    }

    async fn submit_proof(
        &self,
        request: Request<v1::SubmitProofRequest>,
    ) -> Answer<v1::SubmitProofResponse> {
        let request = request.into_inner();
        self.run("SubmitProof", async {
            let id = LeaseId(exactly("lease", &request.lease)?);
            let submit = self.shared.engine(move |engine| {
                engine.submit_proof(id, request.proof.to_vec(), &request.public_inputs)
            });
            let Lease { first, last, .. } = submit.await?;
            Ok(v1::SubmitProofResponse { first, last })
        })
        .await
    }

    async fn lease_audit(&self, request: Request<v1::LeaseAuditRequest>) -> Answer<v1::AuditLease> {
        let request = request.into_inner();
        self.run("LeaseAudit", async {
            let (payee, holder) = (payee(&request.payee)?, holder(&request.holder)?);
            let id = LeaseId(rand::random());
            let blobs = self.blobs.clone();
            let granted = self.shared.engine(move |engine| {
                let ready = |claim: &Claim| blobs.has_audit(claim);
                let granted = engine.lease_audit(id, payee, &holder, unix_ms(), ready)?;
                Ok::<_, Refusal>((granted, engine.config().lease.duration_ms))
            });
            let (granted, duration_ms) = granted.await?;
            Ok(v1::AuditLease {
                id: granted.id.0.to_vec().into(),
                job: granted.index,
                claim: encoding::encode(&granted.claim).map_err(StoreError::from)?.into(),
                deadline: granted.job.deadline,
                expires_at_ms: granted.expires_at_ms,
                duration_ms,
                fee: granted.job.fee.units(),
                price: granted.job.second_price.units(),
            })
        })
        .await
    }

    async fn heartbeat_audit(&self, request: Request<v1::HeartbeatRequest>) -> Answer<v1::HeartbeatResponse> {
        let id = request.into_inner().lease;
        self.run("HeartbeatAudit", async {
            let id = LeaseId(exactly("lease", &id)?);
            let beat = self.shared.engine(move |engine| engine.heartbeat_audit(id, unix_ms()));
            Ok(v1::HeartbeatResponse { expires_at_ms: beat.await? })
        })
        .await
    }

    async fn release_audit(
        &self,
        request: Request<v1::ReleaseAuditRequest>,
    ) -> Answer<v1::ReleaseAuditResponse> {
        let request = request.into_inner();
        self.run("ReleaseAudit", async {
            let id = LeaseId(exactly("lease", &request.lease)?);
            let release = self.shared.engine(move |engine| {
                let fault = request.fault.as_ref().map(|fault| (&*fault.code, &*fault.reason));
                engine.release_audit(id, fault, unix_ms())
            });
            release.await?;
            Ok(v1::ReleaseAuditResponse {})
        })
        .await
    }

    async fn release_lease(
        &self,
        request: Request<v1::ReleaseLeaseRequest>,
    ) -> Answer<v1::ReleaseLeaseResponse> {
        let id = request.into_inner().lease;
        self.run("ReleaseLease", async {
            let id = LeaseId(exactly("lease", &id)?);
            self.shared.engine(move |engine| engine.release(id, unix_ms())).await?;
            Ok(v1::ReleaseLeaseResponse {})
        })
        .await
    }
}

impl Api {
    async fn send_witness(&self, lease: &Lease, sender: &PartSender) -> Result<(), Refusal> {
        let Lease { first, last, payee, .. } = *lease;
        let bound = self.shared.engine(move |engine| engine.bound(first, last, payee)).await?;
        let start = v1::RangeStart {
            first,
            last,
            run: encoding::encode::<RunState>(&bound.run).map_err(StoreError::from)?.into(),
            public_inputs: bound.inputs.to_u64s().to_vec(),
        };
        send(sender, v1::witness_part::Part::Start(start)).await?;
        for number in first..=last {
            let record =
                self.shared.engine(move |engine| Ok::<_, Refusal>(engine.batch_record(number)?)).await?;
            send(sender, v1::witness_part::Part::Batch(batch(&record))).await?;
            self.send_steps(&record, sender).await?;
            self.send_attachments(record, sender).await?;
        }
        Ok(())
    }

    async fn send_steps(&self, record: &BatchRecord, sender: &PartSender) -> Result<(), Refusal> {
        let (number, mut next) = (record.number, 0);
        while next < record.steps {
            let steps = self.shared.engine(move |engine| engine.steps(number, next, STEPS_BYTES)).await?;
            let sent = steps.len() as u32;
            let steps = steps.into_iter().map(Into::into).collect();
            send(sender, v1::witness_part::Part::Steps(v1::Steps { batch: number, first: next, steps }))
                .await?;
            next += sent;
        }
        Ok(())
    }

    async fn send_attachments(&self, record: BatchRecord, sender: &PartSender) -> Result<(), Refusal> {
        let batch = record.number;
        for (position, bytes) in self.shared.engine(move |engine| engine.attachments(&record)).await? {
            let total = bytes.len() as u32;
            for (offset, chunk) in (0..).step_by(ATTACHMENT_BYTES).zip(bytes.chunks(ATTACHMENT_BYTES)) {
                let bytes = chunk.to_vec().into();
                let part = v1::Attachment { batch, position, offset, total, bytes };
                send(sender, v1::witness_part::Part::Attachment(part)).await?;
            }
        }
        Ok(())
    }
}

async fn send(sender: &PartSender, part: v1::witness_part::Part) -> Result<(), Refusal> {
    let sent = sender.send(Ok(v1::WitnessPart { part: Some(part) })).await;
    sent.map_err(|_| Refusal::Internal("the prover has gone".into()))
}

/// Who is paid.
fn payee(bytes: &[u8]) -> Result<Address, Refusal> {
    let payee = Address(exactly("payee", bytes)?);
    if payee == Address::ZERO {
        return Err(Refusal::Field { field: "payee", why: "is zero; name who is paid".into() });
    }
    Ok(payee)
}

/// Which of the payee's processes asks.
fn holder(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    if bytes.len() > HOLDER_BYTES {
        let why = format!("has {} bytes, at most {HOLDER_BYTES} are taken", bytes.len());
        return Err(Refusal::Field { field: "holder", why });
    }
    Ok(bytes.to_vec())
}

fn lease(granted: Granted, duration_ms: u64) -> v1::Lease {
    let Granted { id, lease, steps } = granted;
    v1::Lease {
        id: id.0.to_vec().into(),
        first: lease.first,
        last: lease.last,
        expires_at_ms: lease.expires_at_ms,
        duration_ms,
        steps,
        payee: lease.payee.0.to_vec().into(),
    }
}

fn batch(record: &BatchRecord) -> v1::BatchStart {
    let numbers = |elements: [janction_protocol::F; 2]| elements.map(|x| x.to_canonical_u64()).to_vec();
    v1::BatchStart {
        number: record.number,
        stream: record.stream().into(),
        digest: record.entry.digest.to_bytes().to_vec().into(),
        r: numbers(record.entry.r),
        f: numbers(record.entry.f),
        steps: record.steps,
    }
}
