//! Tensors as the protocol sees them: rows of cells.

use std::fmt;

use crate::{error::TensorError, limits::MAX_COLUMNS};

/// Type of a tensor's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// Signed 8-bit integers.
    I8,
    /// Unsigned 8-bit integers.
    U8,
    /// Signed 32-bit integers (biases only).
    I32,
}

impl DType {
    /// All types, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::I8, Self::U8, Self::I32];

    /// Code in the container and in row hashes: 1, 2, 3.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::I8 => 1,
            Self::U8 => 2,
            Self::I32 => 3,
        }
    }

    /// The type of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.code() == code)
    }

    /// Name in the text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I32 => "i32",
        }
    }

    /// The type of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Smallest value of a cell.
    #[must_use]
    pub const fn min(self) -> i32 {
        match self {
            Self::I8 => i8::MIN as i32,
            Self::U8 => 0,
            Self::I32 => i32::MIN,
        }
    }

    /// Largest value of a cell.
    #[must_use]
    pub const fn max(self) -> i32 {
        match self {
            Self::I8 => i8::MAX as i32,
            Self::U8 => u8::MAX as i32,
            Self::I32 => i32::MAX,
        }
    }

    /// Whether a cell is one byte (int8 and uint8).
    #[must_use]
    pub const fn is_byte(self) -> bool {
        matches!(self, Self::I8 | Self::U8)
    }

    /// Bytes of a cell in the container.
    #[must_use]
    pub const fn width(self) -> usize {
        if self.is_byte() { 1 } else { 4 }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The cells of a tensor or of one row, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Signed 8-bit cells.
    I8(Vec<i8>),
    /// Unsigned 8-bit cells.
    U8(Vec<u8>),
    /// Signed 32-bit cells.
    I32(Vec<i32>),
}

impl Cells {
    /// Cells of type `dtype` from `values`.
    ///
    /// Returns the index of the first value that does not fit the type, as the error.
    pub fn from_values(dtype: DType, values: &[i64]) -> Result<Self, usize> {
        let fits = |v: &i64| (i64::from(dtype.min())..=i64::from(dtype.max())).contains(v);
        if let Some(index) = values.iter().position(|v| !fits(v)) {
            return Err(index);
        }
        // The casts cannot truncate: every value was just found to be in range.
        Ok(match dtype {
            DType::I8 => Self::I8(values.iter().map(|&v| v as i8).collect()),
            DType::U8 => Self::U8(values.iter().map(|&v| v as u8).collect()),
            DType::I32 => Self::I32(values.iter().map(|&v| v as i32).collect()),
        })
    }

    /// Type of the cells.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        match self {
            Self::I8(_) => DType::I8,
            Self::U8(_) => DType::U8,
            Self::I32(_) => DType::I32,
        }
    }

    /// Number of cells.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::I8(cells) => cells.len(),
            Self::U8(cells) => cells.len(),
            Self::I32(cells) => cells.len(),
        }
    }

    /// Whether there is no cell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell at `index`.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    #[must_use]
    pub fn get(&self, index: usize) -> i32 {
        match self {
            Self::I8(cells) => i32::from(cells[index]),
            Self::U8(cells) => i32::from(cells[index]),
            Self::I32(cells) => cells[index],
        }
    }

    /// A copy of the cells `range`.
    ///
    /// # Panics
    /// When the range is not inside `0..len`.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        match self {
            Self::I8(cells) => Self::I8(cells[range].to_vec()),
            Self::U8(cells) => Self::U8(cells[range].to_vec()),
            Self::I32(cells) => Self::I32(cells[range].to_vec()),
        }
    }
}

/// A tensor: `rows` rows of `columns` cells. A row is the unit that is committed to and audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    rows: usize,
    columns: usize,
    cells: Cells,
}

impl Tensor {
    /// A tensor of `rows` x `columns` from its cells, row-major.
    ///
    /// # Errors
    /// When the dimensions are outside the limits or do not match the number of cells.
    pub fn new(rows: usize, columns: usize, cells: Cells) -> Result<Self, TensorError> {
        let dimensions = TensorError::Dimensions { rows, columns, max_columns: MAX_COLUMNS };
        if rows == 0 || columns == 0 || columns > MAX_COLUMNS {
            return Err(dimensions);
        }
        let expected = rows.checked_mul(columns).ok_or(dimensions)?;
        if expected != cells.len() {
            return Err(TensorError::CellCount { rows, columns, expected, got: cells.len() });
        }
        Ok(Self { rows, columns, cells })
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Cells in a row.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Type of the cells.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        self.cells.dtype()
    }

    /// The cells, row-major.
    #[must_use]
    pub const fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The cell in row `row` and column `column`.
    ///
    /// # Panics
    /// When there is no such cell.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> i32 {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        self.cells.get(row * self.columns + column)
    }

    /// A copy of row `row`.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> Cells {
        self.cells.slice(row * self.columns..(row + 1) * self.columns)
    }

    /// The column of the largest cell of each row (the first one of equals): the class a classifier says.
    #[must_use]
    pub fn arg_max(&self) -> Vec<usize> {
        (0..self.rows)
            .map(|row| {
                (0..self.columns).fold(0, |best, column| {
                    if self.get(row, column) > self.get(row, best) { column } else { best }
                })
            })
            .collect()
    }
}
