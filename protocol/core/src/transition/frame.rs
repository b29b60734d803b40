//! The frame around transactions: opening a batch, keeping to sections, counting events, closing it.

use super::{FrameError, ReplayError};
use crate::binding::{absorb_list, fold};
use crate::state::RunState;
use crate::stream::{Block, Header, Kind, Section};
use crate::{Amount, F};

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
    next.stream = crate::hash::Sponge::stream();
    next.r = r;
    next.ledger.time = header.time;
    next.ledger.batch = header.batch;
    absorb(&mut next, core::slice::from_ref(block));
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

/// Takes a transaction's blocks in: section, events, sponge, fingerprint.
pub(super) fn take(run: &mut RunState, kind: Kind, blocks: &[Block]) -> Result<(), FrameError> {
    if !run.open {
        return Err(FrameError::NotOpen);
    }
    let (position, end) = (run.position, run.position + blocks.len() as u64);
    let inside = match kind.section() {
        Section::Frame => false,
        Section::L2 => end <= run.l2_end,
        Section::L1 => position >= run.l2_end && end <= run.l1_end,
        Section::Beacon => position >= run.l1_end && end <= run.end,
    };
    if !inside {
        return Err(FrameError::Section { kind, position });
    }
    if kind.is_event() {
        run.events = run.events.checked_sub(1).ok_or(FrameError::Events)?;
    }
    absorb(run, blocks);
    Ok(())
}

fn absorb(run: &mut RunState, blocks: &[Block]) {
    for block in blocks {
        let elements = block.elements();
        run.stream.absorb(&elements);
        run.f = fold(run.f, run.r, &elements);
        run.position += 1;
    }
}

/// Checks that the batch is complete.
pub(super) fn check_close(run: &RunState) -> Result<(), FrameError> {
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

/// Appends D, r and f to the list and clears what belongs to the batch. The fees are the caller's to credit.
pub(super) fn close(run: &RunState) -> RunState {
    let mut next = run.closed();
    absorb_list(&mut next, run.stream.digest(), run.r, run.f);
    debug_assert_eq!(next.fees, Amount::ZERO);
    next
}
