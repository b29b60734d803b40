//! Why a transaction is refused, a batch cannot close, or public bytes do not apply.

use crate::Digest;
use crate::stream::{Kind, StreamError};
use crate::transition::{FrameError, RuleError};
use crate::tree::IndexError;

/// Why a transaction is not taken into a batch. The ledger is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A rule of the ledger.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A field does not fit.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Only L1 makes these.
    #[error("a {kind:?} comes from L1 and cannot be sent: make it on the rollup contract")]
    FromL1 {
        /// The kind.
        kind: Kind,
    },
    /// No room.
    #[error("the batch is full: send it again for the next one")]
    BatchFull,
}

impl Refusal {
    /// A stable code for programs and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rule(error) => error.code(),
            Self::Stream(_) => "stream",
            Self::FromL1 { .. } => "from-l1",
            Self::BatchFull => "batch-full",
        }
    }
}

/// Why a batch cannot open or close. The ledger is as it was before the batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// The frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An entry of the tail does not fit its fields.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// More than 65,535 of a kind of entries.
    #[error("{got} {what} are more than a batch takes (65,535): leave the rest to the next one")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
    },
}

/// Why public bytes do not apply to this ledger. It is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The bytes are no batch.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A transaction's rule fails: the batch is invalid.
    #[error("transaction {index} of the batch is invalid: {refusal}")]
    Invalid {
        /// Which transaction.
        index: usize,
        /// Why.
        refusal: Refusal,
    },
    /// The batch does not close.
    #[error(transparent)]
    Close(#[from] CloseError),
    /// The header is not the one that continues this ledger with these transactions.
    #[error(
        "the header does not continue this ledger at batch {batch}: apply the batches in order, none left out"
    )]
    Header {
        /// The ledger's last batch.
        batch: u64,
    },
}

/// Why a snapshot is no ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Too many leaves.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Clock or counters out of bounds.
    #[error("the snapshot is damaged: its clock or a counter is out of bounds; restore a backup")]
    Bounds,
    /// A tree has another root.
    #[error(
        "the snapshot is damaged: its {tree} tree has root {got}, its state says {expected}; restore a backup"
    )]
    Root {
        /// Which tree.
        tree: &'static str,
        /// In the state.
        expected: Digest,
        /// Of the leaves.
        got: Digest,
    },
}
