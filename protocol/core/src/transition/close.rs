//! `Close`: the fees are credited, and the batch goes into the list.

use super::context::credit;
use super::{FrameError, ReplayError};
use crate::binding::absorb_list;
use crate::state::{Account, AccountKind, RunState};

/// Checks that the batch is complete and credits its fees to the fee account's leaf.
pub(super) fn credit_fees(run: &RunState, account: &mut Account) -> Result<(), ReplayError> {
    check(run)?;
    if account.kind == AccountKind::Empty {
        return Err(FrameError::FeeAccount { index: run.fee_account }.into());
    }
    Ok(credit(account, run.fees)?)
}

fn check(run: &RunState) -> Result<(), FrameError> {
    if !run.open {
        return Err(FrameError::NotOpen);
    }
    let fields = [
        ("the block position", run.end, run.position),
        ("the number of missing events", 0, run.events),
        ("the L1 cursor", run.batch_l1_end, run.ledger.l1_cursor),
        ("the beacon cursor", run.batch_beacon_end, run.ledger.beacon_cursor),
    ];
    for (field, expected, got) in fields {
        if expected != got {
            return Err(FrameError::Unfinished { field, expected, got });
        }
    }
    Ok(())
}

/// Appends D, r and f to the list and clears what belongs to the batch, the credited fees among it.
pub(super) fn close(run: &RunState) -> RunState {
    let mut next = run.closed();
    absorb_list(&mut next, run.stream.digest(), run.r, run.f);
    next
}
