//! Tensors as NumPy files: the form of a job's input and output, which any tool can read and write.
//!
//! Version 1.0 or 2.0, C order, int8, uint8 or little-endian int32; the first dimension counts the rows, the others
//! are a row's shape. What [`encode`] writes is canonical: one tensor, one byte string, so its address is fixed.

use thiserror::Error;

use crate::{
    error::TensorError,
    limits::MAX_RANK,
    tensor::{Cells, DType, Tensor},
};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Before the header's text in version 1.0: magic, version, length.
const PREFIX: usize = 10;

/// A file that is no tensor.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NpyError {
    /// Not NumPy's magic.
    #[error("not a .npy file (in Python: numpy.save)")]
    Magic,
    /// A version of the format that is not read.
    #[error(".npy version {major}.{minor} is not supported; versions 1.0 and 2.0 are")]
    Version {
        /// Major number.
        major: u8,
        /// Minor number.
        minor: u8,
    },
    /// The header is cut short or does not say what it must.
    #[error("corrupt .npy header: {0}")]
    Header(&'static str),
    /// An element type that tensors do not have.
    #[error("the array's type is {0}; it must be int8, uint8 or int32 (in Python: array.astype)")]
    Type(String),
    /// Columns first.
    #[error("the array is in Fortran order; save numpy.ascontiguousarray of it")]
    FortranOrder,
    /// No dimension for rows and columns, or too many.
    #[error("the array has {0} dimensions; it must have [rows, ...], 2 to 9")]
    Rank(usize),
    /// The data are not as long as the header says.
    #[error("the .npy file should have {expected} bytes of data, it has {got}")]
    Length {
        /// By the header.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// Rows or columns outside the limits.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

const fn description(dtype: DType) -> &'static str {
    match dtype {
        DType::I8 => "|i1",
        DType::U8 => "|u1",
        DType::I32 => "<i4",
    }
}

/// `tensor` as a file of shape (rows, columns), as `numpy.save` writes it.
#[must_use]
pub fn encode(tensor: &Tensor) -> Vec<u8> {
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}",
        description(tensor.dtype()),
        tensor.rows(),
        tensor.columns()
    );
    // Filled up with spaces so that the data begin at a multiple of 64.
    let padded = (PREFIX + header.len() + 1).next_multiple_of(64) - PREFIX;
    header.extend(std::iter::repeat_n(' ', padded - header.len() - 1));
    header.push('\n');
    let mut bytes = [&MAGIC[..], &[1, 0]].concat();
    // At most 192: two numbers of at most 20 digits.
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    match tensor.cells() {
        Cells::I8(cells) => bytes.extend(cells.iter().map(|&c| c as u8)),
        Cells::U8(cells) => bytes.extend(cells),
        Cells::I32(cells) => bytes.extend(cells.iter().flat_map(|c| c.to_le_bytes())),
    }
    bytes
}

/// The text behind `'key':` in a header.
fn field<'h>(header: &'h str, key: &str) -> Result<&'h str, NpyError> {
    let missing = NpyError::Header("descr, fortran_order or shape is missing");
    let (_, rest) = header.split_once(&format!("'{key}'")).ok_or(missing.clone())?;
    rest.trim_start().strip_prefix(':').map(str::trim_start).ok_or(missing)
}

fn shape(header: &str) -> Result<Vec<usize>, NpyError> {
    let list = field(header, "shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (list, _) = list.ok_or(NpyError::Header("the shape is not a tuple"))?;
    let dimensions = list.split(',').map(str::trim).filter(|text| !text.is_empty());
    dimensions.map(|text| text.parse().map_err(|_| NpyError::Header("a dimension is no number"))).collect()
}

/// The tensor in a file; a shape of more than two dimensions is read as rows of all cells behind the first.
///
/// # Errors
/// What is wrong with the file. Never panics, whatever the bytes.
pub fn decode(bytes: &[u8]) -> Result<Tensor, NpyError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(NpyError::Magic)?;
    let cut = || NpyError::Header("it is cut short");
    let (length, rest) = match *rest {
        [1, 0, a, b, ref rest @ ..] => (u16::from_le_bytes([a, b]).into(), rest),
        [2, 0, a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]) as usize, rest),
        [1 | 2, 0, ..] | [] | [_] => return Err(cut()),
        [major, minor, ..] => return Err(NpyError::Version { major, minor }),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| NpyError::Header("it is not text"))?;

    let described = field(header, "descr")?.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let (described, _) = described.ok_or(NpyError::Header("the type is not one of single elements"))?;
    // One byte has no order: '|', '<' and '>' say the same of it.
    let dtype = match described {
        "|i1" | "<i1" | ">i1" => DType::I8,
        "|u1" | "<u1" | ">u1" => DType::U8,
        "<i4" => DType::I32,
        other => return Err(NpyError::Type(other.into())),
    };
    if !field(header, "fortran_order")?.starts_with("False") {
        return Err(NpyError::FortranOrder);
    }
    let shape = shape(header)?;
    if shape.len() < 2 || shape.len() > MAX_RANK + 1 {
        return Err(NpyError::Rank(shape.len()));
    }
    let columns = shape[1..].iter().fold(1usize, |product, &d| product.saturating_mul(d));
    let expected = shape[0].saturating_mul(columns).saturating_mul(dtype.width());
    if expected != data.len() {
        return Err(NpyError::Length { expected, got: data.len() });
    }
    let cells = match dtype {
        DType::I8 => Cells::I8(data.iter().map(|&b| b as i8).collect()),
        DType::U8 => Cells::U8(data.to_vec()),
        DType::I32 => {
            Cells::I32(data.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
    };
    Ok(Tensor::new(shape[0], columns, cells)?)
}
