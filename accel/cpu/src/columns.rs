//! A matrix of field elements, stored by columns.

use rayon::prelude::*;

use crate::F;
use crate::error::AccelError;

/// Elements in a cache line.
const LINE: usize = 8;
/// Bytes from which huge pages are asked for.
#[cfg(target_os = "linux")]
const HUGE: usize = 4 << 20;

/// A matrix of field elements, stored by columns, each column contiguous.
///
/// Eight neighbouring rows of a column are one 512-bit vector, so a loop over columns sees eight rows side by
/// side without a transposing copy: that is how leaves are hashed and constraints evaluated. Every column begins
/// on a 64-byte boundary. Between columns lies at least one unused line where rows are many: columns a large
/// power of two apart would all fall into the same few sets of the caches.
///
/// Rows of a low-degree extension are in **bit-reversed** order: row `i` belongs to the point
/// `shift · w^(reverse(i))`, w of order `rows`.
pub struct Columns {
    /// Zeroed by the allocator, page by page when first touched: that spreads the cost over the threads that
    /// fill the columns. (A vector of `F` would be written through once, here, by one thread.)
    storage: Vec<u64>,
    /// Where in `storage` the first column begins: the first 64-byte boundary.
    start: usize,
    rows: usize,
    columns: usize,
    /// Elements from the beginning of a column to the beginning of the next: whole lines.
    stride: usize,
}

impl Columns {
    /// All zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let lines = rows.div_ceil(LINE);
        // An odd number of lines visits every set of a cache in turn.
        let stride = LINE * if lines >= 64 { lines | 1 } else { lines };
        let mut storage = vec![0u64; stride * columns + LINE - 1];
        advise_huge_pages(&mut storage);
        let start = storage.as_ptr().align_offset(LINE * size_of::<u64>());
        Self { storage, start, rows, columns, stride }
    }

    /// A copy of `columns`.
    ///
    /// # Errors
    /// [`AccelError::Ragged`] when they have different lengths.
    pub fn from_columns<C: AsRef<[F]> + Sync>(columns: &[C]) -> Result<Self, AccelError> {
        let rows = columns.first().map_or(0, |c| c.as_ref().len());
        if let Some((column, other)) = columns.iter().enumerate().find(|(_, c)| c.as_ref().len() != rows) {
            return Err(AccelError::Ragged { column, expected: rows, got: other.as_ref().len() });
        }
        let mut matrix = Self::zeros(rows, columns.len());
        matrix.par_columns_mut().zip(columns).for_each(|(to, from)| to.copy_from_slice(from.as_ref()));
        Ok(matrix)
    }

    /// Rows of the matrix.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the matrix.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Column `column`, all of its rows.
    ///
    /// # Panics
    /// When there is no such column.
    #[inline]
    pub fn column(&self, column: usize) -> &[F] {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        let begin = self.start + column * self.stride;
        elements(&self.storage[begin..begin + self.rows])
    }

    /// Column `column`, all of its rows.
    ///
    /// # Panics
    /// When there is no such column.
    #[inline]
    pub fn column_mut(&mut self, column: usize) -> &mut [F] {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        let begin = self.start + column * self.stride;
        elements_mut(&mut self.storage[begin..begin + self.rows])
    }

    /// The columns one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[F]> {
        (0..self.columns).map(|c| self.column(c))
    }

    /// The columns, spread over the threads of the current pool.
    pub fn par_columns_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [F]> {
        let rows = self.rows;
        // A matrix without rows has nothing to cut; chunks of nothing are not allowed.
        self.storage[self.start..self.start + self.stride * self.columns]
            .par_chunks_exact_mut(self.stride.max(1))
            .map(move |column| &mut elements_mut(column)[..rows])
    }

    /// The element at `row` and `column`.
    ///
    /// # Panics
    /// When there is no such row or column.
    #[inline]
    pub fn get(&self, row: usize, column: usize) -> F {
        self.column(column)[row]
    }

    /// Row `row`: one element of every column (a leaf of the tree over this matrix).
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> Vec<F> {
        self.iter().map(|column| column[row]).collect()
    }
}

impl Clone for Columns {
    fn clone(&self) -> Self {
        // The copy's storage has its own boundary.
        let mut copy = Self::zeros(self.rows, self.columns);
        let from = &self.storage[self.start..];
        let length = self.stride * self.columns;
        let start = copy.start;
        copy.storage[start..start + length].copy_from_slice(&from[..length]);
        copy
    }
}

/// Asks for pages of 2 MB where the matrix is large: with pages of 4 kB the first touch costs as much as a good
/// part of the transform that fills it. Advice only; a refusal changes nothing but time.
#[allow(unsafe_code)]
#[cfg(target_os = "linux")]
fn advise_huge_pages(storage: &mut [u64]) {
    const PAGE: usize = 4096;
    let begin = storage.as_mut_ptr().align_offset(PAGE) * size_of::<u64>();
    let length = size_of_val(storage).saturating_sub(begin) / PAGE * PAGE;
    if length >= HUGE {
        let first = storage.as_mut_ptr().wrapping_byte_add(begin);
        // SAFETY: whole pages inside of the allocation; the advice changes how they are backed, not what is
        // in them.
        let _ = unsafe { rustix::mm::madvise(first.cast(), length, rustix::mm::Advice::LinuxHugepage) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_: &mut [u64]) {}

#[allow(unsafe_code)]
#[inline(always)]
fn elements(words: &[u64]) -> &[F] {
    // SAFETY: `F` is a transparent `u64` that takes any value.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
}

#[allow(unsafe_code)]
#[inline(always)]
fn elements_mut(words: &mut [u64]) -> &mut [F] {
    // SAFETY: as above; the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}
