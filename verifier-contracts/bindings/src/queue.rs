//! The queues' rolling hashes, as the contract computes them (`src/L1Queue.sol`, `src/Beacons.sol`).

use crate::abi::{BatchInfo, BeaconRecord};
use alloy::primitives::{B256, keccak256};
use alloy::sol_types::SolValue;

/// Rolling hash of the L1 operations after one more; `time` is that of the L1 block that holds the deposit.
pub fn after_deposit(before: B256, key: [u64; 5], hint_account: u32, units: u64, time: u64) -> B256 {
    let mut bytes = before.to_vec();
    bytes.extend(key.iter().flat_map(|w| w.to_be_bytes()));
    bytes.extend(&hint_account.to_be_bytes()[1..]);
    bytes.extend(units.to_be_bytes());
    bytes.extend(&time.to_be_bytes()[3..]);
    bytes.extend([0; 8]);
    keccak256(bytes)
}

/// Rolling hash of the beacon records after one more.
pub fn after_beacon(before: B256, record: &BeaconRecord) -> B256 {
    let mut bytes = before.to_vec();
    bytes.extend(record.beacon);
    bytes.extend(&record.job.to_be_bytes::<3>());
    bytes.extend(record.traceRoot);
    bytes.extend(record.time.to_be_bytes());
    keccak256(bytes)
}

impl BatchInfo {
    /// What the contract stores of this record.
    pub fn hash(&self) -> B256 {
        keccak256(self.abi_encode())
    }

    /// The record of batch 0, the parent of the first commit.
    pub fn genesis() -> Self {
        Self::default()
    }
}
