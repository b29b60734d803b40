//! One committed row and the proof that it is under a root.

use janction_program::{
    Cells, DType, Program, Value,
    commitment::{TreeError, fold_path},
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
    /// Another number of rows than the row's block has.
    #[error("row {row} lies in a block of {expected} rows; {got} were opened")]
    Block {
        /// The row.
        row: usize,
        /// Rows of the block.
        expected: usize,
        /// Rows opened.
        got: usize,
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

/// A row with its Merkle path. By scheme 2 the leaf is made of a block of rows, and all of these are opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOpening {
    /// Number of the row.
    pub row: usize,
    /// Its cells.
    pub cells: Cells,
    /// The other rows of its block, in order; none by scheme 1.
    pub others: Vec<Cells>,
    /// The siblings from the leaf up to below the root.
    pub path: Vec<Digest>,
}

/// The rows of the block of row `row` in a job of `rows` rows.
#[must_use]
pub fn block_of(program: &Program, row: usize, rows: usize) -> std::ops::Range<usize> {
    let size = program.scheme().block_rows();
    let first = row / size * size;
    first..(first + size).min(rows)
}

impl RowOpening {
    /// Opens row `row` of `tensor`, one of a run of `program`.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn open(program: &Program, tensor: &CommittedTensor, row: usize) -> Result<Self, TreeError> {
        let rows = tensor.tensor().rows();
        if row >= rows {
            return Err(TreeError::NoSuchRow { row, rows });
        }
        let path = tensor.tree().path(row >> program.scheme().block_bits())?;
        let others =
            block_of(program, row, rows).filter(|&i| i != row).map(|i| tensor.tensor().row(i)).collect();
        Ok(Self { row, cells: tensor.tensor().row(row), others, path })
    }

    /// All rows of the block, in order; a whole one has `block_rows`.
    #[must_use]
    pub fn block_of(&self, block_rows: usize) -> Vec<&Cells> {
        let mut rows: Vec<&Cells> = self.others.iter().collect();
        // Openings of too few rows are refused; here they must not panic.
        rows.insert((self.row % block_rows).min(rows.len()), &self.cells);
        rows
    }

    /// Checks that this is row `self.row` of the tensor of `rows` rows of `value` that was committed to as `root`, by the
    /// scheme of `program`.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify(
        &self,
        program: &Program,
        root: Digest,
        value: &Value,
        rows: usize,
    ) -> Result<(), OpeningError> {
        let (row, depth, bits) = (self.row, program.tree_depth(), program.scheme().block_bits());
        if self.path.len() != usize::from(depth) {
            return Err(OpeningError::PathLength { row, expected: depth, got: self.path.len() });
        }
        if row >= rows || row >> bits >> depth != 0 {
            return Err(OpeningError::Row { row, depth });
        }
        let (expected, got) = (block_of(program, row, rows).len(), self.others.len() + 1);
        if expected != got {
            return Err(OpeningError::Block { row, expected, got });
        }
        let (expected, columns) = (value.dtype, value.columns());
        for cells in std::iter::once(&self.cells).chain(&self.others) {
            if cells.dtype() != expected || cells.len() != columns {
                let (got, got_columns) = (cells.dtype(), cells.len());
                return Err(OpeningError::Shape { row, expected, columns, got, got_columns });
            }
        }
        let leaf = program.scheme().leaf(&self.block_of(program.scheme().block_rows()));
        let got = fold_path(leaf, row >> bits, &self.path);
        if got != root {
            return Err(OpeningError::Root { row, expected: root, got });
        }
        Ok(())
    }
}
