//! Sparse Merkle trees of depth 24 in memory.
//!
//! Indices are handed out in order, so each level is a dense prefix; whatever lies beyond it is an empty subtree whose
//! hash is known. An update costs 24 nodes, a read of the root none.

mod opening;

pub use opening::Opening;

use crate::Digest;
use crate::hash::node;
use crate::state::{Index, Leaf, TREE_DEPTH};

/// An index that no tree of depth 24 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("index {0} is outside the tree: it must be below 2^24")]
pub struct IndexError(pub Index);

/// A sparse Merkle tree of depth 24 with leaves of type `L`; an unused leaf is `L::default()`.
#[derive(Clone, Debug)]
pub struct Tree<L> {
    leaves: Vec<L>,
    /// `nodes[k]`: the hashes at height k (0: leaves), a dense prefix.
    nodes: Vec<Vec<Digest>>,
    /// `empty[k]`: the hash of an unused subtree of height k.
    empty: Vec<Digest>,
}

impl<L: Leaf> Default for Tree<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Leaf> Tree<L> {
    /// All leaves unused.
    pub fn new() -> Self {
        let mut empty = vec![L::default().hash()];
        for k in 0..TREE_DEPTH {
            empty.push(node(L::NODE_TAG, empty[k], empty[k]));
        }
        Self { leaves: Vec::new(), nodes: vec![Vec::new(); TREE_DEPTH + 1], empty }
    }

    /// The tree with these leaves at indices 0, 1, ...
    ///
    /// # Errors
    /// [`IndexError`] for more than 2^24 leaves.
    pub fn from_leaves(leaves: Vec<L>) -> Result<Self, IndexError> {
        if leaves.len() > 1 << TREE_DEPTH {
            return Err(IndexError(1 << TREE_DEPTH));
        }
        let mut tree = Self::new();
        tree.nodes[0] = leaves.iter().map(Leaf::hash).collect();
        for k in 0..TREE_DEPTH {
            let level = tree.nodes[k]
                .chunks(2)
                .map(|pair| node(L::NODE_TAG, pair[0], pair.get(1).copied().unwrap_or(tree.empty[k])))
                .collect();
            tree.nodes[k + 1] = level;
        }
        tree.leaves = leaves;
        Ok(tree)
    }

    /// The root.
    pub fn root(&self) -> Digest {
        self.at(TREE_DEPTH, 0)
    }

    /// The leaf at `index`; an unused one beyond those that were set.
    pub fn get(&self, index: Index) -> L {
        self.leaves.get(index as usize).cloned().unwrap_or_default()
    }

    /// The leaves that were set, a dense prefix.
    pub fn leaves(&self) -> &[L] {
        &self.leaves
    }

    /// Replaces the leaf at `index`.
    ///
    /// # Errors
    /// [`IndexError`] from 2^24 on.
    pub fn set(&mut self, index: Index, leaf: L) -> Result<(), IndexError> {
        let mut i = index as usize;
        if i >> TREE_DEPTH != 0 {
            return Err(IndexError(index));
        }
        if i >= self.leaves.len() {
            self.leaves.resize(i + 1, L::default());
        }
        let mut digest = leaf.hash();
        self.leaves[i] = leaf;
        for k in 0..TREE_DEPTH {
            self.put(k, i, digest);
            let (left, right) = (self.at(k, i & !1), self.at(k, i | 1));
            digest = node(L::NODE_TAG, left, right);
            i >>= 1;
        }
        self.put(TREE_DEPTH, 0, digest);
        Ok(())
    }

    /// The 24 siblings of the leaf at `index`, lowest first.
    ///
    /// # Errors
    /// [`IndexError`] from 2^24 on.
    pub fn open(&self, index: Index) -> Result<Opening, IndexError> {
        if index >> TREE_DEPTH != 0 {
            return Err(IndexError(index));
        }
        let siblings = core::array::from_fn(|k| self.at(k, (index as usize >> k) ^ 1));
        Ok(Opening { index, siblings })
    }

    fn at(&self, height: usize, i: usize) -> Digest {
        self.nodes[height].get(i).copied().unwrap_or(self.empty[height])
    }

    fn put(&mut self, height: usize, i: usize, digest: Digest) {
        let level = &mut self.nodes[height];
        if i >= level.len() {
            level.resize(i + 1, self.empty[height]);
        }
        level[i] = digest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Amount;
    use crate::state::{Account, Job};

    fn account(units: u64) -> Account {
        Account { balance: Amount::new(units).unwrap(), ..Account::default() }
    }

    #[test]
    fn an_empty_tree_is_the_tree_of_unused_leaves() {
        let mut tree = Tree::<Account>::new();
        let root = tree.root();
        tree.set(77, Account::default()).unwrap();
        assert_eq!(tree.root(), root);
        assert_ne!(root, Tree::<Job>::new().root(), "trees are separated by their tags");
    }

    #[test]
    fn indices_beyond_the_tree_are_refused() {
        let mut tree = Tree::<Account>::new();
        assert_eq!(tree.set(1 << 24, account(1)), Err(IndexError(1 << 24)));
        assert!(tree.open(1 << 24).is_err());
        assert!(tree.open((1 << 24) - 1).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn openings_hold_and_updates_agree_with_a_rebuild(
            writes in prop::collection::vec((0u32..40, 0u64..1000), 1..12),
            forged in 0u64..1000,
        ) {
            let mut tree = Tree::<Account>::new();
            for (index, units) in writes {
                let opening = tree.open(index).unwrap();
                let old = tree.get(index);
                prop_assert_eq!(opening.root::<Account>(old.hash()), tree.root());
                let new = account(units);
                let expected = opening.root::<Account>(new.hash());
                tree.set(index, new).unwrap();
                prop_assert_eq!(tree.root(), expected);
                if forged != units {
                    prop_assert_ne!(opening.root::<Account>(account(forged).hash()), tree.root());
                }
            }
            let rebuilt = Tree::from_leaves(tree.leaves().to_vec()).unwrap();
            prop_assert_eq!(rebuilt.root(), tree.root());
        }
    }
}
