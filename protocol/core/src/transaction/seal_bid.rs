//! `SealBid`: a unit commits to a price.

use serde::{Deserialize, Serialize};

use super::Layout;
use plonky2::field::types::Field;

use crate::hash::{hash, tag};
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError};
use crate::{Amount, Digest, F};

/// Locks the job's stake and stores the commitment. Signed by the unit's owner or operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealBid {
    /// Below 2^30.
    pub fee: Amount,
    /// Who bids.
    pub unit: Index,
    /// For which job.
    pub job: Index,
    /// [`seal`] of unit, job, price and salt; not zero.
    pub seal: Digest,
}

/// The commitment `H(SEAL, [unit, job, price, salt[4]])`. The unit is in it, so that nobody can bid with a copy of
/// another's seal; the salt hides the price.
pub fn seal(unit: Index, job: Index, price: Amount, salt: [u64; 4]) -> Digest {
    let [s0, s1, s2, s3] = salt.map(F::from_noncanonical_u64);
    hash(
        tag::SEAL,
        &[F::from_canonical_u32(unit), F::from_canonical_u32(job), price.element(), s0, s1, s2, s3],
    )
}

impl Layout for SealBid {
    const KIND: Kind = Kind::SealBid;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, a: self.unit, ..Raw::new(Self::KIND) };
        raw.put_upper(0, "job", self.job)?;
        raw.put_elements(1, &self.seal.0);
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self { fee: raw.fee, unit: raw.a, job: raw.upper(0), seal: Digest(raw.elements(1)?) })
    }
}
