//! The commitment schemes: what the leaves of a tensor's tree are.

use std::fmt;

use janction_protocol::Digest;
use janction_protocol::hash::RATE;

use super::sketch::SKETCH_BYTES;
use super::{CELLS_PER_ELEMENT, row_digest, row_digests, sketch};
use crate::error::ProgramError;
use crate::limits::{MAX_BLOCK_BITS, MAX_BLOCK_POLYNOMIALS};
use crate::program::Value;
use crate::tensor::{Cells, Tensor};

/// What transforming a polynomial and multiplying it costs, in permutations of Poseidon, both with AVX-512 (docs/benchmarks.md).
const POLYNOMIAL_COST: f64 = 1.5;
/// What the inverse transform and the sums of a block cost, likewise.
const BLOCK_COST: f64 = 8.0;

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

    /// What committing to a row of tensors of so many cells a row each costs, in Poseidon permutations, in whole blocks and
    /// without the nodes above the leaves: an estimate from the sizes alone.
    #[must_use]
    pub fn cost(self, columns: &[usize]) -> f64 {
        let permutations = |elements: usize| elements.div_ceil(RATE) as f64;
        let rows = |&columns: &usize| permutations(1 + columns.div_ceil(CELLS_PER_ELEMENT));
        let leaf = permutations(2 + SKETCH_BYTES.div_ceil(CELLS_PER_ELEMENT)) + BLOCK_COST;
        let block_rows = self.block_rows() as f64;
        let sketches =
            |&columns: &usize| POLYNOMIAL_COST * sketch::polynomials(columns) as f64 + leaf / block_rows;
        match self {
            Self::Rows => columns.iter().map(rows).sum(),
            Self::Sketch { .. } => columns.iter().map(sketches).sum(),
        }
    }

    /// The scheme to recommend for such tensors in jobs of at most 2^`depth` rows: sketches where they cost less than half, in
    /// the smallest blocks that cost no more than a fifth above the cheapest ones, since an audit of drawn rows opens whole blocks.
    #[must_use]
    pub fn recommended(columns: &[usize], depth: u8) -> Self {
        let widest = columns.iter().copied().max().unwrap_or(1);
        let sketches: Vec<Self> =
            Self::all_for(widest).filter(|s| *s != Self::Rows && s.block_bits() <= depth).collect();
        let least = sketches.iter().map(|s| s.cost(columns)).fold(f64::INFINITY, f64::min);
        let smallest = sketches.into_iter().find(|s| s.cost(columns) <= 1.2 * least);
        smallest.filter(|s| 2.0 * s.cost(columns) < Self::Rows.cost(columns)).unwrap_or(Self::Rows)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_tensors_are_sketched_and_narrow_ones_are_not() {
        assert_eq!(Scheme::recommended(&[64, 32, 10], 12), Scheme::Rows);
        let Scheme::Sketch { block_bits } = Scheme::recommended(&[4096, 4096], 12) else { panic!("rows") };
        assert!((2..=6).contains(&block_bits), "blocks of 2^{block_bits}");
        // No block has more rows than a job, nor more polynomials than a program may have.
        assert!(Scheme::recommended(&[4096, 4096], 1).block_bits() <= 1);
        let wide = Scheme::recommended(&[1 << 20], 24);
        assert!(sketch::polynomials(1 << 20) << wide.block_bits() <= MAX_BLOCK_POLYNOMIALS);
    }

    #[test]
    fn rows_cost_what_they_are_hashed_with() {
        assert!((Scheme::Rows.cost(&[784, 10]) - 16.0).abs() < 1e-9);
        let cost = |block_bits| Scheme::Sketch { block_bits }.cost(&[1024]);
        assert!(cost(0) > cost(3) && cost(3) > cost(6));
    }
}
