//! `Stake`: a unit's balance becomes stake.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::Amount;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};

/// A unit's balance becomes stake, at once. Signed by the unit's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stake {
    /// Paid from the balance, below 2^48.
    pub fee: Amount,
    /// The unit.
    pub unit: Index,
    /// How much.
    pub value: Amount,
}

impl Layout for Stake {
    const KIND: Kind = Kind::Stake;

    fn write(&self) -> Result<Raw, StreamError> {
        Ok(Raw { fee: self.fee, a: self.unit, value: self.value, ..Raw::new(Self::KIND) })
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self { fee: raw.fee, unit: raw.a, value: raw.value })
    }
}
