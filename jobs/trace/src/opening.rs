//! One committed row and the proof that it is under a root.

use janction_program::{
    Cells, DType,
    commitment::{TreeError, fold_path, row_digest},
};
use janction_protocol::Digest;
use thiserror::Error;

use crate::trace::CommittedTensor;

/// An opening that does not show what it should.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpeningError {
    /// The path has not the tree's depth.
    #[error("the path of row {row} has {got} nodes; the tree's depth is {expected}")]
    PathLength {
        /// The row.
        row: usize,
        /// Depth of the tree.
        expected: u8,
        /// Nodes in the path.
        got: usize,
    },
    /// The row's number does not fit the tree.
    #[error("row {row} does not exist in a tree of depth {depth}")]
    Row {
        /// The row.
        row: usize,
        /// Depth of the tree.
        depth: u8,
    },
    /// The row is of another type or length than the tensor's.
    #[error("row {row} has {got_columns} cells of {got}; the tensor's rows have {columns} of {expected}")]
    Shape {
        /// The row.
        row: usize,
        /// Type of the tensor.
        expected: DType,
        /// Cells in a row of the tensor.
        columns: usize,
        /// Type of the opened row.
        got: DType,
        /// Cells in the opened row.
        got_columns: usize,
    },
    /// Row and path do not make the root.
    #[error("row {row} with its path makes the root {got}, not {expected}")]
    Root {
        /// The row.
        row: usize,
        /// The committed root.
        expected: Digest,
        /// What row and path make.
        got: Digest,
    },
}

/// A row with its Merkle path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOpening {
    /// Number of the row.
    pub row: usize,
    /// Its cells.
    pub cells: Cells,
    /// The siblings from the leaf up to below the root.
    pub path: Vec<Digest>,
}

impl RowOpening {
    /// Opens row `row` of `tensor`.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn open(tensor: &CommittedTensor, row: usize) -> Result<Self, TreeError> {
        let path = tensor.tree().path(row)?;
        Ok(Self { row, cells: tensor.tensor().row(row), path })
    }

    /// Checks that this is row `self.row` of the tensor of type `dtype` and `columns` cells a row that was committed
    /// to as `root` with a tree of depth `depth`.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify(&self, root: Digest, dtype: DType, columns: usize, depth: u8) -> Result<(), OpeningError> {
        let row = self.row;
        if self.path.len() != usize::from(depth) {
            return Err(OpeningError::PathLength { row, expected: depth, got: self.path.len() });
        }
        if depth < usize::BITS as u8 && row >> depth != 0 {
            return Err(OpeningError::Row { row, depth });
        }
        if self.cells.dtype() != dtype || self.cells.len() != columns {
            return Err(OpeningError::Shape {
                row,
                expected: dtype,
                columns,
                got: self.cells.dtype(),
                got_columns: self.cells.len(),
            });
        }
        let got = fold_path(row_digest(&self.cells), row, &self.path);
        if got != root {
            return Err(OpeningError::Root { row, expected: root, got });
        }
        Ok(())
    }
}
