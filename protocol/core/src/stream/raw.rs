//! What all transactions share: kind, fee, two accounts, a value, and a payload of limbs.
//!
//! The payload is limbs 3..8 of the first block, then limbs 1..8 of each later one: 5, 12, 19 or 26 limbs.

use plonky2::field::types::{Field, Field64, PrimeField64};

use super::{BLOCK_LIMBS, Block, CONTINUATION, Kind, LIMB_BITS, StreamError};
use crate::state::Index;
use crate::{Amount, F};

/// A transaction's blocks, split into the fields that all kinds share and a payload that each kind reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// The kind.
    pub kind: Kind,
    /// The fee, below 2^48.
    pub fee: Amount,
    /// Account A, below 2^24.
    pub a: Index,
    /// Account B, below 2^24.
    pub b: Index,
    /// The value.
    pub value: Amount,
    /// The payload's limbs.
    pub payload: Vec<u64>,
}

impl Raw {
    /// All fields zero.
    pub fn new(kind: Kind) -> Self {
        let payload = vec![0; (kind.blocks() * 7).saturating_sub(2)];
        Self { kind, fee: Amount::ZERO, a: 0, b: 0, value: Amount::ZERO, payload }
    }

    /// The blocks, as many as the kind has.
    ///
    /// # Errors
    /// [`StreamError::TooWide`] when a field does not fit.
    pub fn encode(&self) -> Result<Vec<Block>, StreamError> {
        fits("fee", self.fee.units(), 48)?;
        fits("account A", self.a.into(), 24)?;
        fits("account B", self.b.into(), 24)?;
        for &limb in &self.payload {
            fits("a limb of the payload", limb, LIMB_BITS)?;
        }
        let value = self.value.units();
        let mut limbs = vec![
            u64::from(self.kind.tag()) << 48 | self.fee.units(),
            u64::from(self.a) << 32 | value >> 32,
            u64::from(self.b) << 32 | value & 0xffff_ffff,
        ];
        let (first, later) = self.payload.split_at(5);
        limbs.extend(first);
        for chunk in later.chunks(7) {
            limbs.push(u64::from(CONTINUATION) << 48);
            limbs.extend(chunk);
        }
        let blocks = limbs.chunks_exact(BLOCK_LIMBS).map(|chunk| {
            let mut block = [0; BLOCK_LIMBS];
            block.copy_from_slice(chunk);
            Block::new(block)
        });
        blocks.collect::<Option<_>>().ok_or(StreamError::NonCanonical { kind: self.kind })
    }

    /// The inverse of [`Raw::encode`] for one transaction at the front of `blocks`; `position` is for messages.
    ///
    /// # Errors
    /// Unknown tag, a missing continuation block, a value from 2^62 on.
    pub fn decode(blocks: &[Block], position: usize) -> Result<Self, StreamError> {
        let first = blocks.first().ok_or(StreamError::Tag { block: position, tag: 0 })?;
        let kind = Kind::from_tag(first.tag())
            .filter(|kind| kind.section() != super::Section::Frame)
            .ok_or(StreamError::Tag { block: position, tag: first.tag() })?;
        let later =
            blocks.get(1..kind.blocks()).ok_or(StreamError::Continuation { kind, block: position })?;
        let limbs = first.limbs();
        let mut payload = limbs[3..].to_vec();
        for block in later {
            let limbs = block.limbs();
            if limbs[0] != u64::from(CONTINUATION) << 48 {
                return Err(StreamError::Continuation { kind, block: position });
            }
            payload.extend(&limbs[1..]);
        }
        let (a, hi) = upper_lower(limbs[1]);
        let (b, lo) = upper_lower(limbs[2]);
        let amount = |units| Amount::new(units).map_err(|_| StreamError::NonCanonical { kind });
        Ok(Self {
            kind,
            fee: amount(limbs[0] & ((1 << 48) - 1))?,
            a,
            b,
            value: amount(u64::from(hi) << 32 | u64::from(lo))?,
            payload,
        })
    }

    /// Adds a field element's halves to payload limbs `at` and `at + 1`.
    pub(crate) fn put_elements(&mut self, at: usize, elements: &[F]) {
        for (i, &element) in elements.iter().enumerate() {
            let (hi, lo) = halves(element);
            self.payload[at + 2 * i] |= hi;
            self.payload[at + 2 * i + 1] |= lo;
        }
    }

    /// Puts a value of at most 24 bits into the upper 3 bytes of payload limb `at`.
    pub(crate) fn put_upper(
        &mut self,
        at: usize,
        field: &'static str,
        value: u32,
    ) -> Result<(), StreamError> {
        fits(field, value.into(), 24)?;
        self.payload[at] |= u64::from(value) << 32;
        Ok(())
    }

    /// The upper 3 bytes of payload limb `at`.
    pub(crate) fn upper(&self, at: usize) -> u32 {
        upper_lower(self.payload[at]).0
    }

    /// Reads `N` field elements, two halves each, from the lower 4 bytes of payload limbs `at..`.
    pub(crate) fn elements<const N: usize>(&self, at: usize) -> Result<[F; N], StreamError> {
        let mut elements = [F::ZERO; N];
        for (i, element) in elements.iter_mut().enumerate() {
            let [hi, lo] = [0, 1].map(|j| upper_lower(self.payload[at + 2 * i + j]).1);
            *element = join(hi, lo).ok_or(StreamError::NonCanonical { kind: self.kind })?;
        }
        Ok(elements)
    }

    /// Reads four whole payload limbs.
    pub(crate) fn limbs4(&self, at: usize) -> [u64; 4] {
        core::array::from_fn(|i| self.payload[at + i])
    }
}

/// Checks that `value` has at most `bits` bits.
pub(crate) fn fits(field: &'static str, value: u64, bits: u32) -> Result<(), StreamError> {
    if value >> bits == 0 { Ok(()) } else { Err(StreamError::TooWide { field, value, bits }) }
}

/// The upper 3 and lower 4 bytes of a limb.
pub(crate) fn upper_lower(limb: u64) -> (u32, u32) {
    ((limb >> 32) as u32, limb as u32)
}

/// The 32-bit halves (hi, lo) of an element's canonical form.
pub(crate) fn halves(element: F) -> (u64, u64) {
    let x = element.to_canonical_u64();
    (x >> 32, x & 0xffff_ffff)
}

/// The element with these halves, if they are canonical: below p, that is hi = 2^32 - 1 implies lo = 0.
pub(crate) fn join(hi: u32, lo: u32) -> Option<F> {
    let x = u64::from(hi) << 32 | u64::from(lo);
    (x < F::ORDER).then(|| F::from_canonical_u64(x))
}
