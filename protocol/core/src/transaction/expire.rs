//! `Expire`: ends an overdue job.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::Amount;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};

/// Refunds the developer and slashes the winner if it is to blame. Unsigned, by anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expire {
    /// The job's fee.
    pub fee: Amount,
    /// The job.
    pub job: Index,
}

impl Layout for Expire {
    const KIND: Kind = Kind::Expire;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, ..Raw::new(Self::KIND) };
        raw.put_upper(0, "job", self.job)?;
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self { fee: raw.fee, job: raw.upper(0) })
    }
}
