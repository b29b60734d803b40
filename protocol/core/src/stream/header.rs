//! The header block: what the committer says about a batch.

use serde::{Deserialize, Serialize};

use super::raw::fits;
use super::{BLOCK_BYTES, Block, Kind, StreamError};
use crate::state::{Index, TIME_BITS};

/// The version of the stream's format.
pub const VERSION: u8 = 1;

/// Blocks of one entry of the tail: an L1 operation or a beacon record.
const TAIL_BLOCKS: u64 = 2;

/// The header of a batch. Its byte length follows from the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// Number of the batch: the last one's plus 1; below 2^56.
    pub batch: u64,
    /// Unix seconds, below 2^39.
    pub time: u64,
    /// Blocks of the L2 part, below 2^24.
    pub l2_blocks: u32,
    /// Who is credited with the fees, below 2^24.
    pub fee_account: Index,
    /// The first L1 operation: the cursor; below 2^40.
    pub l1_first: u64,
    /// How many are consumed.
    pub l1_count: u16,
    /// The first beacon record: the cursor; below 2^40.
    pub beacon_first: u64,
    /// How many are consumed.
    pub beacon_count: u16,
    /// `Withdraw`, `Submit` and `Settle` transactions in the L2 part.
    pub events: u16,
}

impl Header {
    /// Block position where the L2 part ends.
    pub fn l2_end(&self) -> u64 {
        1 + u64::from(self.l2_blocks)
    }

    /// Block position where the L1 operations end.
    pub fn l1_end(&self) -> u64 {
        self.l2_end() + TAIL_BLOCKS * u64::from(self.l1_count)
    }

    /// Blocks of the whole stream.
    pub fn end(&self) -> u64 {
        self.l1_end() + TAIL_BLOCKS * u64::from(self.beacon_count)
    }

    /// Bytes of the whole stream.
    pub fn byte_len(&self) -> u64 {
        self.end() * BLOCK_BYTES as u64
    }

    /// The header block.
    ///
    /// # Errors
    /// [`StreamError::TooWide`] when a field does not fit.
    pub fn encode(&self) -> Result<Block, StreamError> {
        fits("batch number", self.batch, 56)?;
        fits("time", self.time, TIME_BITS as u32)?;
        fits("number of L2 blocks", self.l2_blocks.into(), 24)?;
        fits("fee account", self.fee_account.into(), 24)?;
        fits("first L1 operation", self.l1_first, 40)?;
        fits("first beacon record", self.beacon_first, 40)?;
        let limbs = [
            u64::from(Kind::Open.tag()) << 48 | u64::from(VERSION) << 40 | self.byte_len(),
            self.batch,
            self.time,
            u64::from(self.l2_blocks) << 32 | u64::from(self.fee_account) << 8,
            self.l1_first << 16 | u64::from(self.l1_count),
            self.beacon_first << 16 | u64::from(self.beacon_count),
            u64::from(self.events) << 40,
            0,
        ];
        Block::new(limbs).ok_or(StreamError::NonCanonical { kind: Kind::Open })
    }

    /// The inverse of [`Header::encode`].
    ///
    /// # Errors
    /// Another tag or version, set padding, a length that does not follow from the counts.
    pub fn decode(block: &Block) -> Result<Self, StreamError> {
        let limbs = block.limbs();
        if limbs[0] >> 40 != u64::from(Kind::Open.tag()) << 8 | u64::from(VERSION) {
            return Err(StreamError::Version { limb: limbs[0] });
        }
        let header = Self {
            batch: limbs[1],
            time: limbs[2],
            l2_blocks: (limbs[3] >> 32) as u32,
            fee_account: (limbs[3] as u32) >> 8,
            l1_first: limbs[4] >> 16,
            l1_count: limbs[4] as u16,
            beacon_first: limbs[5] >> 16,
            beacon_count: limbs[5] as u16,
            events: (limbs[6] >> 40) as u16,
        };
        let got = limbs[0] & ((1 << 40) - 1);
        if got != header.byte_len() {
            return Err(StreamError::Length { expected: header.byte_len(), got });
        }
        match header.encode() {
            Ok(again) if again == *block => Ok(header),
            _ => Err(StreamError::NonCanonical { kind: Kind::Open }),
        }
    }
}
