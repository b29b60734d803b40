use plonky2::field::types::Field;
use rayon::prelude::*;

use crate::F;

/// A table of field elements, one column after the other.
///
/// Columns start a cache line off the power of two apart, so that reading one row of many columns does not fall into
/// one set of the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    values: Vec<F>,
    rows: usize,
    stride: usize,
}

/// Elements of a cache line.
const LINE: usize = 8;

impl Columns {
    pub(super) fn zero(width: usize, rows: usize) -> Self {
        let stride = if rows.is_multiple_of(64 * LINE) { rows + LINE } else { rows };
        Self { values: vec![F::ZERO; width * stride], rows, stride }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.values.len() / self.stride
    }

    pub(super) fn column(&self, i: usize) -> &[F] {
        &self.values[i * self.stride..][..self.rows]
    }

    pub(super) fn columns(&self) -> impl ExactSizeIterator<Item = &[F]> + Clone {
        self.values.chunks_exact(self.stride).map(|column| &column[..self.rows])
    }

    /// The columns, to be written by several threads.
    pub(super) fn par_columns_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [F]> {
        let rows = self.rows;
        self.values.par_chunks_exact_mut(self.stride).map(move |column| &mut column[..rows])
    }

    pub(super) fn columns_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [F]> {
        let rows = self.rows;
        self.values.chunks_exact_mut(self.stride).map(move |column| &mut column[..rows])
    }

    /// One row, gathered.
    pub(super) fn row(&self, i: usize) -> Vec<F> {
        self.columns().map(|column| column[i]).collect()
    }

    /// Disjoint row ranges of `block` rows (the last may be shorter), each with its slice of every column, so that
    /// threads may write rows.
    pub(super) fn row_blocks_mut(&mut self, block: usize) -> Vec<Vec<&mut [F]>> {
        let width = self.width();
        let mut blocks: Vec<Vec<&mut [F]>> =
            (0..self.rows.div_ceil(block)).map(|_| Vec::with_capacity(width)).collect();
        for column in self.columns_mut() {
            for (slices, slice) in blocks.iter_mut().zip(column.chunks_mut(block)) {
                slices.push(slice);
            }
        }
        blocks
    }
}
