//! The wall clock. Nothing that the ledger commits to depends on it: batches take L1's time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds; 0 when the machine's clock stands before 1970.
pub fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
