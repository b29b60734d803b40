//! `Deposit`: JCT that was paid on L1, for a key.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::Amount;
use crate::state::{Index, Key};
use crate::stream::{Kind, Raw, StreamError};

/// From L1: credits the account `hint` when its owner is `key`, else creates a wallet. Never fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// The account that the depositor named (0: none), below 2^24.
    pub hint: Index,
    /// Whose money it is.
    pub key: Key,
    /// How much.
    pub value: Amount,
}

impl Layout for Deposit {
    const KIND: Kind = Kind::Deposit;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { a: self.hint, value: self.value, ..Raw::new(Self::KIND) };
        raw.put_elements(0, &self.key.0);
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self { hint: raw.a, key: Key(raw.elements(0)?), value: raw.value })
    }
}
