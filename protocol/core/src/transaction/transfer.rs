//! `Transfer`: money from one account to another.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::Amount;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};

/// Moves `value` from `from` to `to`; signed by the owner of `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Paid on top, below 2^48.
    pub fee: Amount,
    /// Who pays.
    pub from: Index,
    /// Who gets it; may be `from`, which then only pays the fee.
    pub to: Index,
    /// How much; zero is allowed and moves nothing.
    pub value: Amount,
}

impl Layout for Transfer {
    const KIND: Kind = Kind::Transfer;

    fn write(&self) -> Result<Raw, StreamError> {
        Ok(Raw { fee: self.fee, a: self.from, b: self.to, value: self.value, ..Raw::new(Self::KIND) })
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self { fee: raw.fee, from: raw.a, to: raw.b, value: raw.value })
    }
}
