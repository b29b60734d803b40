//! The services over gRPC.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use janction_protocol::Digest;
use janction_protocol::state::AccountKind;
use janction_protocol::transaction::SignedTransaction;
use janction_rpc::encoding::encode;
use janction_rpc::status::refusal;
use janction_rpc::v1::blobs_server::{Blobs, BlobsServer};
use janction_rpc::v1::ledger_server::{Ledger, LedgerServer};
use janction_rpc::v1::put_blob_request::Part;
use janction_rpc::v1::{self, BlobClass};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status, Streaming};

use super::{State, deployment};

type Answer<T> = Result<Response<T>, Status>;
type Reports<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
struct Service(Arc<Mutex<State>>);

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// Serves on a free port of this machine.
pub async fn serve(state: Arc<Mutex<State>>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let service = Service(state);
    let server = tonic::transport::Server::builder()
        .add_service(LedgerServer::new(service.clone()))
        .add_service(BlobsServer::new(service))
        .serve_with_incoming(TcpListenerStream::new(listener));
    (uri, tokio::spawn(async move { server.await.unwrap() }))
}

fn not_found(what: &str) -> Status {
    refusal(Code::NotFound, "not-found", format!("there is no such {what}"))
}

#[tonic::async_trait]
impl Ledger for Service {
    async fn submit_transaction(
        &self,
        request: Request<v1::SubmitTransactionRequest>,
    ) -> Answer<v1::SubmitTransactionResponse> {
        let signed = SignedTransaction::decode(&request.into_inner().transaction).unwrap();
        match self.state().admit(signed) {
            Ok(id) => Ok(Response::new(v1::SubmitTransactionResponse { id: id.to_vec().into() })),
            Err((code, line)) => {
                let kind =
                    if code == "mempool-full" { Code::ResourceExhausted } else { Code::FailedPrecondition };
                Err(refusal(kind, code.leak(), line))
            }
        }
    }

    async fn get_transaction(
        &self,
        request: Request<v1::GetTransactionRequest>,
    ) -> Answer<v1::GetTransactionResponse> {
        let id: [u8; 32] = request.into_inner().id.as_ref().try_into().unwrap();
        let stage = self.state().stages.get(&id).copied().ok_or_else(|| not_found("transaction"))?;
        let mut answer = v1::GetTransactionResponse::default();
        answer.set_stage(stage);
        Ok(Response::new(answer))
    }

    async fn get_account(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        let index = request.into_inner().index;
        let state = self.state();
        let account = state.ledger.account(index);
        if account.kind == AccountKind::Empty {
            return Err(not_found("account"));
        }
        let waiting = state.pending.iter().filter(|(_, signed)| {
            signed.authorization.is_some() && signed.transaction.raw().unwrap().a == index
        });
        Ok(Response::new(v1::GetAccountResponse {
            index,
            account: encode(&account).unwrap().into(),
            next_nonce: account.nonce + waiting.count() as u32,
            available: account.balance.units(),
            batch: state.ledger.state().batch,
        }))
    }

    async fn get_account_by_key(
        &self,
        _: Request<v1::GetAccountByKeyRequest>,
    ) -> Answer<v1::GetAccountByKeyResponse> {
        Err(Status::unimplemented("no unit asks"))
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::GetJobResponse> {
        let index = request.into_inner().index;
        let state = self.state();
        if index >= state.ledger.state().next_job {
            return Err(not_found("job"));
        }
        Ok(Response::new(state.view(index)))
    }

    async fn list_jobs(&self, _: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        Err(Status::unimplemented("no unit asks"))
    }

    type WatchJobsStream = Reports<v1::GetJobResponse>;

    async fn watch_jobs(&self, _: Request<v1::WatchJobsRequest>) -> Answer<Self::WatchJobsStream> {
        let state = self.state();
        let live: Vec<_> =
            state.ledger.jobs().filter(|(_, job)| job.status.is_live()).map(|(i, _)| i).collect();
        let first: Vec<_> = live.into_iter().map(|index| Ok(state.view(index))).collect();
        let mut changes = state.reports.subscribe();
        let changes = async_stream(async move |sender: tokio::sync::mpsc::Sender<_>| {
            while let Ok(view) = changes.recv().await {
                if sender.send(Ok(view)).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(first).chain(changes))))
    }

    async fn get_info(&self, _: Request<v1::GetInfoRequest>) -> Answer<v1::GetInfoResponse> {
        let mut state = self.state();
        state.advance();
        let l1 = v1::L1Info {
            chain_id: deployment().chain_id(),
            rollup: deployment().rollup().0.to_vec().into(),
            head_time: state.time,
            reachable: true,
            ..Default::default()
        };
        Ok(Response::new(v1::GetInfoResponse {
            l1: Some(l1),
            time: state.ledger.state().time,
            minimum_fee: state.manner.fee_per_block,
            ..Default::default()
        }))
    }

    type WatchBatchesStream = Reports<v1::BatchInfo>;

    async fn watch_batches(&self, _: Request<v1::WatchBatchesRequest>) -> Answer<Self::WatchBatchesStream> {
        Err(Status::unimplemented("no unit asks"))
    }
}

#[tonic::async_trait]
impl Blobs for Service {
    async fn put_blob(&self, request: Request<Streaming<v1::PutBlobRequest>>) -> Answer<v1::PutBlobResponse> {
        let mut parts = request.into_inner();
        let Some(Part::Header(header)) = parts.message().await?.and_then(|part| part.part) else {
            return Err(Status::invalid_argument("no header"));
        };
        let mut bytes = Vec::new();
        while let Some(part) = parts.message().await? {
            if let Some(Part::Bytes(piece)) = part.part {
                assert!(piece.len() <= 1 << 20);
                bytes.extend_from_slice(&piece);
            }
        }
        assert_eq!(bytes.len() as u64, header.size);
        let name = header.name.unwrap();
        let digest: [u8; 32] = name.digest.as_ref().try_into().unwrap();
        // The reason must hold: a live job with this claim, or a Submit that names this output.
        if header.job != 0 {
            let job = self.state().ledger.job(header.job);
            let claim = janction_protocol::claim::Claim::of(deployment(), header.job, &job);
            assert_eq!(claim.digest(), Digest::from_bytes(digest).unwrap());
        } else {
            assert_eq!(name.class, i32::from(BlobClass::Output));
            let signed = SignedTransaction::decode(&header.transaction).unwrap();
            if let Err((code, line)) = self.state().would_admit(&signed) {
                return Err(refusal(Code::FailedPrecondition, code.leak(), line));
            }
        }
        self.state().blobs.insert((name.class, digest), bytes);
        Ok(Response::new(v1::PutBlobResponse::default()))
    }

    type GetBlobStream = Reports<v1::BlobPart>;

    async fn get_blob(&self, request: Request<v1::GetBlobRequest>) -> Answer<Self::GetBlobStream> {
        let name = request.into_inner().name.unwrap();
        let digest: [u8; 32] = name.digest.as_ref().try_into().unwrap();
        let state = self.state();
        let there = state.manner.lies.get(&name.class).or_else(|| state.blobs.get(&(name.class, digest)));
        let bytes = there.ok_or_else(|| not_found("blob"))?.clone();
        let size = bytes.len() as u64;
        // Several parts, though small.
        let pieces: Vec<Vec<u8>> = bytes.chunks(64).map(<[u8]>::to_vec).collect();
        let parts = pieces.into_iter().enumerate().map(move |(i, piece)| {
            Ok(v1::BlobPart { size: if i == 0 { size } else { 0 }, bytes: piece.into() })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(parts.collect::<Vec<_>>()))))
    }
}

/// A stream of what `feed` sends.
fn async_stream<T: Send + 'static, F: Future<Output = ()> + Send + 'static>(
    feed: impl FnOnce(tokio::sync::mpsc::Sender<T>) -> F,
) -> tokio_stream::wrappers::ReceiverStream<T> {
    let (sender, receiver) = tokio::sync::mpsc::channel(100);
    tokio::spawn(feed(sender));
    tokio_stream::wrappers::ReceiverStream::new(receiver)
}
