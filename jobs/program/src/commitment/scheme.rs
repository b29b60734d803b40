//! The commitment schemes: what the leaves of a tensor's tree are.

use std::fmt;

use janction_protocol::Digest;

use super::{row_digest, row_digests, sketch};
use crate::error::ProgramError;
use crate::limits::{MAX_BLOCK_BITS, MAX_BLOCK_POLYNOMIALS};
use crate::program::Value;
use crate::tensor::{Cells, Tensor};

/// How the activations of a program are committed to. A part of the job binary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Scheme 1: a leaf is the Poseidon hash of a packed row.
    #[default]
    Rows,
    /// Scheme 2: a leaf is the Poseidon hash of the [`sketch`] of a block of rows. An opening of a row opens its block.
    Sketch {
        /// log2 of the rows in a block; the last block may have fewer.
        block_bits: u8,
    },
}

impl Scheme {
    /// Code of [`Self::Rows`].
    pub const ROWS: u8 = 1;
    /// Code of [`Self::Sketch`].
    pub const SKETCH: u8 = 2;

    /// Every scheme that a program with an activation of `columns` cells a row can have.
    pub fn all_for(columns: usize) -> impl Iterator<Item = Self> {
        let sketches = (0..=MAX_BLOCK_BITS)
            .filter(move |bits| sketch::polynomials(columns) << bits <= MAX_BLOCK_POLYNOMIALS);
        std::iter::once(Self::Rows).chain(sketches.map(|block_bits| Self::Sketch { block_bits }))
    }

    /// Number of the scheme in the container.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Rows => Self::ROWS,
            Self::Sketch { .. } => Self::SKETCH,
        }
    }

    /// log2 of the rows that a leaf is made of.
    #[must_use]
    pub const fn block_bits(self) -> u8 {
        match self {
            Self::Rows => 0,
            Self::Sketch { block_bits } => block_bits,
        }
    }

    /// Rows that a leaf is made of.
    #[must_use]
    pub const fn block_rows(self) -> usize {
        1 << self.block_bits()
    }

    /// Leaves of a tensor of `rows` rows.
    #[must_use]
    pub const fn leaf_count(self, rows: usize) -> usize {
        rows.div_ceil(self.block_rows())
    }

    /// The leaves of `tensor`, in order.
    #[must_use]
    pub fn leaves(self, tensor: &Tensor) -> Vec<Digest> {
        match self {
            Self::Rows => row_digests(tensor),
            Self::Sketch { .. } => sketch::leaves(tensor, self.block_rows()),
        }
    }

    /// The leaf over these rows, in order: as many as a block has, or those of the last one.
    ///
    /// # Panics
    /// When the rows are not of one length and type, there is none, or there are more than one of scheme 1.
    #[must_use]
    pub fn leaf(self, rows: &[&Cells]) -> Digest {
        match (self, rows) {
            (Self::Rows, [row]) => row_digest(row),
            (Self::Rows, _) => panic!("a leaf of scheme 1 has one row, not {}", rows.len()),
            (Self::Sketch { .. }, _) => sketch::leaf(rows),
        }
    }

    /// Refuses blocks that are too large.
    pub(crate) fn check<'a>(
        self,
        depth: u8,
        values: impl Iterator<Item = &'a Value>,
    ) -> Result<(), ProgramError> {
        let limit = |what: String, got: usize, max: usize| {
            if got <= max {
                return Ok(());
            }
            let wide = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            Err(ProgramError::Limit { what, got: wide(got), min: 0, max: wide(max) })
        };
        let Self::Sketch { block_bits } = self else { return Ok(()) };
        let bits = depth.min(MAX_BLOCK_BITS);
        limit("log2 of the rows in a block".into(), block_bits.into(), bits.into())?;
        for value in values {
            let got = sketch::polynomials(value.columns()) << block_bits;
            let what = format!("polynomials of 512 cells in a block of {:?}", value.name);
            limit(what, got, MAX_BLOCK_POLYNOMIALS)?;
        }
        Ok(())
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows => f.write_str("1, rows"),
            Self::Sketch { .. } => write!(f, "2, sketches of {} rows", self.block_rows()),
        }
    }
}
