//! The frame around transactions: sections, events, sponge and fingerprint.

use super::FrameError;
use crate::binding::fold;
use crate::state::RunState;
use crate::stream::{Block, Kind, Section};

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

/// Blocks go into the sponge and the fingerprint.
pub(super) fn absorb(run: &mut RunState, blocks: &[Block]) {
    for block in blocks {
        let elements = block.elements();
        run.stream.absorb(&elements);
        run.f = fold(run.f, run.r, &elements);
        run.position += 1;
    }
}
