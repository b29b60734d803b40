//! Columns of field elements on a device.
#![allow(unsafe_code)] // Elements as words; the block says why it is sound.

use std::ops::Range;

use plonky2::field::goldilocks_field::GoldilocksField as F;

use crate::device::{Argument, Buffer, Device, Grid, Slice};
use crate::error::CudaError;
use crate::library::{Family, fits, word};

/// Elements as words of their own representation, canonical or not.
#[must_use]
pub fn words(elements: &[F]) -> &[u64] {
    // SAFETY: an element is a transparent word.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), elements.len()) }
}

/// Words as elements.
#[must_use]
pub fn elements(words: Vec<u64>) -> Vec<F> {
    words.into_iter().map(F).collect()
}

/// Columns of one length on a device, one after the other.
#[derive(Debug)]
pub struct Matrix {
    words: Buffer,
    rows: usize,
    columns: usize,
}

/// A rectangle of a [`Matrix`], or of any slice: columns of `rows` elements that begin `stride` elements apart.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    words: Slice<'a>,
    rows: usize,
    columns: usize,
    stride: usize,
}

impl Matrix {
    /// With anything in it.
    ///
    /// # Errors
    /// As [`Device::allocate`].
    pub fn allocate(device: &Device, rows: usize, columns: usize) -> Result<Self, CudaError> {
        let length = rows.checked_mul(columns).ok_or(CudaError::OutOfMemory { bytes: u64::MAX })?;
        Ok(Self { words: device.allocate(length)?, rows, columns })
    }

    /// All zeros.
    ///
    /// # Errors
    /// As [`Device::allocate`].
    pub fn zeros(device: &Device, rows: usize, columns: usize) -> Result<Self, CudaError> {
        let matrix = Self::allocate(device, rows, columns)?;
        device.clear(matrix.words.all())?;
        Ok(matrix)
    }

    /// A copy of these columns, made canonical.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for columns of different lengths, or as [`Device::allocate`].
    pub fn upload<'a>(
        device: &Device,
        rows: usize,
        columns: impl ExactSizeIterator<Item = &'a [F]>,
    ) -> Result<Self, CudaError> {
        let matrix = Self::allocate(device, rows, columns.len())?;
        for (i, column) in columns.enumerate() {
            device.write(matrix.view().column(i), words(column))?;
        }
        matrix.view().make_canonical(device)?;
        Ok(matrix)
    }

    /// Its number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Its number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All of it.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { words: self.words.all(), rows: self.rows, columns: self.columns, stride: self.rows }
    }

    /// The buffer that holds it.
    #[must_use]
    pub fn buffer(&self) -> &Buffer {
        &self.words
    }
}

impl<'a> View<'a> {
    /// Columns within a slice.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] when the last one leaves it, or columns overlap.
    pub fn new(words: Slice<'a>, rows: usize, columns: usize, stride: usize) -> Result<Self, CudaError> {
        let end = columns.checked_sub(1).map_or(0, |last| last * stride + rows);
        fits(end <= words.len() && (rows <= stride || columns <= 1), || {
            format!("{columns} columns of {rows}, {stride} apart, in {} elements", words.len())
        })?;
        Ok(Self { words, rows, columns, stride })
    }

    /// Its number of rows.
    #[must_use]
    pub fn rows(self) -> usize {
        self.rows
    }

    /// Its number of columns.
    #[must_use]
    pub fn columns(self) -> usize {
        self.columns
    }

    /// Elements from the beginning of a column to that of the next.
    #[must_use]
    pub fn stride(self) -> usize {
        self.stride
    }

    /// Its elements and those between its columns.
    #[must_use]
    pub fn slice(self) -> Slice<'a> {
        self.words
    }

    /// One column.
    ///
    /// # Panics
    /// When there is no such column.
    #[must_use]
    pub fn column(self, column: usize) -> Slice<'a> {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        self.words.slice(column * self.stride..column * self.stride + self.rows)
    }

    /// Some of its rows.
    ///
    /// # Panics
    /// When there are no such rows.
    #[must_use]
    pub fn some_rows(self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        let words =
            if self.columns == 0 { self.words } else { self.words.slice(rows.start..self.words.len()) };
        Self { words, rows: rows.len(), ..self }
    }

    /// Some of its columns.
    ///
    /// # Panics
    /// When there are no such columns.
    #[must_use]
    pub fn some_columns(self, columns: Range<usize>) -> Self {
        assert!(
            columns.start <= columns.end && columns.end <= self.columns,
            "{columns:?} of {}",
            self.columns
        );
        let words = if columns.is_empty() {
            self.words.slice(0..0)
        } else {
            self.words.slice(columns.start * self.stride..(columns.end - 1) * self.stride + self.rows)
        };
        Self { words, columns: columns.len(), ..self }
    }

    /// Writes a column, made canonical.
    ///
    /// # Errors
    /// As [`Device::write`].
    ///
    /// # Panics
    /// When there is no such column.
    pub fn write_column(self, device: &Device, column: usize, elements: &[F]) -> Result<(), CudaError> {
        device.write(self.column(column), words(elements))?;
        self.some_columns(column..column + 1).make_canonical(device)
    }

    /// Makes all elements canonical, in place. (The host would take longer to look for one that is not.)
    fn make_canonical(self, device: &Device) -> Result<(), CudaError> {
        let arguments = [self.into(), self.stride_argument(), Argument::Word(word(self.rows)?)];
        let grid = Grid::over(self.rows, 256)?.by(word(self.columns)?);
        device.run(Family::Columns, "make_canonical", grid, &arguments)
    }

    /// A column's elements.
    ///
    /// # Errors
    /// As [`Device::read`].
    ///
    /// # Panics
    /// When there is no such column.
    pub fn read_column(self, device: &Device, column: usize) -> Result<Vec<F>, CudaError> {
        device.read(self.column(column)).map(elements)
    }

    /// All columns' elements.
    ///
    /// # Errors
    /// As [`Device::read`].
    pub fn read(self, device: &Device) -> Result<Vec<Vec<F>>, CudaError> {
        (0..self.columns).map(|column| self.read_column(device, column)).collect()
    }

    /// The distance between columns, for a kernel.
    pub(crate) fn stride_argument(self) -> Argument<'a> {
        Argument::Long(self.stride as u64)
    }
}

impl<'a> From<View<'a>> for Argument<'a> {
    fn from(view: View<'a>) -> Self {
        view.words.into()
    }
}
