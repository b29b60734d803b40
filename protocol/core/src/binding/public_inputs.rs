//! The 23 public inputs of the final proof.

use plonky2::field::types::PrimeField64;
use serde::{Deserialize, Serialize};

use super::Range;
use crate::{Address, Deployment, Digest, F};

/// How many there are.
pub const PUBLIC_INPUTS: usize = 23;

/// What the final proof says, in the order of its instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicInputs {
    /// 0..4: the ledger root before the range.
    pub old_root: Digest,
    /// 4..8: the ledger root after it.
    pub new_root: Digest,
    /// 8..16: D*, r*, f*(r*).
    pub range: Range,
    /// 16..19: who is paid for the proof, as limbs of 6, 7 and 7 bytes.
    pub payee: Address,
    /// 19..23: chain id and rollup.
    pub deployment: Deployment,
}

impl PublicInputs {
    /// The 23 elements.
    pub fn elements(&self) -> [F; PUBLIC_INPUTS] {
        let mut elements = Vec::with_capacity(PUBLIC_INPUTS);
        elements.extend(self.old_root.0);
        elements.extend(self.new_root.0);
        elements.extend(self.range.digest.0);
        elements.extend(self.range.r_star);
        elements.extend(self.range.f_star);
        elements.extend(self.payee.elements());
        elements.extend(self.deployment.elements());
        core::array::from_fn(|i| elements[i])
    }

    /// The elements as canonical integers.
    pub fn to_u64s(&self) -> [u64; PUBLIC_INPUTS] {
        self.elements().map(|x| x.to_canonical_u64())
    }
}
