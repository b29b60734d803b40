//! `Withdraw`: money to an L1 address.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};
use crate::{Address, Amount};

/// Takes `value` out of the ledger; once proven, `address` claims it on L1. Signed by the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdraw {
    /// Paid on top, below 2^48.
    pub fee: Amount,
    /// Who pays.
    pub account: Index,
    /// How much.
    pub value: Amount,
    /// Who gets it on L1; not zero.
    pub address: Address,
}

impl Layout for Withdraw {
    const KIND: Kind = Kind::Withdraw;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, a: self.account, value: self.value, ..Raw::new(Self::KIND) };
        raw.payload[..3].copy_from_slice(&self.address.limbs());
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        let [a, b, c, _] = raw.limbs4(0);
        let address =
            Address::from_limbs([a, b, c]).map_err(|_| StreamError::NonCanonical { kind: Self::KIND })?;
        Ok(Self { fee: raw.fee, account: raw.a, value: raw.value, address })
    }
}
