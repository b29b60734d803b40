//! An auditor's way: the state from the public bytes alone.

use super::{ApplyError, BatchBuilder, ClosedBatch, Ledger};
use crate::stream;
use crate::transaction::{Deposit, RecordBeacon, Transaction};

/// Applies a committed batch's whole stream (tail included, as the contract appended it). Signatures are not in it: the
/// proof stands for them. Leads to the very state that the sequencer reached.
///
/// # Errors
/// [`ApplyError`]; the ledger is then unchanged.
pub fn apply_batch(ledger: &mut Ledger, bytes: &[u8]) -> Result<ClosedBatch, ApplyError> {
    let stream::Batch { header, transactions } = stream::decode(bytes)?;
    let continues = header.batch == ledger.state().batch + 1
        && header.l1_first == ledger.state().l1_cursor
        && header.beacon_first == ledger.state().beacon_cursor;
    if !continues {
        return Err(ApplyError::Header { batch: ledger.state().batch });
    }
    let mut builder = BatchBuilder::new(ledger, header.time, header.fee_account)?;
    let (mut l1, mut beacons): (Vec<Deposit>, Vec<RecordBeacon>) = Default::default();
    for (index, transaction) in transactions.into_iter().enumerate() {
        match transaction {
            Transaction::Deposit(deposit) => l1.push(deposit),
            Transaction::RecordBeacon(beacon) => beacons.push(beacon),
            other => {
                let pushed = builder.push_proven(&other);
                pushed.map_err(|refusal| ApplyError::Invalid { index, refusal })?;
            }
        }
    }
    Ok(builder.close(&l1, &beacons)?)
}
