//! A sequencer that has one audit to offer, and the node that takes it.

use std::collections::HashMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::state::{Job, JobStatus};
use janction_prover::progress::Silent;
use janction_prover::{ProverConfig, Work, WorkKeys, node};
use janction_rpc::encoding::encode;
use janction_rpc::status::refusal;
use janction_rpc::v1::blobs_server::{Blobs, BlobsServer};
use janction_rpc::v1::ledger_server::{Ledger, LedgerServer};
use janction_rpc::v1::proving_server::{Proving, ProvingServer};
use janction_rpc::v1::{self, BlobClass};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::Stream;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

use super::WORLD;
use super::market::PAYEE;

/// What the sequencer has, and what it was told.
#[derive(Default)]
pub struct Told {
    lease: Option<v1::AuditLease>,
    blobs: HashMap<(BlobClass, Digest), Vec<u8>>,
    /// The job has ended, so that no `Settle` is taken.
    pub ended: bool,
    /// Bytes and attachment of each `Settle`, the refused ones included.
    pub settles: Vec<(Vec<u8>, Vec<u8>)>,
    pub fault: Option<v1::AuditFault>,
    released: bool,
    /// It was asked for work again, so the node has done with the audit.
    asked_again: bool,
}

impl Told {
    /// An audit of `claim`.
    pub fn of(claim: &Claim) -> Self {
        let lease = v1::AuditLease {
            id: vec![7; 16].into(),
            job: claim.job,
            claim: encode(claim).expect("a value of the protocol").into(),
            duration_ms: 120_000,
            fee: 13,
            price: 1000,
            ..v1::AuditLease::default()
        };
        Self { lease: Some(lease), ..Self::default() }
    }

    pub fn blob(mut self, class: BlobClass, digest: Digest, bytes: Vec<u8>) -> Self {
        self.blobs.insert((class, digest), bytes);
        self
    }

    fn is_over(&self) -> bool {
        self.released || !self.settles.is_empty()
    }
}

/// Runs a node over `folder` against a sequencer until the audit is settled or given back.
pub fn run_node(folder: &Path, told: Told) -> Told {
    let told = Arc::new(Mutex::new(told));
    let (config, keys) = (config(folder), WorkKeys { audits: Some(wrapper()), ranges: None });
    let work = async {
        let (uri, stop) = (serve(Arc::clone(&told)).await, CancellationToken::new());
        let config = ProverConfig { sequencer: uri, ..config };
        let engines = config.engines().expect("an engine");
        let node = tokio::spawn(node::run(config, engines, keys, Arc::new(Silent), stop.clone()));
        while !told.lock().expect("no panic").asked_again {
            assert!(!node.is_finished(), "the node ends only when it is told to");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        node.await.expect("no panic").expect("stopped in order");
    };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(300), work).await.expect("in time") });
    drop(runtime);
    Arc::into_inner(told).expect("nobody else holds it").into_inner().expect("no panic")
}

fn wrapper() -> Arc<janction_audit::Wrapper> {
    Arc::clone(&WORLD.circuits.wrapper)
}

/// The node of which the test's own pipelines use the folders.
fn config(folder: &Path) -> ProverConfig {
    ProverConfig {
        payee: PAYEE,
        work: Work::Audits,
        data: folder.to_owned(),
        keys: folder.to_owned(),
        ..ProverConfig::default()
    }
}

async fn serve(told: Arc<Mutex<Told>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let uri = format!("http://{}", listener.local_addr().expect("bound"));
    let service = Service(told);
    let server = tonic::transport::Server::builder()
        .add_service(ProvingServer::new(service.clone()))
        .add_service(LedgerServer::new(service.clone()).max_decoding_message_size(4 << 20))
        .add_service(BlobsServer::new(service))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    uri
}

#[derive(Clone)]
struct Service(Arc<Mutex<Told>>);

impl Service {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("no panic")
    }
}

type Answer<T> = Result<Response<T>, Status>;
type Parts<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn never<T>() -> Answer<T> {
    Err(Status::unimplemented("a prover of audits does not ask"))
}

#[tonic::async_trait]
impl Proving for Service {
    type GetWitnessStream = Parts<v1::WitnessPart>;

    async fn lease_audit(&self, request: Request<v1::LeaseAuditRequest>) -> Answer<v1::AuditLease> {
        let request = request.into_inner();
        assert_eq!((request.payee.to_vec(), request.holder.len()), (PAYEE.0.to_vec(), 32));
        let mut told = self.told();
        told.asked_again = told.is_over();
        match &told.lease {
            Some(lease) if !told.asked_again => Ok(Response::new(lease.clone())),
            _ => Err(refusal(Code::NotFound, "no-work", "no audit is due")),
        }
    }

    async fn heartbeat_audit(&self, _: Request<v1::HeartbeatRequest>) -> Answer<v1::HeartbeatResponse> {
        Ok(Response::new(v1::HeartbeatResponse::default()))
    }

    async fn release_audit(
        &self,
        request: Request<v1::ReleaseAuditRequest>,
    ) -> Answer<v1::ReleaseAuditResponse> {
        let mut told = self.told();
        told.fault = request.into_inner().fault;
        told.released = true;
        Ok(Response::new(v1::ReleaseAuditResponse {}))
    }

    async fn lease_range(&self, _: Request<v1::LeaseRangeRequest>) -> Answer<v1::Lease> {
        never()
    }

    async fn get_witness(&self, _: Request<v1::GetWitnessRequest>) -> Answer<Self::GetWitnessStream> {
        never()
    }

    async fn heartbeat(&self, _: Request<v1::HeartbeatRequest>) -> Answer<v1::HeartbeatResponse> {
        never()
    }

    async fn submit_proof(&self, _: Request<v1::SubmitProofRequest>) -> Answer<v1::SubmitProofResponse> {
        never()
    }

    async fn release_lease(&self, _: Request<v1::ReleaseLeaseRequest>) -> Answer<v1::ReleaseLeaseResponse> {
        never()
    }
}

#[tonic::async_trait]
impl Blobs for Service {
    type GetBlobStream = Parts<v1::BlobPart>;

    async fn get_blob(&self, request: Request<v1::GetBlobRequest>) -> Answer<Self::GetBlobStream> {
        let name = request.into_inner().name.expect("a name");
        let digest: [u8; 32] = name.digest.as_ref().try_into().expect("32 bytes");
        let key = (name.class(), Digest::from_bytes(digest).expect("a digest"));
        let told = self.told();
        let missing = || refusal(Code::NotFound, "not-found", "there is no such blob");
        let bytes = told.blobs.get(&key).ok_or_else(missing)?;
        let size = bytes.len() as u64;
        let parts: Vec<_> = bytes
            .chunks(100)
            .enumerate()
            .map(|(i, part)| {
                Ok(v1::BlobPart { size: if i == 0 { size } else { 0 }, bytes: part.to_vec().into() })
            })
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }

    async fn put_blob(&self, _: Request<Streaming<v1::PutBlobRequest>>) -> Answer<v1::PutBlobResponse> {
        never()
    }
}

#[tonic::async_trait]
impl Ledger for Service {
    type WatchJobsStream = Parts<v1::GetJobResponse>;
    type WatchBatchesStream = Parts<v1::BatchInfo>;

    async fn submit_transaction(
        &self,
        request: Request<v1::SubmitTransactionRequest>,
    ) -> Answer<v1::SubmitTransactionResponse> {
        let request = request.into_inner();
        let mut told = self.told();
        told.settles.push((request.transaction.to_vec(), request.attachment.to_vec()));
        if told.ended {
            return Err(refusal(Code::FailedPrecondition, "wrong-status", "the job has ended"));
        }
        Ok(Response::new(v1::SubmitTransactionResponse { id: vec![1; 32].into() }))
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::GetJobResponse> {
        let index = request.into_inner().index;
        let status = if self.told().ended { JobStatus::Settled } else { JobStatus::Proving };
        let job = encode(&Job { status, ..Job::default() }).expect("a value of the protocol").into();
        Ok(Response::new(v1::GetJobResponse { index, job, ..v1::GetJobResponse::default() }))
    }

    async fn get_transaction(
        &self,
        _: Request<v1::GetTransactionRequest>,
    ) -> Answer<v1::GetTransactionResponse> {
        never()
    }

    async fn get_account(&self, _: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        never()
    }

    async fn get_account_by_key(
        &self,
        _: Request<v1::GetAccountByKeyRequest>,
    ) -> Answer<v1::GetAccountByKeyResponse> {
        never()
    }

    async fn list_jobs(&self, _: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        never()
    }

    async fn watch_jobs(&self, _: Request<v1::WatchJobsRequest>) -> Answer<Self::WatchJobsStream> {
        never()
    }

    async fn get_info(&self, _: Request<v1::GetInfoRequest>) -> Answer<v1::GetInfoResponse> {
        never()
    }

    async fn watch_batches(&self, _: Request<v1::WatchBatchesRequest>) -> Answer<Self::WatchBatchesStream> {
        never()
    }
}
