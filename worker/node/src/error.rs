//! Why a worker does not run, or why a step of it failed.

use std::io;
use std::path::{Path, PathBuf};

use janction_audit::AuditError;
use janction_executor::ExecutorError;
use janction_protocol::Address;
use janction_protocol::state::Index;
use janction_protocol::stream::StreamError;
use thiserror::Error;

use crate::client::ClientError;

/// An error of the worker. [`WorkerError::is_fatal`] says whether it ends the process; others are logged and tried again.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// Nothing to do.
    #[error("no unit is configured: give the account index of at least one registered unit")]
    NoUnits,
    /// No job may be held.
    #[error("max_concurrent is 0: allow at least one job")]
    NoJobs,
    /// The sequencer is on another chain.
    #[error("the sequencer is on chain {got}, configured is chain {expected}: check its address")]
    Chain {
        /// Configured.
        expected: u64,
        /// The sequencer's.
        got: u64,
    },
    /// The sequencer serves another rollup.
    #[error(
        "the sequencer serves the rollup {got}, configured is {expected}: check its address and the rollup's"
    )]
    Rollup {
        /// Configured.
        expected: Address,
        /// The sequencer's.
        got: Address,
    },
    /// Any rollup would do.
    #[error(
        "on chain {chain} the rollup's address must be configured: a signature for another one may be worth something"
    )]
    NoRollup {
        /// The chain.
        chain: u64,
    },
    /// The account is no unit.
    #[error("account {index} is not a worker unit: register one with its owner's wallet first")]
    NotAUnit {
        /// The index.
        index: Index,
    },
    /// The key is not the unit's.
    #[error(
        "the key is neither operator nor owner of unit {index}: use the key that the unit was registered with"
    )]
    NotTheOperator {
        /// The unit.
        index: Index,
    },
    /// The test instrument outside a development chain.
    #[error("results can only be falsified on chain 31337, this is chain {chain}: remove `falsify`")]
    Falsify {
        /// The chain.
        chain: u64,
    },
    /// A row to be falsified that is none.
    #[error("the job has {rows} rows, row {row} cannot be falsified")]
    FalsifyRow {
        /// Rows of the job.
        rows: usize,
        /// The row.
        row: usize,
    },
    /// Another process uses the folder.
    #[error("another worker uses {folder}: stop it, or give this one its own data folder")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {path}: {source}; check the disk's free space and the folder's permissions")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A record that cannot be used.
    #[error(
        "the record {path} cannot be used ({reason}); it may hold the salt of an open bid: restore it from a backup, or \
         move it away to give the bond up"
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The sequencer was of no help.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No program fits.
    #[error(
        "vram_mib is 0, which no program fits: give the MiB of GPU memory that each unit may take, or leave it out for equal shares"
    )]
    NoVram,
    /// The units' shares are more than the GPU has.
    #[error(
        "{units} units with {vram_mib} MiB of GPU memory each are more than the {memory_mib} MiB that the GPU has besides what the \
         driver takes: lower vram_mib, or serve fewer units on it"
    )]
    Vram {
        /// Units of this process.
        units: usize,
        /// MiB of each.
        vram_mib: u64,
        /// MiB of the GPU, without the reserve for the driver.
        memory_mib: u64,
    },
    /// The program could not be run.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// The audit's openings cannot be made.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A transaction cannot be written.
    #[error("a transaction cannot be written: {0}")]
    Transaction(#[from] StreamError),
    /// What an unfinished job needs is not what the job names.
    #[error("job {job}: its {what} cannot be used: {reason}")]
    Content {
        /// The job.
        job: Index,
        /// Program or input.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The system has no randomness.
    #[error("the system gives no random numbers for a salt: {0}")]
    Random(String),
    /// A computation panicked.
    #[error("a computation failed unexpectedly: {reason}; please report it with the job's files")]
    Panicked {
        /// What it said.
        reason: String,
    },
    /// A test ends the worker here.
    #[cfg(test)]
    #[error("killed")]
    Killed,
}

impl WorkerError {
    /// A stable code for programs and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoUnits => "worker.no-units",
            Self::NoJobs => "worker.no-jobs",
            Self::Chain { .. } => "worker.chain",
            Self::Rollup { .. } => "worker.rollup",
            Self::NoRollup { .. } => "worker.no-rollup",
            Self::NotAUnit { .. } => "worker.not-a-unit",
            Self::NotTheOperator { .. } => "worker.not-the-operator",
            Self::Falsify { .. } => "worker.falsify",
            Self::FalsifyRow { .. } => "worker.falsify-row",
            Self::InUse { .. } => "worker.in-use",
            Self::Io { .. } => "worker.io",
            Self::Record { .. } => "worker.record",
            Self::Client(_) => "worker.sequencer",
            Self::NoVram => "worker.no-vram",
            Self::Vram { .. } => "worker.vram",
            Self::Executor(_) => "worker.executor",
            Self::Audit(_) => "worker.audit",
            Self::Transaction(_) => "worker.transaction",
            Self::Content { .. } => "worker.content",
            Self::Random(_) => "worker.random",
            Self::Panicked { .. } => "worker.panicked",
            #[cfg(test)]
            Self::Killed => "worker.killed",
        }
    }

    /// Whether trying again cannot help.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Io { .. }
            | Self::FalsifyRow { .. }
            | Self::Executor(_)
            | Self::Audit(_)
            | Self::Transaction(_)
            | Self::Content { .. }
            | Self::Random(_)
            | Self::Panicked { .. } => false,
            Self::Client(error) => matches!(error, ClientError::Uri { .. }),
            _ => true,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn panicked(error: tokio::task::JoinError) -> Self {
        Self::Panicked { reason: error.to_string() }
    }
}
