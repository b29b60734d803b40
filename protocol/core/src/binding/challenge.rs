//! r and r*: keccak-derived points, as the contract derives them.

use plonky2::field::types::Field;
use sha3::{Digest as _, Keccak256};

use crate::{Deployment, Digest, F};

/// The point at which a batch's fingerprint is taken: from `keccak256("janction/r/1", D, keccak256(stream), chain id as
/// uint256, rollup)`.
pub fn challenge(digest: Digest, stream: &[u8], deployment: &Deployment) -> [F; 2] {
    derive(b"janction/r/1", digest, stream, deployment)
}

/// The point at which a range's fingerprint is taken; `list` is the 8 n elements of the list as big-endian u64.
pub fn range_challenge(digest: Digest, list: &[u8], deployment: &Deployment) -> [F; 2] {
    derive(b"janction/r*/1", digest, list, deployment)
}

fn derive(domain: &[u8], digest: Digest, data: &[u8], deployment: &Deployment) -> [F; 2] {
    let mut chain_id = [0; 32];
    chain_id[24..].copy_from_slice(&deployment.chain_id().to_be_bytes());
    let h = Keccak256::new()
        .chain_update(domain)
        .chain_update(digest.to_bytes())
        .chain_update(Keccak256::digest(data))
        .chain_update(chain_id)
        .chain_update(deployment.rollup().0)
        .finalize();
    let word = |at: usize| h[at..at + 8].iter().fold(0u64, |x, &b| x << 8 | u64::from(b));
    [F::from_noncanonical_u64(word(0)), F::from_noncanonical_u64(word(8))]
}
