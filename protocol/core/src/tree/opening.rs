//! The opening of one leaf: its siblings up to the root.

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::hash::node;
use crate::state::{Index, Leaf, TREE_DEPTH};

/// The 24 siblings of a leaf, lowest first. They serve the leaf before and after a write alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The leaf's index, below 2^24; its least significant bit is the lowest level of the path.
    pub index: Index,
    /// Siblings from the leaf's own up to the root's child.
    pub siblings: [Digest; TREE_DEPTH],
}

impl Opening {
    /// The root of the tree in which a leaf with hash `leaf` stands at `index` among these siblings.
    pub fn root<L: Leaf>(&self, leaf: Digest) -> Digest {
        self.siblings.iter().enumerate().fold(leaf, |digest, (k, &sibling)| {
            if self.index >> k & 1 == 0 {
                node(L::NODE_TAG, digest, sibling)
            } else {
                node(L::NODE_TAG, sibling, digest)
            }
        })
    }
}
