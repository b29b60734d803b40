//! Why a request is refused: a stable code word and one line that says what to do. The table stands in
//! `docs/sequencer.md`; a test compares.

use janction_blobs::{BlobError, Link};
use janction_protocol::state::Index;
use janction_protocol::stream::Kind;
use janction_protocol::transaction::SignedTransactionError;
use janction_protocol::{Amount, ledger};

use crate::store::StoreError;

/// Why the sequencer refuses a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no transaction.
    #[error(transparent)]
    Malformed(#[from] SignedTransactionError),
    /// A field of the message has the wrong length or form.
    #[error("{field}: {why}")]
    Field {
        /// The message's field.
        field: &'static str,
        /// What it must be.
        why: String,
    },
    /// A message that is longer than the server takes, in the midst of a stream.
    #[error("a message is too long: {why}")]
    MessageTooLarge {
        /// Its size and the limit.
        why: String,
    },
    /// The ledger's own rules refuse it, on the state that waiting transactions lead to.
    #[error(transparent)]
    Ledger(#[from] ledger::Refusal),
    /// Before the next nonce: it has been used.
    #[error("nonce {got} of account {account} has been used; the next one is {next}")]
    NonceUsed {
        /// The signer.
        account: Index,
        /// The transaction's.
        got: u32,
        /// The next one, counting waiting transactions.
        next: u32,
    },
    /// After the next nonce: it would wait for a transaction that may never come.
    #[error("nonce {got} of account {account} leaves a gap; the next one is {next}: send that first")]
    NonceGap {
        /// The signer.
        account: Index,
        /// The transaction's.
        got: u32,
        /// The next one, counting waiting transactions.
        next: u32,
    },
    /// Another transaction waits with this nonce.
    #[error(
        "a transaction with this nonce waits already; to replace it, pay at least {needed} JCT instead of {fee}"
    )]
    ReplacementFee {
        /// The transaction's fee.
        fee: Amount,
        /// The least fee that replaces.
        needed: Amount,
    },
    /// The fee is below the sequencer's minimum.
    #[error("the fee of {fee} JCT is below {needed} JCT, the least for a transaction of this size: raise it")]
    FeeTooLow {
        /// The transaction's fee.
        fee: Amount,
        /// The least.
        needed: Amount,
    },
    /// Too many transactions or bytes wait.
    #[error(
        "the mempool is full ({transactions} transactions, {bytes} bytes): try again after the next batch"
    )]
    MempoolFull {
        /// How many wait.
        transactions: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// Too many of one account wait.
    #[error("{waiting} transactions of account {account} wait already: wait for the next batch")]
    AccountFull {
        /// The signer.
        account: Index,
        /// How many wait.
        waiting: usize,
    },
    /// `Settle` without its audit proof, or with one that does not hold.
    #[error("Settle needs the audit proof of job {job}: {why}")]
    AuditProof {
        /// The job.
        job: Index,
        /// What is wrong.
        why: String,
    },
    /// The output that `Submit` names is not in the blob store.
    #[error("the output of job {job} is not in the blob store: upload it before Submit ({why})")]
    Output {
        /// The job.
        job: Index,
        /// What is wrong.
        why: String,
    },
    /// A `Settle` of this job waits already.
    #[error("a Settle of job {job} waits for a batch already: nothing is left to do")]
    SettleWaits {
        /// The job.
        job: Index,
    },
    /// An attachment on a kind that takes none.
    #[error("{kind:?} takes no attachment")]
    Attachment {
        /// The kind.
        kind: Kind,
    },
    /// An earlier transaction of the account was refused after it was acknowledged.
    #[error("transaction 0x{earlier} of the same account was refused before it")]
    EarlierRefused {
        /// The earlier one.
        earlier: String,
    },
    /// Nothing has this name.
    #[error("there is no {what} {name}")]
    NotFound {
        /// Account, job, transaction, batch or lease.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// No committed, unproven, unleased batches.
    #[error("no batches wait for a prover: watch batches, or ask again later")]
    NoWork,
    /// The proof's public inputs are not the range's.
    #[error(
        "public input {index} is {got}, this range and payee have {expected}: prove the witness of this lease"
    )]
    PublicInputs {
        /// Which one; 23 when their number is wrong.
        index: usize,
        /// The range's.
        expected: u64,
        /// The proof's.
        got: u64,
    },
    /// The range is proven on L1 already.
    #[error("batches {first} to {last} are proven already: take another lease")]
    AlreadyProven {
        /// First batch.
        first: u64,
        /// Last batch.
        last: u64,
    },
    /// No job waits for its audit to be proven.
    #[error("no job waits for its audit: watch jobs, or ask again later")]
    NoAudit,
    /// Too much of one thing is in work.
    #[error("{what} are in work already: try again in a moment")]
    Busy {
        /// What.
        what: &'static str,
    },
    /// The request takes too long.
    #[error("{what} took longer than {limit_ms} ms: {remedy}")]
    Timeout {
        /// What.
        what: &'static str,
        /// The limit.
        limit_ms: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// Nobody asked for the content.
    #[error("{name} may not be uploaded: {why}")]
    BlobUnauthorised {
        /// The blob's name.
        name: Link,
        /// What would make it right.
        why: String,
    },
    /// Larger than the class allows.
    #[error("{name}: {size} bytes, this sequencer takes at most {limit} of this class")]
    BlobTooLarge {
        /// The blob's name.
        name: Link,
        /// As announced, or received so far.
        size: u64,
        /// The class's limit.
        limit: u64,
    },
    /// Not as long as announced.
    #[error("{name}: {announced} bytes were announced, {got} came: send it again")]
    BlobSize {
        /// The blob's name.
        name: Link,
        /// By the header.
        announced: u64,
        /// Received.
        got: u64,
    },
    /// The content does not have the name.
    #[error("what was sent is not {name}: {why}")]
    BlobContent {
        /// The blob's name.
        name: Link,
        /// What is wrong.
        why: String,
    },
    /// What is needed to check the content is not in the store.
    #[error("{name} cannot be checked before {needed} is here: upload that first")]
    BlobNeeds {
        /// The blob's name.
        name: Link,
        /// What must come first.
        needed: Link,
    },
    /// No room in the store.
    #[error("the blob store is full: its operator must free space or raise sequencer.blobs.max_total_bytes")]
    BlobsFull,
    /// The blob store fails.
    #[error("the blob store failed: {0}")]
    BlobStore(String),
    /// The database has failed; the process must be restarted.
    #[error("the sequencer cannot write: {0}")]
    Store(#[from] StoreError),
    /// A write has failed before.
    #[error("a write to the sequencer's database has failed: its operator must restart it")]
    Spoiled,
    /// A fault of the sequencer.
    #[error("the sequencer failed: {0}")]
    Internal(String),
    /// The sequencer stops.
    #[error("the sequencer is stopping: try again when it is back")]
    Stopping,
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full(_) => Self::BlobsFull,
            error => Self::BlobStore(error.to_string()),
        }
    }
}

impl Refusal {
    /// A stable code word for programs and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Field { .. } => "wrong-field",
            Self::MessageTooLarge { .. } => "message-too-large",
            Self::Ledger(refusal) => refusal.code(),
            Self::NonceUsed { .. } => "nonce-used",
            Self::NonceGap { .. } => "nonce-gap",
            Self::ReplacementFee { .. } => "replacement-fee",
            Self::FeeTooLow { .. } => "fee-too-low",
            Self::MempoolFull { .. } => "mempool-full",
            Self::AccountFull { .. } => "account-full",
            Self::AuditProof { .. } => "audit-proof",
            Self::Output { .. } => "output-missing",
            Self::SettleWaits { .. } => "settle-waits",
            Self::Attachment { .. } => "attachment",
            Self::EarlierRefused { .. } => "earlier-refused",
            Self::NotFound { .. } => "not-found",
            Self::NoWork | Self::NoAudit => "no-work",
            Self::Busy { .. } => "busy",
            Self::Timeout { .. } => "timeout",
            Self::BlobUnauthorised { .. } => "blob-unauthorised",
            Self::BlobTooLarge { .. } => "blob-too-large",
            Self::BlobSize { .. } => "blob-size",
            Self::BlobContent { .. } => "blob-content",
            Self::BlobNeeds { .. } => "blob-needs",
            Self::BlobsFull => "blobs-full",
            Self::BlobStore(_) => "blob-store",
            Self::PublicInputs { .. } => "public-inputs",
            Self::AlreadyProven { .. } => "already-proven",
            Self::Store(_) => "store",
            Self::Spoiled => "store",
            Self::Internal(_) => "internal",
            Self::Stopping => "stopping",
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_lists_every_code() {
        let page = include_str!("../../docs/sequencer.md");
        let (_, code) = include_str!("refusal.rs").split_once("fn code").unwrap();
        let words = code.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let mut count = 0;
        for word in
            words.filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        {
            assert!(page.contains(&format!("| `{word}` |")), "docs/sequencer.md lacks {word}");
            count += 1;
        }
        assert!(count >= 18, "{count}");
    }
}
