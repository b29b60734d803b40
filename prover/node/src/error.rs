use janction_aggregate::AggregateError;
use janction_ledger::LedgerError;
use janction_protocol::stream::Kind;
use janction_protocol::transition::ReplayError;
use janction_wrap::{AuditError, SrsError, WrapError};
use thiserror::Error;

use crate::cache::CacheError;
use crate::client::ClientError;

/// Why a range was not proven, or a prover does not run.
#[derive(Debug, Error)]
pub enum ProverError {
    /// Nobody would be paid.
    #[error("no payee is set: name the L1 address that proofs shall pay (prover.payee, or --payee 0x...)")]
    Payee,
    /// A range without steps.
    #[error("the range holds no step: there is nothing to prove")]
    EmptyRange,
    /// A range that ends inside a batch.
    #[error("the range ends inside a batch: its last step must be `Close`")]
    OpenBatch,
    /// A step breaks a rule.
    #[error("step {index} ({kind:?}) cannot be proven: {source}")]
    Step {
        /// Position in the range, from 0.
        index: usize,
        /// Its kind.
        kind: Kind,
        /// The rule that it breaks.
        source: ReplayError,
    },
    /// The steps say something else than was promised.
    #[error(
        "public input {index} would be {got}, but {expected} was promised: the witness belongs to another range"
    )]
    PublicInput {
        /// Which of the 23.
        index: usize,
        /// What was promised.
        expected: u64,
        /// What the steps give.
        got: u64,
    },
    /// The process is stopping.
    #[error("stopped before the proof was finished; what was finished is kept")]
    Cancelled,
    /// The proving thread died.
    #[error("the proving thread died: {reason}")]
    Panicked {
        /// What it said.
        reason: String,
    },
    /// A chunk's witness or circuit.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The tree.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// The last layer and the wrap.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// The wrap's verifying key.
    #[error(transparent)]
    WrapKey(#[from] AuditError),
    /// The reference string.
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// The pinned hash of the ceremony's file is no hash.
    #[error("'{got}' is no BLAKE3 hash: prover.srs.ceremony.blake3 takes 64 hexadecimal digits")]
    SrsPin {
        /// What was given.
        got: String,
    },
    /// The sequencer's service.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Files.
    #[error(transparent)]
    Cache(#[from] CacheError),
}
