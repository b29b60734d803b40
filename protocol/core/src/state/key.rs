//! An encoded public key: the ECgFp5 element w of a point, five field elements.

use core::fmt;

use plonky2::field::types::{Field, Field64, PrimeField64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::F;
use crate::hash::ParseDigestError;

/// The encoding w of an ECgFp5 point. Any five canonical elements are a `Key`; whether they encode a point is decided
/// where a signature is verified, so a wrong key never jams the ledger. Zero encodes the neutral element: no key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Key(pub [F; 5]);

impl Key {
    /// No key.
    pub const ZERO: Self = Self([F::ZERO; 5]);

    /// The elements as canonical integers.
    pub fn to_u64s(self) -> [u64; 5] {
        self.0.map(|x| x.to_canonical_u64())
    }

    /// From integers, each of which must be below p.
    ///
    /// # Errors
    /// [`ParseDigestError::NonCanonical`].
    pub fn from_u64s(limbs: [u64; 5]) -> Result<Self, ParseDigestError> {
        match limbs.iter().position(|&x| x >= F::ORDER) {
            Some(index) => Err(ParseDigestError::NonCanonical { index }),
            None => Ok(Self(limbs.map(F::from_canonical_u64))),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.to_u64s().iter().try_for_each(|x| write!(f, "{x:016x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_u64s().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_u64s(<[u64; 5]>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
