//! Claims: what a `Settle` demands and an audit proves.

use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};

use crate::hash::{chain, hash, tag};
use crate::state::{Index, Job};
use crate::{Deployment, Digest, F};

/// Elements of a claim.
pub const CLAIM_ELEMENTS: usize = 34;

/// That a job's trace was audited under its policy and found right, in the order of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// 0..4: chain id and rollup.
    pub deployment: Deployment,
    /// 4: the job.
    pub job: Index,
    /// 5: the developer's nonce when it was posted.
    pub nonce: u32,
    /// 6: the unit that is paid.
    pub winner: Index,
    /// 7..11: digest of operations and constants.
    pub program: Digest,
    /// 11..15: digest of the audit key.
    pub audit_key: Digest,
    /// 15..19: root over the rows of the input.
    pub input_root: Digest,
    /// 19: rows of the input.
    pub input_rows: u32,
    /// 20..24: root over the execution trace.
    pub trace_root: Digest,
    /// 24..28: root over the rows of the output.
    pub output_root: Digest,
    /// 28..32: the beacon as 7-byte limbs (zero under `full`).
    pub beacon: [u64; 4],
    /// 32: policy: 0 is `full`, s > 0 is `rows(s)`.
    pub policy: u32,
    /// 33: coverage from zero on: input rows under `full`, draws an operation under `rows`.
    pub coverage: u32,
}

impl Claim {
    /// The claim that settling `job` (at index `index`) demands.
    pub fn of(deployment: Deployment, index: Index, job: &Job) -> Self {
        Self {
            deployment,
            job: index,
            nonce: job.nonce,
            winner: job.winner,
            program: job.program,
            audit_key: job.audit_key,
            input_root: job.input_root,
            input_rows: job.input_rows,
            trace_root: job.trace_root,
            output_root: job.output_root,
            beacon: job.beacon,
            policy: job.policy,
            coverage: if job.is_full() { job.input_rows } else { job.policy },
        }
    }

    /// The 34 elements.
    pub fn elements(&self) -> [F; CLAIM_ELEMENTS] {
        let int = F::from_canonical_u32;
        let mut elements = Vec::with_capacity(CLAIM_ELEMENTS);
        elements.extend(self.deployment.elements());
        elements.extend([int(self.job), int(self.nonce), int(self.winner)]);
        elements.extend(self.program.0);
        elements.extend(self.audit_key.0);
        elements.extend(self.input_root.0);
        elements.push(int(self.input_rows));
        elements.extend(self.trace_root.0);
        elements.extend(self.output_root.0);
        elements.extend(self.beacon.map(F::from_canonical_u64));
        elements.extend([int(self.policy), int(self.coverage)]);
        core::array::from_fn(|i| elements[i])
    }

    /// `H(CLAIM, elements)`.
    pub fn digest(&self) -> Digest {
        hash(tag::CLAIM, &self.elements())
    }

    /// `C(CLAIMS, link, digest)`: the chain with this claim appended.
    pub fn append_to(&self, link: Digest) -> Digest {
        chain(tag::CLAIMS, link, self.digest())
    }
}
