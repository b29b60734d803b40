//! Limbs and blocks.

use plonky2::field::types::Field;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::F;

/// Bytes of a limb.
pub const LIMB_BYTES: usize = 7;
/// Bits of a limb; a limb is one field element below 2^56.
pub const LIMB_BITS: u32 = 56;
/// Limbs of a block: the sponge's rate.
pub const BLOCK_LIMBS: usize = 8;
/// Bytes of a block.
pub const BLOCK_BYTES: usize = LIMB_BYTES * BLOCK_LIMBS;
/// The tag byte of a transaction's second and later blocks.
pub const CONTINUATION: u8 = 0xff;

/// Eight limbs, each below 2^56. Values narrower than their limb stand at its low end unless a layout says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Block([u64; BLOCK_LIMBS]);

impl Block {
    /// Checks that every limb is below 2^56.
    pub fn new(limbs: [u64; BLOCK_LIMBS]) -> Option<Self> {
        limbs.iter().all(|limb| limb >> LIMB_BITS == 0).then_some(Self(limbs))
    }

    /// The limbs.
    pub fn limbs(&self) -> [u64; BLOCK_LIMBS] {
        self.0
    }

    /// The limbs as field elements.
    pub fn elements(&self) -> [F; BLOCK_LIMBS] {
        self.0.map(F::from_canonical_u64)
    }

    /// The first byte of the first limb.
    pub fn tag(&self) -> u8 {
        (self.0[0] >> 48) as u8
    }

    /// 56 bytes, each limb big-endian.
    pub fn to_bytes(&self) -> [u8; BLOCK_BYTES] {
        let mut bytes = [0; BLOCK_BYTES];
        for (chunk, limb) in bytes.chunks_exact_mut(LIMB_BYTES).zip(self.0) {
            chunk.copy_from_slice(&limb.to_be_bytes()[1..]);
        }
        bytes
    }

    /// Any 56 bytes are a block.
    pub fn from_bytes(bytes: &[u8; BLOCK_BYTES]) -> Self {
        let mut limbs = [0; BLOCK_LIMBS];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(LIMB_BYTES)) {
            *limb = chunk.iter().fold(0, |x, &b| x << 8 | u64::from(b));
        }
        Self(limbs)
    }
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limbs = Deserialize::deserialize(deserializer)?;
        Self::new(limbs).ok_or_else(|| serde::de::Error::custom("a limb is not below 2^56"))
    }
}
