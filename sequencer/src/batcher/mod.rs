//! The engine: the ledger, the transactions that wait, and the one writer of the database.
//!
//! - [`admit`]: acknowledges transactions;
//! - [`seal`]: makes batches of them; [`rewind`]: takes batches back that cannot reach L1;
//! - [`chain`]: takes over what L1 says, and says what is to be done there;
//! - [`proving`]: leases of ranges, witnesses and proofs; [`audits`]: leases of audits;
//! - [`jobs`]: what happened to each job; [`uploads`]: what may come into the blob store for them;
//! - [`housekeeping`]: ends what is overdue.
//!
//! Every method that changes something writes it in one step of progress first and changes memory afterwards. When a
//! write fails the engine is *spoiled*: it refuses everything until the process is restarted.

pub mod admit;
pub mod audits;
pub mod chain;
pub mod housekeeping;
pub mod jobs;
pub mod proving;
pub mod rewind;
pub mod seal;
pub mod uploads;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use janction_protocol::Deployment;
use janction_protocol::ledger::{CloseError, Ledger, LedgerSnapshot, Preview};
use janction_protocol::state::{Account, Index, Job, LedgerState};
use janction_protocol::transaction::SignedTransaction;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::mempool::{Item, Mempool, MempoolConfig};
use crate::refusal::Refusal;
use crate::store::column::{Accounts, Attachments, Column, Jobs, Pending, Transactions};
use crate::store::record::{Heads, L1Cursor, TransactionId};
use crate::store::{Store, StoreError};

/// When batches are sealed and how large they get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchConfig {
    /// Blocks of 56 bytes in a batch's L2 part. A batch is one L1 transaction: nodes take up to 128 KiB.
    pub max_blocks: usize,
    /// L1 operations, and beacon records, in a batch: at least [`FULL_TAIL`](crate::l1::FULL_TAIL).
    pub max_l1_operations: usize,
    /// A batch is sealed when something has waited this long, milliseconds.
    pub max_wait_ms: u64,
    /// A batch is sealed at once when so many blocks wait.
    pub target_blocks: usize,
    /// Sealed batches that are not on L1 yet. When there are so many, no more are sealed.
    pub max_uncommitted: u64,
    /// The account that is credited with fees. Account 1 until it exists.
    pub fee_account: Index,
    /// Whether the sequencer itself ends overdue jobs (`Expire`) and seals that were not revealed (`Forfeit`).
    pub housekeeping: bool,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            max_blocks: 512,
            max_l1_operations: 64,
            max_wait_ms: 2_000,
            target_blocks: 384,
            max_uncommitted: 16,
            fee_account: 1,
            housekeeping: true,
        }
    }
}

/// What provers are given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseConfig {
    /// How long a lease lasts after each heartbeat, milliseconds.
    pub duration_ms: u64,
    /// Batches in a lease.
    pub max_batches: u32,
    /// How long a payee is not offered a job again after it reported that its audit cannot be proven, milliseconds.
    pub fault_pause_ms: u64,
}

impl Default for LeaseConfig {
    fn default() -> Self {
        Self { duration_ms: 120_000, max_batches: 16, fault_pause_ms: 600_000 }
    }
}

/// What the engine needs to know.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Chain and rollup.
    pub deployment: Deployment,
    /// Limits of the mempool.
    pub mempool: MempoolConfig,
    /// When batches are sealed.
    pub batch: BatchConfig,
    /// What provers are given.
    pub lease: LeaseConfig,
    /// How old, in seconds, a batch may be when it is committed: the contract's.
    pub max_batch_age: u64,
}

/// What went wrong inside, as opposed to a request that was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch does not close.
    #[error("a batch does not close: {0}")]
    Close(#[from] CloseError),
    /// Something panicked in the middle of a step.
    #[error("a step failed half-way; restart the sequencer: nothing that was acknowledged is lost")]
    Spoiled,
    /// L1 knows more than the database.
    #[error(
        "batch {batch} is committed on L1, this database ends at batch {sealed}: it was restored from an older backup \
         or the operator's key is used by another sequencer; restore a newer backup"
    )]
    Ahead {
        /// On L1.
        batch: u64,
        /// Here.
        sealed: u64,
    },
    /// L1 has another batch with this number.
    #[error(
        "batch {batch} on L1 is not the one in this database: the operator's key is used by another sequencer; stop \
         one of them and restore a backup of the other"
    )]
    Foreign {
        /// Its number.
        batch: u64,
    },
    /// The contract computes r or f otherwise.
    #[error(
        "the contract evaluates batch {batch} to other values than this software: they are of different versions, and \
         the batch could never be proven; run the version that the contract was deployed with"
    )]
    Evaluation {
        /// Its number.
        batch: u64,
    },
    /// What L1 logged does not continue what was read.
    #[error("L1's {what} {got} does not follow {expected}: the L1 node left out logs; use another node")]
    Gap {
        /// Operation, beacon record or batch.
        what: &'static str,
        /// Which one was due.
        expected: u64,
        /// Which one came.
        got: u64,
    },
    /// A reorganisation removed what a proven batch consumed.
    #[error(
        "L1 reorganised below batch {batch}, which was proven: it cannot be taken back. Restore a backup from before \
         it, or wait for L1 to return to the other branch"
    )]
    TooDeep {
        /// The batch.
        batch: u64,
    },
}

/// Told to everyone who watches batches: this batch was sealed, went on, or was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The batch.
    pub batch: u64,
    /// Whether it was taken back.
    pub rewound: bool,
}

/// The engine.
pub struct Engine {
    store: Arc<Store>,
    config: EngineConfig,
    ledger: Ledger,
    /// The ledger with what waits.
    preview: Preview,
    pool: Mempool,
    /// The transactions in the pool.
    bodies: HashMap<TransactionId, SignedTransaction>,
    heads: Heads,
    cursor: L1Cursor,
    next_arrival: u64,
    /// Since when something waits for a batch.
    waiting_since: Option<Instant>,
    notices: broadcast::Sender<Notice>,
    /// Jobs that have changed.
    changes: broadcast::Sender<Index>,
    /// Jobs that have not ended.
    live: BTreeSet<Index>,
    /// Units with a seal that is not revealed.
    bonds: BTreeSet<Index>,
    audits: audits::Audits,
    /// The batch after which the house was last kept.
    tidied: Option<u64>,
    /// Why nothing more is done until a restart.
    spoiled: Option<EngineError>,
}

impl Engine {
    /// Reads the database. The leaves' roots are compared with the ledger state.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] and what the engine of the database says.
    pub fn open(store: Arc<Store>, config: EngineConfig) -> Result<Self, StoreError> {
        let ledger = load_ledger(&store, config.deployment)?;
        let heads = store.single::<Heads>()?.unwrap_or_default();
        let cursor = store.single::<L1Cursor>()?.unwrap_or_default();
        let (notices, _) = broadcast::channel(1024);
        let (changes, _) = broadcast::channel(1024);
        let live = ledger.jobs().filter(|(_, job)| job.status.is_live()).map(|(index, _)| index).collect();
        let bonds = ledger.accounts().filter(|(_, a)| a.lock_expiry != 0).map(|(index, _)| index).collect();
        let preview = Preview::new(&ledger, cursor.block.time);
        let pool = Mempool::new(config.mempool.clone());
        let mut engine = Self {
            store,
            config,
            ledger,
            preview,
            pool,
            bodies: HashMap::new(),
            heads,
            cursor,
            next_arrival: 0,
            waiting_since: None,
            notices,
            changes,
            live,
            bonds,
            audits: audits::Audits::default(),
            tidied: None,
            spoiled: None,
        };
        engine.load_pool()?;
        Ok(engine)
    }

    /// Reads everything again: memory then is what is on disk.
    fn reload(&mut self) -> Result<(), StoreError> {
        let fresh = Self::open(self.store.clone(), self.config.clone())?;
        let (notices, changes) = (self.notices.clone(), self.changes.clone());
        let audits = std::mem::take(&mut self.audits);
        *self = Self { notices, changes, audits, ..fresh };
        Ok(())
    }

    fn load_pool(&mut self) -> Result<(), StoreError> {
        let pending = self.store.all::<Pending>()?.collect::<Result<Vec<_>, _>>()?;
        for (arrival, id) in pending {
            let record = self.store.get::<Transactions>(&id)?.ok_or_else(|| missing::<Transactions>(&id))?;
            let signed = SignedTransaction::decode(&record.bytes)
                .map_err(|e| StoreError::Corrupt { what: format!("transaction {}: {e}", hex(&id)) })?;
            let attachment = self.store.get::<Attachments>(&id)?.map_or(0, |a| a.proof.len());
            let item = item(id, &signed, record.bytes.len() + attachment, arrival)
                .map_err(|e| StoreError::Corrupt { what: format!("transaction {}: {e}", hex(&id)) })?;
            // What no longer holds is found and refused when the next batch is sealed.
            let _ = self.preview.push_unchecked(&self.ledger, &signed);
            self.pool.insert(item);
            self.bodies.insert(id, signed);
            self.next_arrival = arrival + 1;
        }
        self.note_waiting();
        Ok(())
    }

    /// Batch numbers.
    pub fn heads(&self) -> Heads {
        self.heads
    }

    /// Up to where L1 has been taken over.
    pub fn cursor(&self) -> L1Cursor {
        self.cursor
    }

    /// The ledger after the last sealed batch.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many transactions wait.
    pub fn pending(&self) -> usize {
        self.pool.len()
    }

    /// An account of the last sealed batch, with its next nonce and its balance with what waits.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn account(&self, index: Index) -> Result<(Account, u32, u64), Refusal> {
        if index == 0 || index >= self.ledger.state().next_account {
            return Err(Refusal::NotFound { what: "account", name: index.to_string() });
        }
        let account = self.ledger.account(index);
        let available = self.preview.account(&self.ledger, index).balance.units();
        Ok((account, self.pool.next_nonce(index, account.nonce), available.min(account.balance.units())))
    }

    /// A job of the last sealed batch.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn job(&self, index: Index) -> Result<Job, Refusal> {
        if index == 0 || index >= self.ledger.state().next_job {
            return Err(Refusal::NotFound { what: "job", name: index.to_string() });
        }
        Ok(self.ledger.job(index))
    }

    /// The configuration.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Tells about batches from now on.
    pub fn watch(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// L1 operations and beacon records that are deep enough and in no batch yet.
    pub fn waiting_operations(&self) -> u64 {
        let state = self.ledger.state();
        self.cursor.operations.saturating_sub(state.l1_cursor)
            + self.cursor.beacons.saturating_sub(state.beacon_cursor)
    }

    fn note_waiting(&mut self) {
        let waits = !self.pool.is_empty() || self.waiting_operations() > 0;
        self.waiting_since = waits.then(|| self.waiting_since.unwrap_or_else(Instant::now));
        metrics::gauge!("sequencer_mempool_transactions").set(self.pool.len() as f64);
        metrics::gauge!("sequencer_l1_operations_waiting").set(self.waiting_operations() as f64);
    }

    fn notify(&self, batch: u64, rewound: bool) {
        // Nobody may be watching.
        let _ = self.notices.send(Notice { batch, rewound });
    }

    /// Runs a step of progress. When it fails, memory may be ahead of the disk: nothing more is done until a restart.
    fn written(&mut self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Err(error) = &result {
            tracing::error!(%error, "cannot write: the sequencer must be restarted");
            self.spoiled = Some(EngineError::Store(error.clone()));
        }
        result
    }

    /// Refuses everything from now on.
    pub(crate) fn spoil(&mut self) {
        self.spoiled.get_or_insert(EngineError::Spoiled);
    }

    fn usable(&self) -> Result<(), EngineError> {
        self.spoiled.clone().map_or(Ok(()), Err)
    }
}

fn load_ledger(store: &Store, deployment: Deployment) -> Result<Ledger, StoreError> {
    let Some(state) = store.single::<LedgerState>()? else { return Ok(Ledger::genesis(deployment)) };
    let accounts = leaves::<Accounts, Account>(store, state.next_account)?;
    let jobs = leaves::<Jobs, Job>(store, state.next_job)?;
    let snapshot = LedgerSnapshot { state, accounts, jobs };
    Ledger::restore(snapshot).map_err(|e| StoreError::Corrupt { what: e.to_string() })
}

/// The leaves below `next`; those that were never written are unused.
fn leaves<C, L>(store: &Store, next: Index) -> Result<Vec<L>, StoreError>
where
    C: Column<Key = Index, Value = L>,
    L: Clone + Default,
{
    let mut leaves = vec![L::default(); next as usize];
    for entry in store.all::<C>()? {
        let (index, leaf) = entry?;
        let slot = leaves.get_mut(index as usize);
        *slot.ok_or_else(|| StoreError::Corrupt {
            what: format!("{} holds index {index} of {next}", C::NAME),
        })? = leaf;
    }
    Ok(leaves)
}

/// What the pool knows of a transaction.
fn item(id: TransactionId, signed: &SignedTransaction, bytes: usize, arrival: u64) -> Result<Item, Refusal> {
    let raw = signed.transaction.raw().map_err(janction_protocol::ledger::Refusal::from)?;
    let signer = signed.authorization.as_ref().map(|_| (raw.a, signed.nonce));
    Ok(Item { id, signer, fee: raw.fee, blocks: raw.kind.blocks(), bytes, arrival })
}

fn missing<C: Column>(name: &[u8]) -> StoreError {
    StoreError::Corrupt { what: format!("{} lacks {}", C::NAME, hex(name)) }
}

/// Lower-case hexadecimal, without 0x.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
