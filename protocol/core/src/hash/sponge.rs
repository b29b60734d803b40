//! Sponge, node and chain over the Poseidon permutation.

use plonky2::field::types::Field;
use plonky2::hash::poseidon::Poseidon;
use serde::{Deserialize, Serialize};

use super::{Digest, RATE, WIDTH, tag};
use crate::F;

/// Plonky2's Poseidon permutation of 12 lanes.
pub fn permute(state: [F; WIDTH]) -> [F; WIDTH] {
    F::poseidon(state)
}

/// `H(tag, data)`: type and length stand in the capacity, so no two kinds and no two lengths share an input.
pub fn hash(tag: u64, data: &[F]) -> Digest {
    let mut sponge = Sponge::new(tag, data.len());
    let mut blocks = data.chunks(RATE);
    // At least one permutation, also for no data.
    let first = blocks.next().unwrap_or(&[]);
    for block in core::iter::once(first).chain(blocks) {
        let mut lanes = [F::ZERO; RATE];
        lanes[..block.len()].copy_from_slice(block);
        sponge.absorb(&lanes);
    }
    sponge.digest()
}

/// `N(tree, l, r)`: the inner node of the tree with this node tag.
pub fn node(tree: u64, left: Digest, right: Digest) -> Digest {
    let mut state = [F::ZERO; WIDTH];
    state[..4].copy_from_slice(&left.0);
    state[4..8].copy_from_slice(&right.0);
    state[8] = F::from_canonical_u64(tree);
    let out = permute(state);
    Digest([out[0], out[1], out[2], out[3]])
}

/// `C(tag, c, x) = H(tag, c ++ x)`: one more link of a chain.
pub fn chain(tag: u64, link: Digest, item: Digest) -> Digest {
    let mut data = [F::ZERO; 8];
    data[..4].copy_from_slice(&link.0);
    data[4..].copy_from_slice(&item.0);
    hash(tag, &data)
}

/// The running state of a sponge: 12 lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sponge(pub [F; WIDTH]);

impl Sponge {
    /// `[0; 8] ++ [tag, len, 0, 0]`.
    pub fn new(tag: u64, len: usize) -> Self {
        let mut lanes = [F::ZERO; WIDTH];
        lanes[8] = F::from_canonical_u64(tag);
        lanes[9] = F::from_canonical_u64(len as u64);
        Self(lanes)
    }

    /// Before the first block of a stream; the stream's own first limb holds its length.
    pub fn stream() -> Self {
        Self::new(tag::STREAM, 0)
    }

    /// Before the first batch of a list; the list's last block holds its length.
    pub fn list() -> Self {
        Self::new(tag::LIST, 0)
    }

    /// Overwrites lanes 0..8 and permutes.
    pub fn absorb(&mut self, block: &[F; RATE]) {
        self.0[..RATE].copy_from_slice(block);
        self.0 = permute(self.0);
    }

    /// Lanes 0..4.
    pub fn digest(&self) -> Digest {
        Digest([self.0[0], self.0[1], self.0[2], self.0[3]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(n: u64) -> Vec<F> {
        (1..=n).map(F::from_canonical_u64).collect()
    }

    #[test]
    fn type_and_length_separate() {
        let nine = elements(9);
        assert_ne!(hash(tag::ROW, &nine), hash(tag::TX, &nine));
        let mut padded = nine.clone();
        padded.push(F::ZERO);
        assert_ne!(hash(tag::ROW, &nine), hash(tag::ROW, &padded), "a zero is not padding");
        assert_ne!(hash(tag::ROW, &[]), hash(tag::ROW, &[F::ZERO]));
        assert_ne!(hash(tag::ROW, &[]), Digest::ZERO, "no data is still permuted");
    }

    #[test]
    fn a_leaf_cannot_pose_as_a_node() {
        let (l, r) = (hash(tag::JOB, &elements(2)), hash(tag::JOB, &elements(3)));
        let both: Vec<F> = l.0.into_iter().chain(r.0).collect();
        for (_, leaf_tag) in tag::ALL {
            assert_ne!(node(tag::NODE_JOB, l, r), hash(*leaf_tag, &both));
        }
        assert_ne!(node(tag::NODE_JOB, l, r), node(tag::NODE_ACCOUNT, l, r));
        assert_ne!(node(tag::NODE_JOB, l, r), node(tag::NODE_JOB, r, l));
    }

    /// The hash is consensus: these change only with a new version of the protocol.
    #[test]
    fn golden() {
        let got = [
            hash(tag::STATE, &[]),
            hash(tag::ACCOUNT, &elements(8)),
            hash(tag::JOB, &elements(9)),
            node(tag::NODE_ACCOUNT, Digest::ZERO, Digest::ZERO),
            chain(tag::CLAIMS, Digest::ZERO, Digest::ZERO),
        ]
        .map(|d| d.to_string());
        assert_eq!(got, GOLDEN);
    }

    const GOLDEN: [&str; 5] = [
        "0x2be70d0bdde0b10b59dee5a66eac631e9d73e5cdff6fd8be44232c699014e446",
        "0xcd2106371c258726c380f25e3a4b9208595c26fe0b3fd645e5792d6ba4c49f66",
        "0x885e21889768e266a934e2868b28fd573debb3b93adb482824c29374c1add71d",
        "0x42df9d8dbb87aa75048045f87f15dcb5d982190d5733737f9fcbf06113bb9b54",
        "0xaa64c00afffa160c3e40bc3543566e68149380f73cb7294b794db249924f7f9f",
    ];
}
