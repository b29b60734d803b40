//! `Settle`: ends a proven job; the winner is paid.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};
use crate::{Amount, Digest};

/// Pays the winner and emits the claim that the audit proves. Unsigned, by anyone. An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The job's fee.
    pub fee: Amount,
    /// The job.
    pub job: Index,
    /// What the winner is paid: the job's second price.
    pub price: Amount,
    /// The job's output root, for other contracts.
    pub output_root: Digest,
}

impl Layout for Settle {
    const KIND: Kind = Kind::Settle;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, value: self.price, ..Raw::new(Self::KIND) };
        raw.put_upper(0, "job", self.job)?;
        raw.put_elements(1, &self.output_root.0);
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        let output_root = Digest(raw.elements(1)?);
        Ok(Self { fee: raw.fee, job: raw.upper(0), price: raw.value, output_root })
    }
}
