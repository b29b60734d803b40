//! What stands in the columns.

use janction_protocol::binding::BatchEntry;
use janction_protocol::state::{Account, Index, Job, LedgerState};
use janction_protocol::stream::Kind;
use janction_protocol::{Address, Amount, Digest, state::Key};
use plonky2::field::types::PrimeField64;
use serde::{Deserialize, Serialize};

/// Names a transaction: keccak256 of its bytes.
pub type TransactionId = [u8; 32];

/// A block of L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct L1Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// Its time, unix seconds.
    pub time: u64,
}

/// How far batches have come; 0 is genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Heads {
    /// The last sealed batch.
    pub sealed: u64,
    /// The last batch that is committed on L1, as deep as configured.
    pub committed: u64,
    /// The last batch that is proven on L1, as deep as configured.
    pub proven: u64,
}

/// Up to where L1 has been read. Everything here is as deep as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct L1Cursor {
    /// The last block whose events have been taken over.
    pub block: L1Block,
    /// L1 operations in the contract's queue by then.
    pub operations: u64,
    /// Rolling hash of the queue by then.
    pub operations_hash: [u8; 32],
    /// Beacon records by then.
    pub beacons: u64,
    /// Rolling hash of the records by then.
    pub beacons_hash: [u8; 32],
}

/// An L1 operation: a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationEntry {
    /// The account that the depositor named (0: none).
    pub hint: Index,
    /// Whose money it is.
    pub key: Key,
    /// How much.
    pub value: Amount,
    /// Time of its L1 block.
    pub time: u64,
    /// The queue's rolling hash with it.
    pub queue_hash: [u8; 32],
}

/// A beacon record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeaconEntry {
    /// The job.
    pub job: Index,
    /// The trace root that it was derived with.
    pub trace_root: Digest,
    /// The beacon's first 28 bytes as 7-byte limbs.
    pub beacon: [u64; 4],
    /// Time of its L1 block.
    pub time: u64,
    /// The records' rolling hash with it.
    pub queue_hash: [u8; 32],
}

/// The record of a committed batch, as the contract keeps its hash (`BatchInfo` there).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Commitment {
    /// Of the batch; genesis is 0.
    pub number: u64,
    /// Of the batch's header.
    pub time: u64,
    /// L1 operations consumed up to and with it.
    pub l1_end: u64,
    /// Beacon records consumed up to and with it.
    pub beacon_end: u64,
    /// Rolling hash of the operations before `l1_end`.
    pub l1_queue_hash: [u8; 32],
    /// Rolling hash of the records before `beacon_end`.
    pub beacon_queue_hash: [u8; 32],
    /// keccak256 of the whole stream.
    pub stream_hash: [u8; 32],
    /// D, 32 bytes.
    pub digest: [u8; 32],
    /// r, then f(r): 4 times 8 bytes.
    pub evaluation: [u8; 32],
    /// Root of the tree of the batch's events; zero when there are none.
    pub events_root: [u8; 32],
}

/// A sealed batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// Its number.
    pub number: u64,
    /// Its time, unix seconds.
    pub time: u64,
    /// Header block and L2 transactions: what is posted.
    pub committed: Vec<u8>,
    /// The tail that the contract appends.
    pub tail: Vec<u8>,
    /// keccak256 of the whole stream.
    pub stream_hash: [u8; 32],
    /// D, r and f(r).
    pub entry: BatchEntry,
    /// Block offsets of the events, increasing.
    pub event_offsets: Vec<u32>,
    /// Ids of its L2 transactions, in order.
    pub transactions: Vec<TransactionId>,
    /// L1 operations in its tail.
    pub operations: u64,
    /// Beacon records in its tail.
    pub beacons: u64,
    /// L1 operations consumed up to and with it.
    pub l1_end: u64,
    /// Rolling hash of the queue there.
    pub l1_queue_hash: [u8; 32],
    /// Beacon records consumed up to and with it.
    pub beacon_end: u64,
    /// Rolling hash of the records there.
    pub beacon_queue_hash: [u8; 32],
    /// The ledger after it.
    pub ledger: LedgerState,
    /// Number of steps, `Open` and `Close` included.
    pub steps: u32,
    /// The contract's record, once seen on L1.
    pub commitment: Option<Commitment>,
    /// L1 transaction that committed it.
    pub commit_transaction: Option<[u8; 32]>,
    /// L1 transaction that proved it.
    pub prove_transaction: Option<[u8; 32]>,
}

impl BatchRecord {
    /// r and f(r) as the contract records them: four times 8 bytes.
    pub fn evaluation(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, x) in bytes.chunks_exact_mut(8).zip(self.entry.r.iter().chain(&self.entry.f)) {
            chunk.copy_from_slice(&x.to_canonical_u64().to_be_bytes());
        }
        bytes
    }

    /// The whole stream.
    pub fn stream(&self) -> Vec<u8> {
        [&self.committed[..], &self.tail].concat()
    }
}

/// What a batch overwrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The ledger before it.
    pub ledger: LedgerState,
    /// Account leaves before it, each once.
    pub accounts: Vec<(Index, Account)>,
    /// Job leaves before it, each once.
    pub jobs: Vec<(Index, Job)>,
}

/// What has become of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionStatus {
    /// Waits for a batch; its place in [`super::column::Pending`].
    Pending {
        /// Order of arrival.
        arrival: u64,
    },
    /// In a batch.
    Included {
        /// The batch.
        batch: u64,
        /// Its place in the L2 part.
        position: u32,
    },
    /// It can no longer be included.
    Refused {
        /// The stable code word.
        code: String,
        /// Why, in one line.
        reason: String,
    },
    /// Another one with the same nonce took its place.
    Replaced {
        /// The other one.
        by: TransactionId,
    },
}

/// An acknowledged transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecord {
    /// As it was submitted: `SignedTransaction::encode`.
    pub bytes: Vec<u8>,
    /// What has become of it.
    pub status: TransactionStatus,
}

/// The audit proof that came with a `Settle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Digest of the claim that it was checked against.
    pub claim: Digest,
    /// The proof.
    pub proof: Vec<u8>,
}

/// A step that touched a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    /// The batch's time, unix seconds.
    pub time: u64,
    /// What it was.
    pub kind: Kind,
    /// Who signed it; 0 for unsigned kinds and those from L1.
    pub account: Index,
    /// The transaction; none for a beacon record.
    pub transaction: Option<TransactionId>,
}

/// Why a prover could not prove an audit, as it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// When it was reported, unix seconds.
    pub time: u64,
    /// A stable word.
    pub code: String,
    /// One line.
    pub reason: String,
    /// The prover's payee.
    pub payee: Address,
}

/// Names a lease; who knows it holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeaseId(pub [u8; 16]);

/// A range of batches that a prover works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// First batch.
    pub first: u64,
    /// Last batch.
    pub last: u64,
    /// Whom the proof pays.
    pub payee: Address,
    /// Which of the payee's processes works on it; empty when they do not tell themselves apart.
    pub holder: Vec<u8>,
    /// Unix milliseconds.
    pub expires_at_ms: u64,
}

/// A proof that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofRecord {
    /// First batch.
    pub first: u64,
    /// Last batch.
    pub last: u64,
    /// Whom it pays.
    pub payee: Address,
    /// D*.
    pub list_digest: Digest,
    /// Ledger root after the range.
    pub new_root: Digest,
    /// As the verifier contract takes it.
    pub proof: Vec<u8>,
}

/// What a transaction on L1 is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Commits a batch.
    Commit {
        /// The batch.
        batch: u64,
    },
    /// Proves a range.
    Prove {
        /// First batch.
        first: u64,
        /// Last batch.
        last: u64,
    },
    /// Records a job's beacon.
    RecordBeacon {
        /// The job.
        job: Index,
        /// Of its `Submit`.
        trace_root: Digest,
    },
}

/// One signed form of an intent; a later one pays more. All have the same nonce, so at most one takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Fee cap per gas, wei.
    pub max_fee: u128,
    /// Priority fee per gas, wei.
    pub priority_fee: u128,
    /// The transaction's hash.
    pub hash: [u8; 32],
    /// The signed transaction.
    pub raw: Vec<u8>,
    /// When it was signed, unix milliseconds.
    pub signed_at_ms: u64,
}

/// Where an intent stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntentStatus {
    /// Written down; perhaps sent, perhaps several times.
    Pending,
    /// In a block that is not deep enough yet.
    Mined {
        /// Number of its block.
        block: u64,
        /// The attempt that was mined.
        hash: [u8; 32],
    },
    /// As deep as configured: done.
    Final {
        /// The attempt that was mined.
        hash: [u8; 32],
    },
    /// Mined and reverted, or its nonce was used by a transaction that is not in this outbox. Its effect did not
    /// happen; what is still needed becomes a new intent.
    Failed {
        /// Why.
        why: String,
    },
}

/// A transaction on L1 that was decided on. Written before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What for.
    pub action: Action,
    /// Call data for the rollup contract.
    pub data: Vec<u8>,
    /// The sender's nonce: fixed.
    pub nonce: u64,
    /// Gas limit.
    pub gas: u64,
    /// Its signed forms, cheapest first; never empty.
    pub attempts: Vec<Attempt>,
    /// Where it stands.
    pub status: IntentStatus,
}
