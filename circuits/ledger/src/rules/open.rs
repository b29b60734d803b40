//! `Open`: the header opens a batch.

use janction_aggregate::config::{Builder, F};
use janction_protocol::state::TIME_BITS;
use janction_protocol::stream::{BLOCK_BYTES, Kind, VERSION};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::{Context, Effects, assert_zero_if, equal_if, is_if};
use crate::stream::Fields;

/// Blocks of an entry of the tail.
const TAIL_BLOCKS: u64 = 2;

/// What a header says, read from limbs that are a header's only in an `Open`.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    version: Target,
    length: Target,
    l1_first: Target,
    beacon_first: Target,
    padding: [Target; 3],
    /// Number of the batch.
    pub batch: Target,
    /// Its time.
    pub time: Target,
    /// Who is credited with the fees.
    pub fee_account: Target,
    /// Position where the L2 part ends.
    pub l2_end: Target,
    /// Position where the L1 operations end.
    pub l1_end: Target,
    /// Blocks in the stream.
    pub end: Target,
    /// Events in it.
    pub events: Target,
    /// The L1 cursor at its end.
    pub batch_l1_end: Target,
    /// The beacon cursor at its end.
    pub batch_beacon_end: Target,
}

impl Opened {
    /// Reads the header.
    pub fn read(b: &mut Builder, fields: &Fields) -> Self {
        let limbs = &fields.header;
        let l2_blocks = limbs[3].field(b, 0, 3);
        let (l1_first, l1_count) = (limbs[4].field(b, 0, 5), limbs[4].field(b, 5, 2));
        let (beacon_first, beacon_count) = (limbs[5].field(b, 0, 5), limbs[5].field(b, 5, 2));
        let tail_blocks = F::from_canonical_u64(TAIL_BLOCKS);
        let l2_end = b.add_const(l2_blocks, F::ONE);
        let l1_end = b.mul_const_add(tail_blocks, l1_count, l2_end);
        let end = b.mul_const_add(tail_blocks, beacon_count, l1_end);
        Self {
            version: limbs[0].field(b, 1, 1),
            length: limbs[0].field(b, 2, 5),
            l1_first,
            beacon_first,
            padding: [limbs[3].field(b, 6, 1), limbs[6].field(b, 2, 5), limbs[7].whole],
            batch: limbs[1].whole,
            time: limbs[2].whole,
            fee_account: limbs[3].field(b, 3, 3),
            l2_end,
            l1_end,
            end,
            events: limbs[6].field(b, 0, 2),
            batch_l1_end: b.add(l1_first, l1_count),
            batch_beacon_end: b.add(beacon_first, beacon_count),
        }
    }
}

/// *Enforced*: no batch is open; version; padding zero; length = 56 (1 + L2 blocks + 2 L1 operations + 2 beacon records);
/// batch = batch + 1; time from the last batch's on, below 2^39; ranges start at the cursors.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects, opened: &Opened) {
    let flag = c.is(Kind::Open);
    let ledger = &c.run.ledger;
    assert_zero_if(b, flag, c.run.open);
    is_if(b, flag, opened.version, VERSION.into());
    for x in opened.padding {
        assert_zero_if(b, flag, x);
    }
    let length = b.mul_const(F::from_canonical_u64(BLOCK_BYTES as u64), opened.end);
    equal_if(b, flag, opened.length, length);
    let batch = b.add_const(ledger.batch, F::ONE);
    equal_if(b, flag, opened.batch, batch);
    e.at_most(b, 0, flag, ledger.time, opened.time);
    let latest = b.constant(F::from_canonical_u64((1 << TIME_BITS) - 1));
    e.at_most(b, 1, flag, opened.time, latest);
    equal_if(b, flag, opened.l1_first, ledger.l1_cursor);
    equal_if(b, flag, opened.beacon_first, ledger.beacon_cursor);
}
