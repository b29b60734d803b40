//! A digest: four field elements.

use core::fmt;
use core::str::FromStr;

use plonky2::field::types::{Field, Field64, PrimeField64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::F;

/// Four field elements; as bytes, 32, each element big-endian and canonical.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest(pub [F; 4]);

/// A text or byte string that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// Not 64 hexadecimal digits.
    #[error("a digest is 64 hexadecimal digits, optionally after 0x")]
    Text,
    /// An element is not below p.
    #[error(
        "element {index} of the digest is not below the field's order; it was not written by this protocol"
    )]
    NonCanonical {
        /// Which of the four.
        index: usize,
    },
}

impl Digest {
    /// All zero: no hash; stands for "none".
    pub const ZERO: Self = Self([F::ZERO; 4]);

    /// The elements as canonical integers.
    pub fn to_u64s(self) -> [u64; 4] {
        self.0.map(|x| x.to_canonical_u64())
    }

    /// From integers, each of which must be below p.
    ///
    /// # Errors
    /// [`ParseDigestError::NonCanonical`].
    pub fn from_u64s(limbs: [u64; 4]) -> Result<Self, ParseDigestError> {
        match limbs.iter().position(|&x| x >= F::ORDER) {
            Some(index) => Err(ParseDigestError::NonCanonical { index }),
            None => Ok(Self(limbs.map(F::from_canonical_u64))),
        }
    }

    /// 32 bytes, big-endian element by element.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, x) in bytes.chunks_exact_mut(8).zip(self.to_u64s()) {
            chunk.copy_from_slice(&x.to_be_bytes());
        }
        bytes
    }

    /// The inverse of [`Digest::to_bytes`].
    ///
    /// # Errors
    /// [`ParseDigestError::NonCanonical`].
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, ParseDigestError> {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = chunk.iter().fold(0, |x, &b| x << 8 | u64::from(b));
        }
        Self::from_u64s(limbs)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.to_u64s().iter().try_for_each(|x| write!(f, "{x:016x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ParseDigestError::Text);
        }
        let mut limbs = [0; 4];
        for (i, limb) in limbs.iter_mut().enumerate() {
            *limb =
                u64::from_str_radix(&digits[16 * i..16 * i + 16], 16).map_err(|_| ParseDigestError::Text)?;
        }
        Self::from_u64s(limbs)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_u64s().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_u64s(<[u64; 4]>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_round_trip() {
        let digest = Digest::from_u64s([1, 2, 3, F::ORDER - 1]).unwrap();
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert_eq!(Digest::from_bytes(digest.to_bytes()).unwrap(), digest);
    }

    #[test]
    fn non_canonical_elements_are_refused() {
        assert_eq!(Digest::from_u64s([0, F::ORDER, 0, 0]), Err(ParseDigestError::NonCanonical { index: 1 }));
        assert_eq!("0x12".parse::<Digest>(), Err(ParseDigestError::Text));
        assert!(Digest::from_bytes([0xff; 32]).is_err());
    }
}
