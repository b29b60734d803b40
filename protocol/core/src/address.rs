//! L1 addresses and the deployment that every ledger is bound to.

use core::fmt;
use core::str::FromStr;

use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};

use crate::F;

/// An L1 address: 20 bytes; as limbs, big-endian integers of its first 6, next 7 and last 7 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address(pub [u8; 20]);

/// A text or limbs that are no address, or a chain id out of bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not 40 hexadecimal digits.
    #[error("'{0}' is no L1 address: write 0x and 40 hexadecimal digits")]
    Text(String),
    /// A limb holds more than its 6 or 7 bytes.
    #[error("the limbs {0:?} hold no L1 address: they must be below 2^48, 2^56 and 2^56")]
    Limbs([u64; 3]),
    /// The chain id is not below 2^56.
    #[error("chain id {0} is not supported: it must be below 2^56")]
    ChainId(u64),
}

impl Address {
    /// The address that nobody holds.
    pub const ZERO: Self = Self([0; 20]);

    /// Limbs of 6, 7 and 7 bytes.
    pub fn limbs(&self) -> [u64; 3] {
        let be = |bytes: &[u8]| bytes.iter().fold(0, |x, &b| x << 8 | u64::from(b));
        [be(&self.0[..6]), be(&self.0[6..13]), be(&self.0[13..])]
    }

    /// The limbs as field elements.
    pub fn elements(&self) -> [F; 3] {
        self.limbs().map(F::from_canonical_u64)
    }

    /// The inverse of [`Address::limbs`].
    ///
    /// # Errors
    /// [`AddressError::Limbs`] when a limb is too large.
    pub fn from_limbs(limbs: [u64; 3]) -> Result<Self, AddressError> {
        let [a, b, c] = limbs;
        if a >> 48 != 0 || b >> 56 != 0 || c >> 56 != 0 {
            return Err(AddressError::Limbs(limbs));
        }
        let mut bytes = [0; 20];
        bytes[..6].copy_from_slice(&a.to_be_bytes()[2..]);
        bytes[6..13].copy_from_slice(&b.to_be_bytes()[1..]);
        bytes[13..].copy_from_slice(&c.to_be_bytes()[1..]);
        Ok(Self(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AddressError::Text(text.to_owned());
        let digits = text.strip_prefix("0x").ok_or_else(wrong)?;
        if digits.len() != 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 20];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// Which rollup this is: the L1 chain and the rollup contract's address. Constant for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u64, Address)", try_from = "(u64, Address)")]
pub struct Deployment {
    chain_id: u64,
    rollup: Address,
}

impl Deployment {
    /// # Errors
    /// [`AddressError::ChainId`] from 2^56 on.
    pub fn new(chain_id: u64, rollup: Address) -> Result<Self, AddressError> {
        if chain_id >> 56 != 0 {
            return Err(AddressError::ChainId(chain_id));
        }
        Ok(Self { chain_id, rollup })
    }

    /// The L1's chain id, below 2^56.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The rollup contract.
    pub fn rollup(&self) -> Address {
        self.rollup
    }

    /// [chain id, address limbs of 6, 7 and 7 bytes].
    pub fn elements(&self) -> [F; 4] {
        let [a, b, c] = self.rollup.elements();
        [F::from_canonical_u64(self.chain_id), a, b, c]
    }
}

impl From<Deployment> for (u64, Address) {
    fn from(deployment: Deployment) -> Self {
        (deployment.chain_id, deployment.rollup)
    }
}

impl TryFrom<(u64, Address)> for Deployment {
    type Error = AddressError;

    fn try_from((chain_id, rollup): (u64, Address)) -> Result<Self, AddressError> {
        Self::new(chain_id, rollup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limbs_and_text_round_trip() {
        let address: Address = "0x000102030405060708090a0b0c0d0e0f10111213".parse().unwrap();
        assert_eq!(address.limbs(), [0x000102030405, 0x060708090a0b0c, 0x0d0e0f10111213]);
        assert_eq!(Address::from_limbs(address.limbs()).unwrap(), address);
        assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
    }

    #[test]
    fn wide_limbs_and_wrong_text_are_refused() {
        assert!(Address::from_limbs([1 << 48, 0, 0]).is_err());
        assert!(Address::from_limbs([0, 1 << 56, 0]).is_err());
        assert!(Address::from_limbs([0, 0, 1 << 56]).is_err());
        for text in [
            "",
            "0x",
            "000102030405060708090a0b0c0d0e0f10111213",
            "0x000102030405060708090a0b0c0d0e0f1011121g",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        assert!(Deployment::new(1 << 56, Address::ZERO).is_err());
    }
}
