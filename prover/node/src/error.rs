use janction_aggregate::AggregateError;
use janction_audit::AuditError;
use janction_engine::EngineError;
use janction_ledger::LedgerError;
use janction_protocol::Digest;
use janction_protocol::stream::Kind;
use janction_protocol::transition::ReplayError;
use janction_wrap::{AuditError as WrapKeyError, SrsError, WrapError};
use thiserror::Error;

use crate::audit::MaterialError;
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
    /// Audit proofs for other than the range's claims.
    #[error(
        "the range makes {expected} claims, and {got} audit proofs came with it: one for each Settle is needed"
    )]
    Audits {
        /// Claims of the range.
        expected: usize,
        /// Audit proofs.
        got: usize,
    },
    /// A claim whose audit proof does not hold.
    #[error("step {step} settles job {job} without an audit proof that holds: {source}")]
    Unbacked {
        /// Position in the range, from 0.
        step: usize,
        /// The job.
        job: u32,
        /// What is wrong with the proof.
        source: Box<AuditError>,
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
    /// An audit's circuits, its trace or its proof.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Blobs that no audit can be proven from.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// A job whose audit key is not its program's.
    #[error(
        "the job names audit key {expected}, but its program has {got} under its policy: no proof can settle it; its developer \
         must post it again with the right key"
    )]
    AuditKey {
        /// What the claim names.
        expected: Digest,
        /// What follows from program and policy.
        got: Digest,
    },
    /// A key cannot be written or read.
    #[error("the {circuit} key cannot be {action}: delete the cached key and it will be made again")]
    KeyBytes {
        /// Which circuit.
        circuit: &'static str,
        /// Written, read or found.
        action: &'static str,
    },
    /// A key is not this version's.
    #[error(
        "these keys are not this version's: {keys}; delete the cached keys; if they were just made, the program was not built \
         from its released source and lock file"
    )]
    Pin {
        /// Name, rows and digest of each.
        keys: String,
    },
    /// The engine that was asked for.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The last layer and the wrap.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// The wrap's verifying key.
    #[error(transparent)]
    WrapKey(#[from] WrapKeyError),
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
