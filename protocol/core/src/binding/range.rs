//! A range of batches: the list of (D, r, f), its digest D* and its fingerprint f*(r*).

use plonky2::field::types::{Field, PrimeField64};
use serde::{Deserialize, Serialize};

use super::{fold, range_challenge};
use crate::hash::Sponge;
use crate::state::RunState;
use crate::{Deployment, Digest, F};

/// One batch of a range: 8 elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchEntry {
    /// D.
    pub digest: Digest,
    /// r.
    pub r: [F; 2],
    /// f(r).
    pub f: [F; 2],
}

impl BatchEntry {
    /// D[4] ++ r[2] ++ f[2].
    pub fn elements(&self) -> [F; 8] {
        let [d0, d1, d2, d3] = self.digest.0;
        [d0, d1, d2, d3, self.r[0], self.r[1], self.f[0], self.f[1]]
    }
}

/// A range of batches, bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// D*.
    pub digest: Digest,
    /// r*.
    pub r_star: [F; 2],
    /// f*(r*).
    pub f_star: [F; 2],
}

impl Range {
    /// Of these batches in order, as the contract and the circuits compute it.
    pub fn of(batches: &[BatchEntry], deployment: &Deployment) -> Self {
        let mut sponge = Sponge::list();
        let mut bytes = Vec::with_capacity(64 * batches.len());
        for batch in batches {
            let elements = batch.elements();
            sponge.absorb(&elements);
            elements.iter().for_each(|x| bytes.extend(x.to_canonical_u64().to_be_bytes()));
        }
        let digest = list_digest(sponge, batches.len() as u64);
        let r_star = range_challenge(digest, &bytes, deployment);
        let f_star = batches.iter().fold([F::ZERO; 2], |f, batch| fold(f, r_star, &batch.elements()));
        Self { digest, r_star, f_star }
    }
}

/// D*: the list's digest after its last block `[n, 0, ..., 0]`.
fn list_digest(mut sponge: Sponge, len: u64) -> Digest {
    let mut last = [F::ZERO; 8];
    last[0] = F::from_canonical_u64(len);
    sponge.absorb(&last);
    sponge.digest()
}

impl RunState {
    /// D* of the list so far.
    pub fn range_digest(&self) -> Digest {
        list_digest(self.list, self.list_len)
    }
}

/// Appends a batch to the run state's list.
pub(crate) fn absorb_list(run: &mut RunState, digest: Digest, r: [F; 2], f: [F; 2]) {
    let elements = BatchEntry { digest, r, f }.elements();
    run.list.absorb(&elements);
    run.f_star = fold(run.f_star, run.r_star, &elements);
    run.list_len += 1;
}
