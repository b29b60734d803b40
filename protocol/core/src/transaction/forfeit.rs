//! `Forfeit`: ends a seal that was not revealed.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::Amount;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};

/// Burns the bond of a seal whose reveal window is over. Unsigned, by anyone; the fee is the job's and comes out of the
/// bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forfeit {
    /// The job's fee.
    pub fee: Amount,
    /// The unit that did not reveal.
    pub unit: Index,
    /// The job that holds its lock.
    pub job: Index,
}

impl Layout for Forfeit {
    const KIND: Kind = Kind::Forfeit;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, a: self.unit, ..Raw::new(Self::KIND) };
        raw.put_upper(0, "job", self.job)?;
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self { fee: raw.fee, unit: raw.a, job: raw.upper(0) })
    }
}
