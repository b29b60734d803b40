//! L1: what the sequencer reads from it and does on it.
//!
//! - [`L1`]: the interface, which [`ethereum`] fills with the contract's bindings and tests with a chain in memory;
//! - [`follower`]: takes over what is deep enough, notices reorganisations;
//! - [`poster`]: commits and proves batches, and records beacons, through the outbox;
//! - [`beacons`]: which beacons are due.

pub mod beacons;
pub mod ethereum;
pub mod follower;
pub mod poster;

pub use janction_bindings::L1Error;

use async_trait::async_trait;
use janction_protocol::state::Index;
use janction_protocol::{Address, Digest};
use serde::{Deserialize, Serialize};

/// The contract's constant of this name: a batch with so many entries of a queue may be of any age, so a sequencer that can
/// take so many always works a backlog off (`docs/l1.md`).
pub const FULL_TAIL: usize = 64;

use crate::store::record::{
    Attempt, BatchRecord, BeaconEntry, Commitment, L1Block, OperationEntry, ProofRecord,
};

/// How to deal with L1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct L1Config {
    /// JSON-RPC endpoint.
    pub url: String,
    /// The chain that the endpoint must be on.
    pub chain_id: u64,
    /// The rollup contract.
    pub rollup: Address,
    /// The block in which it was deployed: nothing before it is read.
    pub start_block: u64,
    /// Blocks on top of what is taken over. A reorganisation that is deeper costs a rescan, and batches that consumed
    /// an operation that is gone are taken back. 0 is for development chains.
    pub confirmations: u64,
    /// How often L1 is looked at, milliseconds.
    pub poll_ms: u64,
    /// The longest wait between two attempts while L1 does not answer, milliseconds.
    pub max_backoff_ms: u64,
    /// The longest wait for an answer, milliseconds.
    pub timeout_ms: u64,
    /// Blocks whose events are asked for at once.
    pub max_block_range: u64,
    /// The fee cap per gas that is never exceeded, in wei. While L1 asks for more, batches wait.
    pub max_fee_per_gas: u128,
    /// After how long without being mined a transaction is sent again with a higher fee, milliseconds.
    pub bump_after_ms: u64,
    /// How much higher, in percent; nodes ask for at least 10.
    pub bump_percent: u64,
}

impl Default for L1Config {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8545".into(),
            chain_id: 31_337,
            rollup: Address::ZERO,
            start_block: 0,
            confirmations: 4,
            poll_ms: 1_000,
            max_backoff_ms: 60_000,
            timeout_ms: 10_000,
            max_block_range: 2_000,
            max_fee_per_gas: 500_000_000_000,
            bump_after_ms: 60_000,
            bump_percent: 15,
        }
    }
}

/// What the contract was deployed with, and who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How old, in seconds, a batch may be when it is committed for the first time.
    pub max_batch_age: u64,
    /// Ledger root at genesis; `None` once something is proven.
    pub genesis_root: Option<[u8; 32]>,
    /// Who may commit batches.
    pub operator: Address,
    /// The address of the key that the sequencer has.
    pub sender: Address,
}

/// Something that the contract has logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Number of its block.
    pub block: u64,
    /// In which transaction.
    pub transaction: [u8; 32],
    /// What.
    pub kind: EventKind,
}

/// What the contract logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// An L1 operation joined the queue.
    Operation {
        /// Its place.
        index: u64,
        /// What it is.
        entry: OperationEntry,
    },
    /// A beacon was recorded.
    Beacon {
        /// Its place.
        index: u64,
        /// What it is.
        entry: BeaconEntry,
    },
    /// A batch was committed.
    Committed(Commitment),
    /// The batches after `last` were removed.
    Reverted {
        /// The last one that stays.
        last: u64,
    },
    /// A range was proven.
    Proven {
        /// First batch.
        first: u64,
        /// Last batch.
        last: u64,
    },
}

/// What gas costs now, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasPrice {
    /// The next block's base fee.
    pub base_fee: u128,
    /// A priority fee that gets mined soon.
    pub priority_fee: u128,
}

/// A call of the rollup contract, to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned<'a> {
    /// The sender's nonce.
    pub nonce: u64,
    /// Gas limit.
    pub gas: u64,
    /// Fee cap per gas, wei.
    pub max_fee: u128,
    /// Priority fee per gas, wei.
    pub priority_fee: u128,
    /// Call data.
    pub data: &'a [u8],
}

/// What has become of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of its block.
    pub block: u64,
    /// Whether it took effect.
    pub success: bool,
    /// Gas that it used.
    pub gas_used: u64,
}

/// What the sequencer needs of L1. Every method may fail with [`L1Error::Unreachable`].
#[async_trait]
pub trait L1: Send + Sync + 'static {
    /// Compares chain and contract with the configuration.
    ///
    /// # Errors
    /// Another chain, no or another contract, constant prevrandao.
    async fn check(&self) -> Result<Terms, L1Error>;

    /// The newest block.
    async fn head(&self) -> Result<L1Block, L1Error>;

    /// The block with this number, if there is one.
    async fn block(&self, number: u64) -> Result<Option<L1Block>, L1Error>;

    /// What the contract logged from block `first` to block `last`, in order.
    async fn events(&self, first: u64, last: u64) -> Result<Vec<Event>, L1Error>;

    /// The sender's nonce by the newest block: how many of its transactions have been mined.
    async fn nonce(&self) -> Result<u64, L1Error>;

    /// What gas costs.
    async fn gas_price(&self) -> Result<GasPrice, L1Error>;

    /// Gas that a call of the contract would use.
    ///
    /// # Errors
    /// [`L1Error::Reverted`] when it would revert.
    async fn estimate(&self, data: &[u8]) -> Result<u64, L1Error>;

    /// Signs a call: hash and bytes. The same call always gives the same.
    ///
    /// # Errors
    /// When the signer refuses.
    fn sign(&self, call: &Unsigned<'_>) -> Result<([u8; 32], Vec<u8>), L1Error>;

    /// Hands a signed transaction to the node. Sending it again is not an error.
    ///
    /// # Errors
    /// [`L1Error::NonceUsed`], [`L1Error::Underpriced`], [`L1Error::InsufficientFunds`].
    async fn send(&self, attempt: &Attempt, nonce: u64) -> Result<(), L1Error>;

    /// What has become of the transaction with this hash; `None` while it is in no block.
    async fn receipt(&self, hash: [u8; 32]) -> Result<Option<Receipt>, L1Error>;

    /// The block whose randomness makes the beacon of this `Submit`; `None` while the contract has not seen it.
    async fn beacon_block(&self, job: Index, trace_root: Digest) -> Result<Option<u64>, L1Error>;

    /// The header of a block, as the contract takes it.
    async fn header(&self, number: u64) -> Result<Vec<u8>, L1Error>;

    /// Call data that records a beacon.
    fn beacon_data(&self, job: Index, trace_root: Digest, header: Vec<u8>) -> Vec<u8>;

    /// Call data that commits `batch` on top of `parent`.
    fn commit_data(&self, parent: &Commitment, batch: &BatchRecord) -> Vec<u8>;

    /// Call data that proves a range.
    fn prove_data(&self, range: &[Commitment], proof: &ProofRecord) -> Vec<u8>;
}
