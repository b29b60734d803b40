//! `Submit`: the winner commits to trace and output.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};
use crate::{Amount, Digest};

/// Stores the roots and starts the wait for the beacon (or, under `full`, the proving window). Signed by the winner's
/// owner or operator. An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    /// Below 2^30.
    pub fee: Amount,
    /// The winner.
    pub unit: Index,
    /// The job.
    pub job: Index,
    /// Root over the execution trace.
    pub trace_root: Digest,
    /// Root over the rows of the output.
    pub output_root: Digest,
}

impl Layout for Submit {
    const KIND: Kind = Kind::Submit;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, a: self.unit, ..Raw::new(Self::KIND) };
        raw.put_upper(0, "job", self.job)?;
        raw.put_elements(1, &self.trace_root.0);
        raw.put_elements(9, &self.output_root.0);
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self {
            fee: raw.fee,
            unit: raw.a,
            job: raw.upper(0),
            trace_root: Digest(raw.elements(1)?),
            output_root: Digest(raw.elements(9)?),
        })
    }
}
