//! Why the sequencer did not do what was asked for.

use std::borrow::Cow;

use janction_protocol::Digest;
use janction_protocol::address::AddressError;
use janction_protocol::state::{Index, Key};
use janction_protocol::stream::StreamError;
use janction_rpc::encoding::DecodeError;
use thiserror::Error;

use crate::failure::Advice;

/// Why the sequencer did not do what was asked for.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The URL does not parse.
    #[error("`{url}` is not a URL")]
    Url {
        /// As configured.
        url: String,
    },
    /// Nobody answers.
    #[error("the sequencer at {url} does not answer: {reason}")]
    Unreachable {
        /// As configured.
        url: String,
        /// The transport's words.
        reason: String,
    },
    /// The sequencer refused.
    #[error("the sequencer refused: {reason}")]
    Refused {
        /// Its stable word.
        word: String,
        /// Its line.
        reason: String,
    },
    /// The answer cannot be read.
    #[error("the sequencer's answer cannot be read: {0}")]
    Malformed(String),
    /// No account has this key.
    #[error("no account on the ledger has the key {0}")]
    NoAccount(Key),
    /// The account is somebody else's, or nobody's.
    #[error("account {index} is not owned by the key {key}")]
    NotOwner {
        /// The key.
        key: Key,
        /// The account.
        index: Index,
    },
    /// No such job.
    #[error("there is no job {0}")]
    NoJob(Index),
    /// The blob is not in the sequencer's store.
    #[error("the {class} {digest} is not in the sequencer's store")]
    NoBlob {
        /// What it would be.
        class: &'static str,
        /// Its name.
        digest: Digest,
    },
    /// A transaction cannot be written.
    #[error("the transaction cannot be written: {0}")]
    Unwritable(#[from] StreamError),
    /// A transaction did not get as far as it was waited for.
    #[error("the transaction was refused after it had been accepted: {reason}")]
    Dropped {
        /// Its stable word.
        word: String,
        /// The sequencer's line.
        reason: String,
    },
    /// A transaction took too long.
    #[error("the transaction is still {stage} after {seconds} s")]
    Slow {
        /// How far it came.
        stage: &'static str,
        /// How long was waited.
        seconds: u64,
    },
}

impl From<DecodeError> for ClientError {
    fn from(error: DecodeError) -> Self {
        ClientError::Malformed(error.to_string())
    }
}

impl From<AddressError> for ClientError {
    fn from(error: AddressError) -> Self {
        ClientError::Malformed(error.to_string())
    }
}

impl Advice for ClientError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            ClientError::Url { .. } => "client.url".into(),
            ClientError::Unreachable { .. } => "client.unreachable".into(),
            ClientError::Refused { word, .. } | ClientError::Dropped { word, .. } => {
                format!("refused.{word}").into()
            }
            ClientError::Malformed(_) => "client.malformed".into(),
            ClientError::NoAccount(_) => "client.no_account".into(),
            ClientError::NotOwner { .. } => "client.not_owner".into(),
            ClientError::NoJob(_) => "client.no_job".into(),
            ClientError::NoBlob { .. } => "client.no_blob".into(),
            ClientError::Unwritable(_) => "client.unwritable".into(),
            ClientError::Slow { .. } => "client.slow".into(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            ClientError::Url { .. } => "set sequencer.url to something like http://127.0.0.1:50051".into(),
            ClientError::Unreachable { .. } => "start `janction sequencer`, or set sequencer.url".into(),
            ClientError::Refused { .. } | ClientError::Dropped { .. } => {
                "nothing was spent; docs/sequencer.md lists the codes".into()
            }
            ClientError::Malformed(_) => "use the same version of janction as the sequencer".into(),
            ClientError::NoAccount(_) => "deposit to it first: `janction account deposit`".into(),
            ClientError::NotOwner { .. } => "`janction account balance NAME` lists a key's accounts".into(),
            ClientError::NoJob(_) => "`janction job list` shows those that there are".into(),
            ClientError::NoBlob { .. } => {
                "try again later, or ask the sequencer's operator; until it is delivered, `job status` says so".into()
            }
            ClientError::Unwritable(_) => "correct the amount, fee or index".into(),
            ClientError::Slow { .. } => "it is not lost: look again later, or at the sequencer's log".into(),
        }
    }
}
