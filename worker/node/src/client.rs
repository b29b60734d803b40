//! The worker's side of the services `Ledger` and `Blobs`.

use std::time::Duration;

use janction_protocol::state::{Account, Index, Job};
use janction_protocol::{Address, Deployment, Digest};
use janction_rpc::encoding::{DecodeError, decode};
use janction_rpc::v1::blobs_client::BlobsClient;
use janction_rpc::v1::ledger_client::LedgerClient;
use janction_rpc::v1::put_blob_request::Part;
use janction_rpc::v1::{self, BlobClass, TransactionStage};
use janction_rpc::{MAX_MESSAGE_BYTES, status};
use thiserror::Error;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

/// How long a call, or a stream's next message, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a blob in one message.
const PIECE: usize = 1 << 20;
/// Bytes a second of the slowest upload that is waited for.
const SLOWEST: u64 = 1 << 16;

/// Why the sequencer's services were of no help.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is no URI.
    #[error("'{uri}' is no address of a sequencer: write for example http://127.0.0.1:7310")]
    Uri {
        /// What was given.
        uri: String,
    },
    /// Nobody answers.
    #[error("the sequencer does not answer {call} ({reason}): is it running, and is the address right?")]
    Unreachable {
        /// The call.
        call: &'static str,
        /// The transport's words.
        reason: String,
    },
    /// The service refused.
    #[error("the sequencer refused {call}: {reason} ({code})")]
    Refused {
        /// The call.
        call: &'static str,
        /// Its stable word.
        code: String,
        /// Its line.
        reason: String,
        /// By the kind of the refusal: the sequencer is busy, full, stopping or broken, and the same may be asked again.
        passing: bool,
    },
    /// The blob is not in the store.
    #[error("the {class} {digest} is not in the sequencer's store")]
    NoBlob {
        /// What it would be.
        class: &'static str,
        /// Its name.
        digest: Digest,
    },
    /// The blob is larger than the policy accepts.
    #[error("the {class} {digest} has {size} bytes, the policy accepts {limit}")]
    TooLarge {
        /// What it is.
        class: &'static str,
        /// Its name.
        digest: Digest,
        /// Its size, as the sequencer says.
        size: u64,
        /// What is accepted.
        limit: u64,
    },
    /// The answer cannot be used.
    #[error("the sequencer's answer to {call} cannot be used: {reason}")]
    Malformed {
        /// The call.
        call: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl ClientError {
    /// The sequencer's stable word for a refusal; empty for other errors.
    #[must_use]
    pub fn refusal(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }
}

/// Kinds of blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Program,
    Input,
    Output,
    Openings,
}

impl Class {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Input => "input",
            Self::Output => "output",
            Self::Openings => "openings",
        }
    }

    fn blob(self, digest: Digest) -> v1::BlobName {
        let class = match self {
            Self::Program => BlobClass::Program,
            Self::Input => BlobClass::Input,
            Self::Output => BlobClass::Output,
            Self::Openings => BlobClass::Openings,
        };
        v1::BlobName { class: class.into(), digest: digest.to_bytes().to_vec().into() }
    }
}

/// Why a blob may be uploaded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason<'a> {
    /// A live job names it.
    Job(Index),
    /// A signed transaction names it.
    Transaction(&'a [u8]),
}

/// Where the ledger and L1 stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Info {
    pub deployment: Deployment,
    /// Time of the last sealed batch.
    pub sealed_time: u64,
    /// The later of that and the newest L1 block's time: no batch to come has an earlier one for long.
    pub time: u64,
    /// Least fee for each block of a transaction.
    pub fee_per_block: u64,
}

/// An account as the sequencer shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccountView {
    pub account: Account,
    pub next_nonce: u32,
    pub available: u64,
}

/// A job as the sequencer shows it.
#[derive(Clone, Debug)]
pub(crate) struct JobView {
    pub index: Index,
    pub job: Job,
    /// Names of the blobs that are in the store.
    pub blobs: Vec<v1::BlobName>,
    pub faults: Vec<v1::AuditFault>,
}

impl JobView {
    pub fn has(&self, class: Class, digest: Digest) -> bool {
        self.blobs.contains(&class.blob(digest))
    }
}

/// A connection.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    ledger: LedgerClient<Channel>,
    blobs: BlobsClient<Channel>,
}

impl Client {
    /// A connection that is made when it is first used, and again after it broke.
    ///
    /// # Errors
    /// [`ClientError::Uri`].
    pub fn new(uri: &str) -> Result<Self, ClientError> {
        let endpoint =
            Endpoint::from_shared(uri.to_owned()).map_err(|_| ClientError::Uri { uri: uri.to_owned() })?;
        let channel = endpoint
            .connect_timeout(PATIENCE)
            .http2_keep_alive_interval(PATIENCE)
            .keep_alive_while_idle(true)
            .connect_lazy();
        let ledger = LedgerClient::new(channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let blobs = BlobsClient::new(channel)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Ok(Self { ledger, blobs })
    }

    pub async fn info(&mut self) -> Result<Info, ClientError> {
        let call = "GetInfo";
        let request = limited(v1::GetInfoRequest {});
        let info = self.ledger.get_info(request).await.map_err(failed(call))?.into_inner();
        let wrong = |reason: &str| ClientError::Malformed { call, reason: reason.into() };
        let l1 = info.l1.ok_or_else(|| wrong("it names no chain"))?;
        let rollup: [u8; 20] = l1.rollup.as_ref().try_into().map_err(|_| wrong("it names no rollup"))?;
        let deployment = Deployment::new(l1.chain_id, Address(rollup)).map_err(|e| wrong(&e.to_string()))?;
        Ok(Info {
            deployment,
            sealed_time: info.time,
            time: info.time.max(l1.head_time),
            fee_per_block: info.minimum_fee,
        })
    }

    pub async fn account(&mut self, index: Index) -> Result<AccountView, ClientError> {
        let call = "GetAccount";
        let request = limited(v1::GetAccountRequest { index });
        let answer = self.ledger.get_account(request).await.map_err(failed(call))?.into_inner();
        let account = decode(&answer.account).map_err(unreadable(call))?;
        Ok(AccountView { account, next_nonce: answer.next_nonce, available: answer.available })
    }

    pub async fn job(&mut self, index: Index) -> Result<JobView, ClientError> {
        let call = "GetJob";
        let request = limited(v1::GetJobRequest { index });
        job_view(call, self.ledger.get_job(request).await.map_err(failed(call))?.into_inner())
    }

    /// Live jobs, then changes.
    pub async fn watch_jobs(&mut self) -> Result<Jobs, ClientError> {
        let stream = self.ledger.watch_jobs(v1::WatchJobsRequest {}).await.map_err(failed("WatchJobs"))?;
        Ok(Jobs(stream.into_inner()))
    }

    /// Hands a transaction in; the answer means that it is on the sequencer's disk.
    pub async fn submit(&mut self, transaction: &[u8]) -> Result<[u8; 32], ClientError> {
        let call = "SubmitTransaction";
        let request = limited(v1::SubmitTransactionRequest {
            transaction: transaction.to_vec().into(),
            attachment: Default::default(),
        });
        let answer = self.ledger.submit_transaction(request).await.map_err(failed(call))?.into_inner();
        let wrong = |_| ClientError::Malformed { call, reason: "the id is not 32 bytes".into() };
        answer.id.as_ref().try_into().map_err(wrong)
    }

    /// Where a transaction stands; none if the sequencer does not know it.
    pub async fn stage(&mut self, id: [u8; 32]) -> Result<Option<TransactionStage>, ClientError> {
        let request = limited(v1::GetTransactionRequest { id: id.to_vec().into() });
        match self.ledger.get_transaction(request).await {
            Ok(answer) => Ok(Some(answer.into_inner().stage())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(failed("GetTransaction")(status)),
        }
    }

    /// A blob of at most `limit` bytes. Its content is unchecked.
    pub async fn get_blob(
        &mut self,
        class: Class,
        digest: Digest,
        limit: u64,
    ) -> Result<Vec<u8>, ClientError> {
        let call = "GetBlob";
        let name = class.name();
        let missing = move |status: Status| match status.code() {
            Code::NotFound => ClientError::NoBlob { class: name, digest },
            _ => failed(call)(status),
        };
        let request = v1::GetBlobRequest { name: Some(class.blob(digest)) };
        let answer = in_time(call, self.blobs.get_blob(request), PATIENCE).await?;
        let mut parts = answer.map_err(missing)?.into_inner();
        let mut bytes = Vec::new();
        let mut size = None;
        while let Some(part) = in_time(call, parts.message(), PATIENCE).await?.map_err(missing)? {
            let size = *size.get_or_insert(part.size);
            let received = bytes.len() as u64 + part.bytes.len() as u64;
            if size > limit || received > limit {
                let size = size.max(received);
                return Err(ClientError::TooLarge { class: name, digest, size, limit });
            }
            bytes.extend_from_slice(&part.bytes);
        }
        match size {
            Some(size) if size == bytes.len() as u64 => Ok(bytes),
            _ => {
                let reason = format!("{} of {} bytes of a {name}", bytes.len(), size.unwrap_or(0));
                Err(ClientError::Malformed { call, reason })
            }
        }
    }

    /// Uploads a blob.
    pub async fn put_blob(
        &mut self,
        class: Class,
        digest: Digest,
        reason: Reason<'_>,
        bytes: Vec<u8>,
    ) -> Result<(), ClientError> {
        let (job, transaction) = match reason {
            Reason::Job(job) => (job, Vec::new()),
            Reason::Transaction(bytes) => (0, bytes.to_vec()),
        };
        let header = v1::PutBlobHeader {
            name: Some(class.blob(digest)),
            size: bytes.len() as u64,
            job,
            transaction: transaction.into(),
        };
        let mut parts = vec![v1::PutBlobRequest { part: Some(Part::Header(header)) }];
        parts.extend(
            bytes
                .chunks(PIECE)
                .map(|piece| v1::PutBlobRequest { part: Some(Part::Bytes(piece.to_vec().into())) }),
        );
        let patience = PATIENCE + Duration::from_secs(bytes.len() as u64 / SLOWEST);
        drop(bytes);
        let call = "PutBlob";
        in_time(call, self.blobs.put_blob(tokio_stream::iter(parts)), patience)
            .await?
            .map_err(failed(call))?;
        Ok(())
    }
}

/// Jobs as the sequencer reports them.
pub(crate) struct Jobs(Streaming<v1::GetJobResponse>);

impl Jobs {
    /// The next report; none when the sequencer ends the stream.
    pub async fn next(&mut self) -> Result<Option<JobView>, ClientError> {
        let call = "WatchJobs";
        self.0.message().await.map_err(failed(call))?.map(|answer| job_view(call, answer)).transpose()
    }
}

fn job_view(call: &'static str, answer: v1::GetJobResponse) -> Result<JobView, ClientError> {
    let job = decode(&answer.job).map_err(unreadable(call))?;
    Ok(JobView { index: answer.index, job, blobs: answer.blobs, faults: answer.faults })
}

/// Waits for an answer, but not for ever.
async fn in_time<T>(
    call: &'static str,
    answer: impl Future<Output = T>,
    patience: Duration,
) -> Result<T, ClientError> {
    let silent = |_| ClientError::Unreachable { call, reason: format!("no answer in {patience:?}") };
    tokio::time::timeout(patience, answer).await.map_err(silent)
}

fn limited<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

fn unreadable(call: &'static str) -> impl Fn(DecodeError) -> ClientError {
    move |error| ClientError::Malformed { call, reason: error.to_string() }
}

fn failed(call: &'static str) -> impl Fn(Status) -> ClientError {
    move |status| {
        let reason = status.message().to_owned();
        let passing = matches!(
            status.code(),
            Code::ResourceExhausted
                | Code::Unavailable
                | Code::DeadlineExceeded
                | Code::Internal
                | Code::Aborted
                | Code::Cancelled
        );
        match status::code(&status) {
            Some(code) => ClientError::Refused { call, code: code.to_owned(), reason, passing },
            None => ClientError::Unreachable { call, reason },
        }
    }
}
