//! `RevealBid`: a unit opens its commitment.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::Amount;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};

/// Opens the seal; the auction takes the bid in. Signed by the unit's owner or operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevealBid {
    /// Below 2^30.
    pub fee: Amount,
    /// Who bid.
    pub unit: Index,
    /// For which job.
    pub job: Index,
    /// At most the job's budget.
    pub price: Amount,
    /// The seal's salt: 28 random bytes as 7-byte limbs.
    pub salt: [u64; 4],
}

impl Layout for RevealBid {
    const KIND: Kind = Kind::RevealBid;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, a: self.unit, value: self.price, ..Raw::new(Self::KIND) };
        raw.put_upper(0, "job", self.job)?;
        raw.payload[1..5].copy_from_slice(&self.salt);
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self { fee: raw.fee, unit: raw.a, job: raw.upper(0), price: raw.value, salt: raw.limbs4(1) })
    }
}
