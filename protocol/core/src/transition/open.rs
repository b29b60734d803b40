//! `Open`: the header opens a batch and sets the clock.

use super::{FrameError, ReplayError, frame};
use crate::F;
use crate::hash::Sponge;
use crate::state::RunState;
use crate::stream::{Block, Header};

/// Opens a batch: clears what belongs to one, absorbs the header, sets the clock.
pub(super) fn open(run: &RunState, block: &Block, r: [F; 2]) -> Result<RunState, ReplayError> {
    if run.open {
        return Err(FrameError::Open.into());
    }
    let header = Header::decode(block)?;
    check_header(run, &header)?;
    let mut next = run.closed();
    next.open = true;
    next.fee_account = header.fee_account;
    next.l2_end = header.l2_end();
    next.l1_end = header.l1_end();
    next.end = header.end();
    next.events = header.events.into();
    next.batch_l1_end = header.l1_first + u64::from(header.l1_count);
    next.batch_beacon_end = header.beacon_first + u64::from(header.beacon_count);
    next.l1_time = run.ledger.time;
    next.stream = Sponge::stream();
    next.r = r;
    next.ledger.time = header.time;
    next.ledger.batch = header.batch;
    frame::absorb(&mut next, core::slice::from_ref(block));
    Ok(next)
}

fn check_header(run: &RunState, header: &Header) -> Result<(), FrameError> {
    let ledger = &run.ledger;
    let fields = [
        ("batch number", ledger.batch + 1, header.batch),
        ("first L1 operation", ledger.l1_cursor, header.l1_first),
        ("first beacon record", ledger.beacon_cursor, header.beacon_first),
    ];
    for (field, expected, got) in fields {
        if expected != got {
            return Err(FrameError::Header { field, expected, got });
        }
    }
    if header.time < ledger.time {
        return Err(FrameError::Header { field: "time", expected: ledger.time, got: header.time });
    }
    Ok(())
}
