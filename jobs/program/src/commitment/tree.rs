//! The Merkle tree over the digests of a tensor's rows.
//!
//! Its depth is fixed (by the program for activations, by the number of rows for constants), so an opening has
//! the same length for every row and every job. Leaves beyond the last row are [`EMPTY`], which is no row's
//! digest; a subtree of them is not stored.

use janction_protocol::{
    Digest,
    hash::{node, tag},
};
use thiserror::Error;

use crate::tensor::DType;

/// The leaf where there is no row.
pub const EMPTY: Digest = Digest::ZERO;

/// A tree that cannot be made, or a leaf that it does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// More rows than leaves.
    #[error("{rows} rows do not fit a row tree of depth {depth}; compile the program with a greater depth")]
    TooManyRows {
        /// Number of rows.
        rows: usize,
        /// Depth of the tree.
        depth: u8,
    },
    /// No row at all.
    #[error("a tensor without rows cannot be committed to")]
    NoRows,
    /// Cells that are no activation's.
    #[error("cells of {dtype} cannot be committed to as an activation: it has cells of 8 bits")]
    Type {
        /// Type of the tensor.
        dtype: DType,
    },
    /// No such row.
    #[error("row {row} does not exist: the tensor has {rows}")]
    NoSuchRow {
        /// The row asked for.
        row: usize,
        /// Number of rows.
        rows: usize,
    },
}

/// A Merkle tree over row digests. Leaf i stands at the path bits of i, least significant bit at the lowest level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTree {
    /// `levels[0]` are the leaves; each level stops at the last node with a row below it.
    levels: Vec<Vec<Digest>>,
    /// `empty[l]`: a node of level l without rows below it.
    empty: Vec<Digest>,
}

impl RowTree {
    /// The tree of depth `depth` over `leaves`.
    ///
    /// # Errors
    /// When there are no leaves, or more than 2^depth.
    pub fn new(leaves: Vec<Digest>, depth: u8) -> Result<Self, TreeError> {
        Self::with_parents(leaves, depth, parents)
    }

    /// The same, its levels hashed elsewhere: `parents` takes a level and the node that stands where that has none, and gives
    /// the level above, of half as many nodes, rounded up. It is taken at its word, as row digests are.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_parents(
        leaves: Vec<Digest>,
        depth: u8,
        parents: impl Fn(&[Digest], Digest) -> Vec<Digest>,
    ) -> Result<Self, TreeError> {
        let rows = leaves.len();
        if rows == 0 {
            return Err(TreeError::NoRows);
        }
        if depth < usize::BITS as u8 && rows > 1usize << depth {
            return Err(TreeError::TooManyRows { rows, depth });
        }
        Ok(Self::levels_over(leaves, depth, parents))
    }

    /// The tree over leaves that are known to fit.
    pub(crate) fn of_fitting(leaves: Vec<Digest>, depth: u8) -> Self {
        Self::levels_over(leaves, depth, parents)
    }

    fn levels_over(
        leaves: Vec<Digest>,
        depth: u8,
        parents: impl Fn(&[Digest], Digest) -> Vec<Digest>,
    ) -> Self {
        let mut empty = vec![EMPTY];
        let mut levels = vec![leaves];
        for level in 0..usize::from(depth) {
            let blank = empty[level];
            levels.push(parents(&levels[level], blank));
            empty.push(node(tag::NODE_ROW, blank, blank));
        }
        Self { levels, empty }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.levels[self.levels.len() - 1][0]
    }

    /// Depth: the length of every path.
    #[must_use]
    pub fn depth(&self) -> u8 {
        (self.levels.len() - 1) as u8
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.levels[0].len()
    }

    /// The leaves: one digest a row.
    #[must_use]
    pub fn leaves(&self) -> &[Digest] {
        &self.levels[0]
    }

    /// The node of level `level` (0: leaves) and index `index` in it.
    ///
    /// # Panics
    /// When `level` is above the root's.
    #[must_use]
    pub fn node(&self, level: usize, index: usize) -> Digest {
        self.levels[level].get(index).copied().unwrap_or(self.empty[level])
    }

    /// The siblings from leaf `row` up to below the root.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn path(&self, row: usize) -> Result<Vec<Digest>, TreeError> {
        if row >= self.rows() {
            return Err(TreeError::NoSuchRow { row, rows: self.rows() });
        }
        Ok((0..self.levels.len() - 1).map(|level| self.node(level, (row >> level) ^ 1)).collect())
    }
}

/// The level above `children`.
fn parents(children: &[Digest], blank: Digest) -> Vec<Digest> {
    let parent = |pair: &[Digest]| node(tag::NODE_ROW, pair[0], pair.get(1).copied().unwrap_or(blank));
    children.chunks(2).map(parent).collect()
}

/// The root that leaf `leaf` at index `index` and its siblings `path`, lowest first, make. Bits of the index
/// beyond the path's length are the caller's to check.
#[must_use]
pub fn fold_path(leaf: Digest, index: usize, path: &[Digest]) -> Digest {
    path.iter().enumerate().fold(leaf, |below, (level, &sibling)| {
        let right = index.checked_shr(level as u32).unwrap_or(0) & 1 == 1;
        if right { node(tag::NODE_ROW, sibling, below) } else { node(tag::NODE_ROW, below, sibling) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{commitment::row_digest, tensor::Cells};

    fn leaves(count: u8) -> Vec<Digest> {
        (0..count).map(|i| row_digest(&Cells::U8(vec![i]))).collect()
    }

    /// The tree with every empty leaf written out.
    fn full_root(mut level: Vec<Digest>, depth: u8) -> Digest {
        level.resize(1 << depth, EMPTY);
        for _ in 0..depth {
            level = level.chunks(2).map(|pair| node(tag::NODE_ROW, pair[0], pair[1])).collect();
        }
        level[0]
    }

    #[test]
    fn equals_the_padded_tree_and_opens() {
        for (count, depth) in [(1, 0), (1, 3), (2, 1), (3, 2), (5, 3), (5, 6), (8, 3)] {
            let tree = RowTree::new(leaves(count), depth).unwrap();
            assert_eq!(tree.root(), full_root(leaves(count), depth), "{count} leaves, depth {depth}");
            for row in 0..count.into() {
                let path = tree.path(row).unwrap();
                assert_eq!(path.len(), depth.into());
                assert_eq!(fold_path(tree.leaves()[row], row, &path), tree.root());
            }
        }
    }

    #[test]
    fn limits_are_errors() {
        assert_eq!(RowTree::new(vec![], 3), Err(TreeError::NoRows));
        assert_eq!(RowTree::new(leaves(5), 2), Err(TreeError::TooManyRows { rows: 5, depth: 2 }));
        let tree = RowTree::new(leaves(5), 3).unwrap();
        assert_eq!(tree.path(5), Err(TreeError::NoSuchRow { row: 5, rows: 5 }));
    }

    #[test]
    fn an_opening_at_another_index_fails() {
        let tree = RowTree::new(leaves(5), 3).unwrap();
        let path = tree.path(2).unwrap();
        assert_ne!(fold_path(tree.leaves()[2], 3, &path), tree.root());
    }
}
