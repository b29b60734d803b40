//! The tree of a batch's events, as the contract builds it (`src/lib/EventTree.sol`).

use alloy::primitives::{B256, keccak256};

/// Bytes of a block of the batch stream.
pub const BLOCK_BYTES: usize = 56;

/// Number of blocks of an event by its tag byte: Withdraw 1, Submit 3, Settle 2; `None` for what is no event.
pub fn event_blocks(tag: u8) -> Option<usize> {
    match tag {
        0x21 => Some(1),
        0x34 => Some(3),
        0x35 => Some(2),
        _ => None,
    }
}

/// The events of a batch, cut out of the committed bytes at their block offsets. `None` when an offset does not point
/// at an event.
pub fn events<'a>(committed: &'a [u8], offsets: &[u32]) -> Option<Vec<&'a [u8]>> {
    offsets
        .iter()
        .map(|&offset| {
            let start = BLOCK_BYTES * offset as usize;
            let blocks = event_blocks(*committed.get(start)?)?;
            committed.get(start..start + BLOCK_BYTES * blocks)
        })
        .collect()
}

/// Job and output root of a `Settle`; `None` for another event.
pub fn settle(event: &[u8]) -> Option<(u32, B256)> {
    const LIMB: usize = 7;
    if event.len() != 2 * BLOCK_BYTES || event[0] != 0x35 {
        return None;
    }
    let job = event[3 * LIMB..3 * LIMB + 3].iter().fold(0, |x, &byte| x << 8 | u32::from(byte));
    // Eight halves of 4 bytes at the low end of a limb each: limbs 4 to 7 of the first block, 1 to 4 of the second.
    let limbs = (4..8).chain(9..13);
    let halves: Vec<u8> =
        limbs.flat_map(|limb| &event[limb * LIMB + 3..(limb + 1) * LIMB]).copied().collect();
    Some((job, B256::try_from(halves.as_slice()).ok()?))
}

/// Leaf of event `index`.
pub fn leaf(index: u32, event: &[u8]) -> B256 {
    keccak256([&index.to_be_bytes(), event].concat())
}

/// Root over the events of a batch; zero when there are none.
pub fn root(events: &[&[u8]]) -> B256 {
    let mut level = leaves(events);
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_default()
}

/// The siblings of event `index` from its leaf up; `None` when there is no such event.
pub fn path(events: &[&[u8]], index: usize) -> Option<Vec<B256>> {
    if index >= events.len() {
        return None;
    }
    let (mut level, mut at, mut path) = (leaves(events), index, Vec::new());
    while level.len() > 1 {
        // A last node without a sibling moves up unchanged.
        path.extend(level.get(at ^ 1));
        level = parents(&level);
        at /= 2;
    }
    Some(path)
}

fn leaves(events: &[&[u8]]) -> Vec<B256> {
    (0u32..).zip(events).map(|(i, event)| leaf(i, event)).collect()
}

fn parents(level: &[B256]) -> Vec<B256> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [a, b] => keccak256([a.min(b).as_slice(), a.max(b).as_slice()].concat()),
            alone => alone[0],
        })
        .collect()
}
