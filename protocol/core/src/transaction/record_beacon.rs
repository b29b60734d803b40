//! `RecordBeacon`: L1 randomness for a submitted job.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::state::{Index, TIME_BITS};
use crate::stream::{Kind, Raw, StreamError, fits, halves, join, upper_lower};
use crate::{Amount, Digest};

/// From L1: sets the beacon of a job that waits for one, if it is for the trace that the job holds. Never fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordBeacon {
    /// The job, below 2^24.
    pub job: Index,
    /// The trace root that the beacon was derived with: a record for a trace that was reverted changes nothing.
    pub trace_root: Digest,
    /// The beacon's first 28 bytes as 7-byte limbs.
    pub beacon: [u64; 4],
    /// L1 time of the record, below 2^39.
    pub time: u64,
}

impl Layout for RecordBeacon {
    const KIND: Kind = Kind::RecordBeacon;

    fn write(&self) -> Result<Raw, StreamError> {
        fits("L1 time of a beacon", self.time, TIME_BITS as u32)?;
        let mut raw = Raw { value: Amount::new(self.time).unwrap_or_default(), ..Raw::new(Self::KIND) };
        raw.put_upper(0, "job", self.job)?;
        raw.payload[1..5].copy_from_slice(&self.beacon);
        let [first, rest @ ..] = self.trace_root.0.map(halves);
        // The first half shares its limb with the job, so that a record takes two blocks.
        raw.payload[0] |= first.0;
        raw.payload[5] = first.1;
        for (i, (hi, lo)) in rest.into_iter().enumerate() {
            raw.payload[6 + 2 * i] = hi;
            raw.payload[7 + 2 * i] = lo;
        }
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        let half = |i: usize| upper_lower(raw.payload[if i == 0 { 0 } else { 4 + i }]).1;
        let mut trace_root = Digest::ZERO;
        for (i, element) in trace_root.0.iter_mut().enumerate() {
            let joined = join(half(2 * i), half(2 * i + 1));
            *element = joined.ok_or(StreamError::NonCanonical { kind: Self::KIND })?;
        }
        Ok(Self { job: raw.upper(0), trace_root, beacon: raw.limbs4(1), time: raw.value.units() })
    }
}
