//! A sequencer that tests hold in their hands: services `Ledger` and `Blobs` over accounts, jobs and blobs in memory. It
//! seals every transaction at once, and checks what a sequencer must: the signature, the nonce, and that an upload has
//! a reason.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use janction_protocol::state::{Account, AccountKind, Index, Job, JobStatus, Key};
use janction_protocol::stream::Kind;
use janction_protocol::transaction::{PostJob, SignedTransaction, Transaction};
use janction_protocol::transition::{check, message};
use janction_protocol::{Address, Amount, Deployment};
use janction_rpc::v1::put_blob_request::Part;
use janction_rpc::v1::{self, blobs_server, ledger_server};
use janction_rpc::{encoding, status};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status, Streaming};

/// The chain that it says it is on.
const CHAIN: u64 = 31_337;
/// Its least fee for a block.
pub const MINIMUM_FEE: u64 = 1_000;
/// Its time.
pub const NOW: u64 = 1_000;

/// What the sequencer knows.
#[derive(Default)]
pub struct State {
    /// Accounts by index.
    pub accounts: Vec<Account>,
    /// Jobs by index; the first has index 1.
    pub jobs: Vec<v1::GetJobResponse>,
    /// Blobs by class and digest.
    pub blobs: HashMap<(i32, Vec<u8>), Vec<u8>>,
    /// Transactions that were handed in, newest last.
    pub transactions: Vec<SignedTransaction>,
}

impl State {
    /// Adds a job; its index.
    pub fn add(&mut self, job: &Job, events: Vec<v1::JobEvent>) -> Index {
        let index = self.jobs.len() as Index + 1;
        self.jobs.push(v1::GetJobResponse {
            index,
            job: encoding::encode(job).expect("encodes").into(),
            batch: 1,
            events,
            blobs: Vec::new(),
            faults: Vec::new(),
        });
        index
    }
}

/// The sequencer. It runs until the test ends.
#[derive(Clone)]
pub struct Sequencer {
    /// Its address, as `sequencer.url` takes it.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Sequencer {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        Self::start_with_limit(janction_rpc::MAX_MESSAGE_BYTES).await
    }

    /// Starts one that takes no longer messages than so many bytes.
    pub async fn start_with_limit(bytes: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let sequencer = Sequencer { url, state: Arc::default() };
        let router = tonic::transport::Server::builder()
            .add_service(ledger_server::LedgerServer::new(sequencer.clone()).max_decoding_message_size(bytes))
            .add_service(blobs_server::BlobsServer::new(sequencer.clone()).max_decoding_message_size(bytes));
        tokio::spawn(router.serve_with_incoming(TcpIncoming::from(listener)));
        sequencer
    }

    /// What it knows.
    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked with it")
    }
}

fn deployment() -> Deployment {
    Deployment::new(CHAIN, Address([7; 20])).expect("a chain")
}

fn refused<T>(kind: Code, word: &'static str, line: &str) -> Result<T, Status> {
    Err(status::refusal(kind, word, line))
}

fn account(index: Index, account: &Account) -> v1::GetAccountResponse {
    v1::GetAccountResponse {
        index,
        account: encoding::encode(account).expect("encodes").into(),
        next_nonce: account.nonce,
        available: account.balance.units(),
        batch: 1,
    }
}

/// The transaction in `bytes`, if its signer could have it included now.
fn checked(state: &State, bytes: &[u8]) -> Result<(SignedTransaction, Index), Status> {
    let signed = SignedTransaction::decode(bytes)
        .or_else(|e| refused(Code::InvalidArgument, "malformed", &e.to_string()))?;
    let signer = match &signed.transaction {
        Transaction::PostJob(post) => post.developer,
        Transaction::Register(register) => register.wallet,
        Transaction::Stake(stake) => stake.unit,
        Transaction::Unstake(unstake) => unstake.unit,
        Transaction::Transfer(transfer) => transfer.from,
        other => panic!("{other:?}"),
    };
    let Some(account) = state.accounts.get(signer as usize) else {
        return refused(Code::NotFound, "not-found", "no such account");
    };
    let blocks = signed.transaction.blocks().expect("decoded");
    let message = message(&deployment(), signed.nonce, &blocks);
    if let Err(error) = check(signed.transaction.kind(), account, message, signed.authorization.as_ref()) {
        return refused(Code::InvalidArgument, "signature", &error.to_string());
    }
    assert_eq!(signed.nonce, account.nonce, "the next nonce");
    Ok((signed, signer))
}

fn post(state: &mut State, nonce: u32, post: &PostJob) {
    let job = Job {
        status: JobStatus::Posted,
        owner: post.developer,
        nonce,
        program: post.program,
        audit_key: post.audit_key,
        input_root: post.input_root,
        input_rows: post.input_rows,
        stake: post.stake,
        policy: post.policy,
        budget: post.budget,
        fee: post.job_fee,
        bid_end: NOW + u64::from(post.bid_window),
        reveal_end: NOW + u64::from(post.bid_window) + u64::from(post.reveal_window),
        ..Job::default()
    };
    let event = v1::JobEvent {
        batch: 1,
        time: NOW,
        kind: Kind::PostJob.tag().into(),
        account: post.developer,
        transaction: vec![9; 32].into(),
    };
    state.add(&job, vec![event]);
}

type Answer<T> = Result<Response<T>, Status>;
type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ledger_server::Ledger for Sequencer {
    async fn submit_transaction(
        &self,
        request: Request<v1::SubmitTransactionRequest>,
    ) -> Answer<v1::SubmitTransactionResponse> {
        let mut state = self.state();
        let (signed, signer) = checked(&state, &request.into_inner().transaction)?;
        let owner = state.accounts[signer as usize].owner;
        match &signed.transaction {
            Transaction::PostJob(order) => {
                for (class, digest) in [(1, order.program), (2, order.input_root)] {
                    assert!(
                        state.blobs.contains_key(&(class, digest.to_bytes().to_vec())),
                        "uploaded before"
                    );
                }
                post(&mut state, signed.nonce, order);
            }
            Transaction::Register(register) => state.accounts.push(Account {
                kind: AccountKind::Unit,
                owner,
                operator: register.operator,
                gpu_class: register.gpu_class,
                vram: register.vram,
                region: register.region,
                owner_account: register.wallet,
                ..Account::default()
            }),
            Transaction::Transfer(transfer) => {
                let (from, to) = (transfer.from as usize, transfer.to as usize);
                let rest = state.accounts[from].balance.checked_sub(transfer.value).expect("rich");
                state.accounts[from].balance = rest;
                let sum = state.accounts[to].balance.checked_add(transfer.value).expect("small");
                state.accounts[to].balance = sum;
            }
            Transaction::Stake(stake) => {
                let unit = &mut state.accounts[signer as usize];
                let Some(rest) = unit.balance.checked_sub(stake.value) else {
                    return refused(Code::FailedPrecondition, "insufficient-balance", "too little");
                };
                unit.balance = rest;
                unit.stake = unit.stake.checked_add(stake.value).expect("small");
            }
            Transaction::Unstake(unstake) => {
                let unit = &mut state.accounts[signer as usize];
                let Some(rest) = unit.stake.checked_sub(unstake.value) else {
                    return refused(Code::FailedPrecondition, "insufficient-stake", "too little");
                };
                unit.stake = rest;
                unit.balance = unit.balance.checked_add(unstake.value).expect("small");
            }
            other => panic!("{other:?}"),
        }
        state.accounts[signer as usize].nonce += 1;
        let id = signed.id().expect("encodes").to_vec();
        state.transactions.push(signed);
        Ok(Response::new(v1::SubmitTransactionResponse { id: id.into() }))
    }

    async fn get_transaction(
        &self,
        _: Request<v1::GetTransactionRequest>,
    ) -> Answer<v1::GetTransactionResponse> {
        let stage = v1::TransactionStage::Sealed.into();
        Ok(Response::new(v1::GetTransactionResponse { stage, batch: Some(1), ..Default::default() }))
    }

    async fn get_account(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        let index = request.into_inner().index;
        match self.state().accounts.get(index as usize) {
            Some(found) => Ok(Response::new(account(index, found))),
            None => refused(Code::NotFound, "not-found", "no such account"),
        }
    }

    async fn get_account_by_key(
        &self,
        request: Request<v1::GetAccountByKeyRequest>,
    ) -> Answer<v1::GetAccountByKeyResponse> {
        let key = request.into_inner().key;
        let state = self.state();
        let mut accounts: Vec<_> =
            (0..).zip(&state.accounts).map(|(i, a)| (i, a.owner, account(i, a))).collect();
        accounts.retain(|(_, owner, _)| {
            owner.to_u64s().iter().flat_map(|x| x.to_be_bytes()).eq(key.iter().copied())
        });
        let accounts = accounts.into_iter().map(|(_, _, answer)| answer).collect();
        Ok(Response::new(v1::GetAccountByKeyResponse { accounts }))
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::GetJobResponse> {
        let index = request.into_inner().index;
        match self.state().jobs.iter().find(|job| job.index == index) {
            Some(job) => Ok(Response::new(job.clone())),
            None => refused(Code::NotFound, "not-found", "no such job"),
        }
    }

    async fn list_jobs(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        // Pages of two, so that a client has to go on.
        let v1::ListJobsRequest { from, live, .. } = request.into_inner();
        let state = self.state();
        let is_live =
            |job: &v1::GetJobResponse| encoding::decode::<Job>(&job.job).expect("a job").status.is_live();
        let rest: Vec<_> =
            state.jobs.iter().filter(|job| job.index >= from && (!live || is_live(job))).cloned().collect();
        let next = rest.get(2).map_or(0, |job| job.index);
        Ok(Response::new(v1::ListJobsResponse { jobs: rest.into_iter().take(2).collect(), next }))
    }

    type WatchJobsStream = Messages<v1::GetJobResponse>;

    async fn watch_jobs(&self, _: Request<v1::WatchJobsRequest>) -> Answer<Self::WatchJobsStream> {
        refused(Code::Unimplemented, "internal", "not in this test")
    }

    async fn get_info(&self, _: Request<v1::GetInfoRequest>) -> Answer<v1::GetInfoResponse> {
        let rollup = deployment().rollup().0.to_vec().into();
        Ok(Response::new(v1::GetInfoResponse {
            l1: Some(v1::L1Info { chain_id: CHAIN, rollup, ..Default::default() }),
            time: NOW,
            minimum_fee: MINIMUM_FEE,
            next_job: self.state().jobs.len() as u32 + 1,
            ..Default::default()
        }))
    }

    type WatchBatchesStream = Messages<v1::BatchInfo>;

    async fn watch_batches(&self, _: Request<v1::WatchBatchesRequest>) -> Answer<Self::WatchBatchesStream> {
        refused(Code::Unimplemented, "internal", "not in this test")
    }
}

#[tonic::async_trait]
impl blobs_server::Blobs for Sequencer {
    async fn put_blob(&self, request: Request<Streaming<v1::PutBlobRequest>>) -> Answer<v1::PutBlobResponse> {
        let mut parts = request.into_inner();
        let mut header = None;
        let mut bytes = Vec::new();
        while let Some(part) = parts.next().await {
            match part?.part.expect("a part") {
                Part::Header(found) => header = Some(found),
                Part::Bytes(piece) => {
                    assert!(piece.len() <= 1 << 20, "a piece has at most 1 MiB");
                    bytes.extend(piece);
                }
            }
        }
        let header = header.expect("a header");
        assert_eq!(header.size, bytes.len() as u64);
        let name = header.name.expect("a name");
        let mut state = self.state();
        let (signed, _) = checked(&state, &header.transaction)?;
        let Transaction::PostJob(order) = signed.transaction else { panic!("a PostJob") };
        let digest = if name.class == 1 { order.program } else { order.input_root };
        assert_eq!(name.digest, digest.to_bytes().to_vec(), "the transaction names the blob");
        let known = state.blobs.insert((name.class, name.digest.to_vec()), bytes).is_some();
        Ok(Response::new(v1::PutBlobResponse { id: vec![0; 32].into(), known }))
    }

    type GetBlobStream = Messages<v1::BlobPart>;

    async fn get_blob(&self, request: Request<v1::GetBlobRequest>) -> Answer<Self::GetBlobStream> {
        let name = request.into_inner().name.expect("a name");
        let Some(bytes) = self.state().blobs.get(&(name.class, name.digest.to_vec())).cloned() else {
            return refused(Code::NotFound, "not-found", "no such blob");
        };
        let size = bytes.len() as u64;
        let pieces: Vec<_> = bytes.chunks(100).map(<[u8]>::to_vec).collect();
        let parts = (0..).zip(pieces).map(move |(i, piece)| {
            Ok(v1::BlobPart { size: if i == 0 { size } else { 0 }, bytes: piece.into() })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }
}

/// A wallet with this key and balance.
pub fn wallet(owner: Key, balance: u64) -> Account {
    Account {
        kind: AccountKind::Wallet,
        owner,
        balance: Amount::new(balance).expect("an amount"),
        ..Account::default()
    }
}
