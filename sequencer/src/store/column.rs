//! The columns (RocksDB column families): which key leads to which value.

use janction_protocol::state::{Account, Index, Job, Key};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::{
    Attachment, BatchRecord, BeaconEntry, FaultRecord, Intent, JobEvent, Lease, LeaseId, OperationEntry,
    ProofRecord, TransactionId, TransactionRecord, Undo,
};

/// A column: keys in the order of their bytes.
pub trait Column: 'static {
    /// Name of the column family.
    const NAME: &'static str;
    /// What it is looked up by.
    type Key: ColumnKey;
    /// What stands there.
    type Value: Serialize + DeserializeOwned + 'static;
}

/// A key whose bytes sort like its values.
pub trait ColumnKey: Sized + 'static {
    /// The bytes.
    fn to_bytes(&self) -> Vec<u8>;
    /// The inverse; `None` for anything else.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! integer_key {
    ($($int:ty),*) => {$(
        impl ColumnKey for $int {
            fn to_bytes(&self) -> Vec<u8> {
                self.to_be_bytes().to_vec()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_be_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}

integer_key!(u32, u64);

impl ColumnKey for TransactionId {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

impl ColumnKey for LeaseId {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
}

/// A batch and the position of a step in it.
impl ColumnKey for (u64, u32) {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.0.to_be_bytes()[..], &self.1.to_be_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (batch, step) = bytes.split_at_checked(8)?;
        Some((ColumnKey::from_bytes(batch)?, ColumnKey::from_bytes(step)?))
    }
}

/// A job, a batch and the position of a step in it.
impl ColumnKey for (Index, u64, u32) {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.0.to_be_bytes()[..], &self.1.to_be_bytes(), &self.2.to_be_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (job, rest) = bytes.split_at_checked(4)?;
        let (batch, step) = rest.split_at_checked(8)?;
        Some((ColumnKey::from_bytes(job)?, ColumnKey::from_bytes(batch)?, ColumnKey::from_bytes(step)?))
    }
}

/// An owner key and an account that it owns.
impl ColumnKey for (Key, Index) {
    fn to_bytes(&self) -> Vec<u8> {
        let limbs = self.0.to_u64s().into_iter().flat_map(u64::to_be_bytes);
        limbs.chain(self.1.to_be_bytes()).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (key, index) = bytes.split_at_checked(40)?;
        let mut limbs = [0; 5];
        for (limb, chunk) in limbs.iter_mut().zip(key.chunks_exact(8)) {
            *limb = ColumnKey::from_bytes(chunk)?;
        }
        Some((Key::from_u64s(limbs).ok()?, ColumnKey::from_bytes(index)?))
    }
}

macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident $name:literal: $key:ty => $value:ty;)*) => {
        $(
            $(#[$doc])*
            pub struct $column;

            impl Column for $column {
                const NAME: &'static str = $name;
                type Key = $key;
                type Value = $value;
            }
        )*

        /// Every column but [`super::META`].
        pub const COLUMNS: &[&str] = &[$($name),*];
    };
}

columns! {
    /// Account leaves after the last sealed batch.
    Accounts "accounts": Index => Account;
    /// Which accounts an owner key has.
    Keys "keys": (Key, Index) => ();
    /// Job leaves after the last sealed batch.
    Jobs "jobs": Index => Job;
    /// Sealed batches.
    Batches "batches": u64 => BatchRecord;
    /// Each batch's steps with their witnesses, until the batch is proven.
    Steps "steps": (u64, u32) => Vec<u8>;
    /// What to put back when a batch is taken back, until it is proven.
    Undos "undo": u64 => Undo;
    /// Every transaction that was ever acknowledged.
    Transactions "transactions": TransactionId => TransactionRecord;
    /// Audit proofs that came with `Settle`, until their batch is proven.
    Attachments "attachments": TransactionId => Attachment;
    /// Transactions that wait for a batch, in the order of their arrival.
    Pending "pending": u64 => TransactionId;
    /// L1 operations that are deep enough, by their place in the queue, until the batch that consumes them is proven.
    Operations "operations": u64 => OperationEntry;
    /// Beacon records that are deep enough, likewise.
    Beacons "beacons": u64 => BeaconEntry;
    /// What provers are working on.
    Leases "leases": LeaseId => Lease;
    /// Proofs that were handed in, by their first batch, until they are on L1.
    Proofs "proofs": u64 => ProofRecord;
    /// The steps that touched a job.
    JobEvents "job-events": (Index, u64, u32) => JobEvent;
    /// The jobs that each batch touched, until it is proven: whose events go when it is taken back.
    Touched "touched": u64 => Vec<Index>;
    /// What provers reported of a job's audit, oldest first, a few a job.
    Faults "faults": Index => Vec<FaultRecord>;
    /// What was or will be sent to L1, in order.
    Outbox "outbox": u64 => Intent;
}
