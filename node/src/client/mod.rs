//! Talking to a sequencer, with its refusals as errors that have a remedy.

mod blobs;
mod error;
mod jobs;

use std::time::Duration;

use janction_protocol::crypto::SecretKey;
use janction_protocol::state::{Account, Index, Key};
use janction_protocol::transaction::{SignedTransaction, Transaction};
use janction_protocol::transition::Role;
use janction_protocol::{Address, Amount, Deployment};
use janction_rpc::encoding;
use janction_rpc::v1::blobs_client::BlobsClient;
use janction_rpc::v1::ledger_client::LedgerClient;
use janction_rpc::v1::{self, TransactionStage};
use janction_rpc::{MAX_MESSAGE_BYTES, status};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

pub use blobs::Class;
pub use error::ClientError;
pub use jobs::JobView;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An account as the sequencer shows it.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Its index.
    pub index: Index,
    /// Its leaf after the last sealed batch.
    pub account: Account,
    /// The nonce that the next transaction needs.
    pub next_nonce: u32,
    /// The balance, less what waiting transactions spend.
    pub available: Amount,
}

/// Where a transaction stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// How far it came.
    pub stage: TransactionStage,
    /// The batch that holds it.
    pub batch: Option<u64>,
}

/// A connection to a sequencer: its ledger (here and in `jobs`) and its blob store (in `blobs`).
#[derive(Clone, Debug)]
pub struct Client {
    url: String,
    ledger: LedgerClient<Channel>,
    blobs: BlobsClient<Channel>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// A URL that does not parse, nobody there.
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        let endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|_| ClientError::Url { url: url.to_owned() })?;
        let endpoint = endpoint.connect_timeout(PATIENCE);
        // Transfers take as long as they take; a connection that died is noticed all the same.
        let streams =
            endpoint.clone().http2_keep_alive_interval(PATIENCE).keep_alive_while_idle(true).connect_lazy();
        let channel = endpoint.timeout(PATIENCE).connect().await.map_err(|e| {
            let reason = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
            ClientError::Unreachable { url: url.to_owned(), reason }
        })?;
        let ledger = LedgerClient::new(channel)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let blobs = BlobsClient::new(streams)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Ok(Client { url: url.to_owned(), ledger, blobs })
    }

    fn failed(&self, status: Status) -> ClientError {
        match (status::code(&status), status.code()) {
            (Some(word), _) => {
                ClientError::Refused { word: word.to_owned(), reason: status.message().to_owned() }
            }
            (None, Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded) => {
                ClientError::Unreachable { url: self.url.clone(), reason: status.message().to_owned() }
            }
            (None, code) => ClientError::Malformed(format!("{code:?}: {}", status.message())),
        }
    }

    /// Who the sequencer is and how far it has come.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn info(&mut self) -> Result<v1::GetInfoResponse, ClientError> {
        let answer = self.ledger.get_info(v1::GetInfoRequest {}).await;
        answer.map(tonic::Response::into_inner).map_err(|e| self.failed(e))
    }

    /// The deployment that transactions are signed for.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn deployment(&mut self) -> Result<Deployment, ClientError> {
        let l1 = self.info().await?.l1.ok_or_else(|| ClientError::Malformed("it names no chain".into()))?;
        let rollup = l1.rollup.as_ref().try_into();
        let rollup = rollup.map_err(|_| ClientError::Malformed("it names no rollup".into()))?;
        Ok(Deployment::new(l1.chain_id, Address(rollup))?)
    }

    /// The accounts of an owner key, lowest index first; empty when there are none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn accounts(&mut self, key: Key) -> Result<Vec<AccountView>, ClientError> {
        let bytes: Vec<u8> = key.to_u64s().iter().flat_map(|x| x.to_be_bytes()).collect();
        let request = v1::GetAccountByKeyRequest { key: bytes.into() };
        match self.ledger.get_account_by_key(request).await {
            Ok(answer) => answer.into_inner().accounts.into_iter().map(view).collect(),
            Err(status) if status.code() == Code::NotFound => Ok(Vec::new()),
            Err(status) => Err(self.failed(status)),
        }
    }

    /// The owner's wallet: the account with the lowest index.
    ///
    /// # Errors
    /// [`ClientError::NoAccount`] and others.
    pub async fn wallet(&mut self, key: Key) -> Result<AccountView, ClientError> {
        self.accounts(key).await?.into_iter().next().ok_or(ClientError::NoAccount(key))
    }

    /// One of an owner's accounts.
    ///
    /// # Errors
    /// [`ClientError::NotOwner`] and others.
    pub async fn owned(&mut self, key: Key, index: Index) -> Result<AccountView, ClientError> {
        let accounts = self.accounts(key).await?;
        accounts.into_iter().find(|view| view.index == index).ok_or(ClientError::NotOwner { key, index })
    }

    /// Signs `transaction` as the owner, for `deployment` with `nonce` and hands it in; its id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] and others.
    pub async fn submit(
        &mut self,
        deployment: &Deployment,
        key: &SecretKey,
        nonce: u32,
        transaction: &Transaction,
    ) -> Result<Vec<u8>, ClientError> {
        let signed = SignedTransaction::sign(transaction.clone(), nonce, deployment, Role::Owner, key)?;
        self.hand_in(&signed).await
    }

    /// Hands a signed transaction in; its id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] and others.
    pub async fn hand_in(&mut self, signed: &SignedTransaction) -> Result<Vec<u8>, ClientError> {
        let request = v1::SubmitTransactionRequest {
            transaction: signed.encode()?.into(),
            attachment: Default::default(),
        };
        let answer = self.ledger.submit_transaction(request).await.map_err(|e| self.failed(e))?;
        Ok(answer.into_inner().id.to_vec())
    }

    /// Where a transaction stands.
    ///
    /// # Errors
    /// It was dropped, or the sequencer failed.
    pub async fn standing(&mut self, id: &[u8]) -> Result<Standing, ClientError> {
        let request = v1::GetTransactionRequest { id: id.to_vec().into() };
        let answer = self.ledger.get_transaction(request).await.map_err(|e| self.failed(e))?.into_inner();
        match answer.stage() {
            TransactionStage::Refused => {
                Err(ClientError::Dropped { word: answer.code, reason: answer.reason })
            }
            TransactionStage::Replaced => {
                let reason = format!("transaction {} took its place", answer.reason);
                Err(ClientError::Dropped { word: "replaced".into(), reason })
            }
            stage => Ok(Standing { stage, batch: answer.batch }),
        }
    }

    /// Waits until a transaction has come as far as `stage`.
    ///
    /// # Errors
    /// It was dropped, it took longer than `patience`, or the sequencer failed.
    pub async fn wait(
        &mut self,
        id: &[u8],
        stage: TransactionStage,
        patience: Duration,
    ) -> Result<Standing, ClientError> {
        let start = std::time::Instant::now();
        loop {
            let standing = self.standing(id).await?;
            match standing.stage {
                reached if reached as i32 >= stage as i32 => return Ok(standing),
                reached if start.elapsed() > patience => {
                    return Err(ClientError::Slow { stage: name(reached), seconds: patience.as_secs() });
                }
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }
}

/// A stage in a word.
pub fn name(stage: TransactionStage) -> &'static str {
    match stage {
        TransactionStage::Unspecified => "unknown",
        TransactionStage::Pending => "pending",
        TransactionStage::Sealed => "sealed",
        TransactionStage::Committed => "committed",
        TransactionStage::Proven => "proven",
        TransactionStage::Refused => "refused",
        TransactionStage::Replaced => "replaced",
    }
}

fn view(answer: v1::GetAccountResponse) -> Result<AccountView, ClientError> {
    Ok(AccountView {
        index: answer.index,
        account: encoding::decode(&answer.account)?,
        next_nonce: answer.next_nonce,
        available: Amount::new(answer.available).map_err(|e| ClientError::Malformed(e.to_string()))?,
    })
}
