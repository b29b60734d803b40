//! Traces and openings as bytes, for the blob store. Types and lengths follow from the program, so only cells,
//! digests and counts are written; big-endian.
//!
//! ```text
//! trace:      "JNCTRACE" | version u16 | rows u32 | cells of each committed tensor
//! drawn rows: "JNCDRAWN" | version u16 | draws u32 | roots | for each operation, for each draw: row u32,
//!             for each tensor that holds operands: cells, cells of the other rows of its block (scheme 2), path;
//!             the result's alike
//! ```
//!
//! Traces are of version 1; drawn rows of version 2, since an operation can have several operands.

use janction_program::{Cells, DType, Program, Step, Tensor, Value};
use janction_protocol::Digest;
use thiserror::Error;

use crate::{CommittedTensor, DrawnRows, Openings, RowOpening, RowPair, Trace, TraceError, block_of};

const TRACE_MAGIC: &[u8; 8] = b"JNCTRACE";
const DRAWN_MAGIC: &[u8; 8] = b"JNCDRAWN";
const TRACE_VERSION: u16 = 1;
const DRAWN_VERSION: u16 = 2;

/// Bytes that are no trace or openings of the program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlobError {
    /// Other bytes than expected at the start.
    #[error("not a blob of this kind: it does not begin with {0:?}")]
    Magic(&'static str),
    /// Made by another version.
    #[error(
        "blob of version {got}; this build reads version {expected}: open the rows again with this build"
    )]
    Version {
        /// The version that this build reads.
        expected: u16,
        /// The version found.
        got: u16,
    },
    /// The bytes end too early.
    #[error("blob cut short: {needed} more bytes needed at offset {offset}, {left} left")]
    Truncated {
        /// Where reading stopped.
        offset: usize,
        /// Bytes needed.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// A trace of another number of rows than its input.
    #[error("the trace has {got} rows, its input {expected}")]
    Rows {
        /// Rows of the input.
        expected: usize,
        /// Rows of the trace.
        got: usize,
    },
    /// Bytes follow the end.
    #[error("{count} bytes follow the end of the blob")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A digest that is none.
    #[error("blob corrupt at offset {offset}: no digest")]
    Digest {
        /// Where it stands.
        offset: usize,
    },
    /// The tensors are no trace of the program.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

fn write_cells(bytes: &mut Vec<u8>, cells: &Cells) {
    match cells {
        Cells::I8(cells) => bytes.extend(cells.iter().map(|&c| c as u8)),
        Cells::U8(cells) => bytes.extend(cells),
        Cells::I32(cells) => bytes.extend(cells.iter().flat_map(|c| c.to_be_bytes())),
    }
}

fn write_opening(bytes: &mut Vec<u8>, opening: &RowOpening) {
    write_cells(bytes, &opening.cells);
    opening.others.iter().for_each(|cells| write_cells(bytes, cells));
    opening.path.iter().for_each(|digest| bytes.extend(digest.to_bytes()));
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], magic: &'static [u8; 8], expected: u16) -> Result<Self, BlobError> {
        if !bytes.starts_with(magic) {
            return Err(BlobError::Magic(std::str::from_utf8(magic).unwrap_or_default()));
        }
        let mut reader = Self { bytes, offset: magic.len() };
        let version = reader.take(2)?;
        match u16::from_be_bytes([version[0], version[1]]) {
            got if got == expected => Ok(reader),
            got => Err(BlobError::Version { expected, got }),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], BlobError> {
        let left = self.bytes.len() - self.offset;
        if left < count {
            return Err(BlobError::Truncated { offset: self.offset, needed: count, left });
        }
        let start = self.offset;
        self.offset += count;
        Ok(&self.bytes[start..self.offset])
    }

    fn u32(&mut self) -> Result<usize, BlobError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    fn digest(&mut self) -> Result<Digest, BlobError> {
        let offset = self.offset;
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.take(32)?);
        Digest::from_bytes(bytes).map_err(|_| BlobError::Digest { offset })
    }

    /// `count` activation cells; their type is one of bytes.
    fn cells(&mut self, dtype: DType, count: usize) -> Result<Cells, BlobError> {
        let bytes = self.take(count)?;
        Ok(match dtype {
            DType::I8 => Cells::I8(bytes.iter().map(|&b| b as i8).collect()),
            _ => Cells::U8(bytes.to_vec()),
        })
    }

    /// An opening of row `row` of a tensor of `rows` rows.
    fn opening(
        &mut self,
        program: &Program,
        value: &Value,
        [row, rows]: [usize; 2],
    ) -> Result<RowOpening, BlobError> {
        let mut cells = || self.cells(value.dtype, value.columns());
        let own = cells()?;
        // A row that the job has not lies in no block.
        let others = block_of(program, row, rows).len().saturating_sub(1);
        let others = (0..others).map(|_| cells()).collect::<Result<_, _>>()?;
        let path = (0..program.tree_depth()).map(|_| self.digest()).collect::<Result<_, _>>()?;
        Ok(RowOpening { row, cells: own, others, path })
    }

    fn end(self) -> Result<(), BlobError> {
        match self.bytes.len() - self.offset {
            0 => Ok(()),
            count => Err(BlobError::Trailing { count }),
        }
    }
}

impl Trace {
    /// The committed tensors as bytes; the input travels by itself.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = TRACE_MAGIC.to_vec();
        bytes.extend(TRACE_VERSION.to_be_bytes());
        bytes.extend((self.rows() as u32).to_be_bytes());
        for committed in self.tensors() {
            write_cells(&mut bytes, committed.tensor().cells());
        }
        bytes
    }

    /// The trace of `program` on `input` whose tensors are in `bytes`, committed to anew. Its roots are for the caller
    /// to compare.
    ///
    /// # Errors
    /// Bytes that are no trace of the program, or an input that does not fit it.
    pub fn from_bytes(program: &Program, input: Tensor, bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(bytes, TRACE_MAGIC, TRACE_VERSION)?;
        let rows = reader.u32()?;
        program.check_input(&input).map_err(TraceError::from)?;
        if rows != input.rows() {
            return Err(BlobError::Rows { expected: input.rows(), got: rows });
        }
        let mut tensors = Vec::new();
        for Step { output, .. } in program.committed_steps() {
            // At most 2^32 rows of 2^20 columns: no overflow.
            let cells = reader.cells(output.dtype, rows * output.columns())?;
            let tensor = Tensor::new(rows, output.columns(), cells).map_err(TraceError::from)?;
            tensors.push(CommittedTensor::new(program, tensor)?);
        }
        reader.end()?;
        let input = CommittedTensor::new(program, input)?;
        Ok(Self::of(program, input, tensors)?)
    }
}

impl DrawnRows {
    /// The rows as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = DRAWN_MAGIC.to_vec();
        bytes.extend(DRAWN_VERSION.to_be_bytes());
        bytes.extend((self.draws() as u32).to_be_bytes());
        self.roots.iter().for_each(|root| bytes.extend(root.to_bytes()));
        for pair in self.operations.iter().flatten() {
            bytes.extend((pair.output.row as u32).to_be_bytes());
            pair.inputs.iter().chain([&pair.output]).for_each(|opening| write_opening(&mut bytes, opening));
        }
        bytes
    }

    /// The rows in `bytes`, of a run of `program` on an input of `rows` rows. Whether they show anything is for [`Openings::verify`].
    ///
    /// # Errors
    /// Bytes that are no rows of the program.
    pub fn from_bytes(program: &Program, rows: usize, bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(bytes, DRAWN_MAGIC, DRAWN_VERSION)?;
        let draws = reader.u32()?;
        let roots = program.committed_steps().map(|_| reader.digest()).collect::<Result<_, _>>()?;
        let mut operations = Vec::new();
        for step in program.committed_steps() {
            let operands = program.operands(step);
            // No space is set aside for what a number alone promises.
            let mut pairs = Vec::new();
            for _ in 0..draws {
                let row = reader.u32()?;
                let mut open = |value| reader.opening(program, value, [row, rows]);
                let inputs =
                    operands.iter().map(|&source| open(program.tensor(source))).collect::<Result<_, _>>()?;
                pairs.push(RowPair { inputs, output: open(&step.output)? });
            }
            operations.push(pairs);
        }
        reader.end()?;
        Ok(Self { roots, operations })
    }
}

impl Openings {
    /// The openings as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Full(trace) => trace.to_bytes(),
            Self::Drawn(rows) => rows.to_bytes(),
        }
    }

    /// The openings in `bytes`, of a run of `program` on `input`: a trace, which is committed to anew, or drawn rows. Whatever
    /// the bytes are, the memory taken is in proportion to their length. Whether the openings show anything is for
    /// [`Self::check`] and [`Self::verify`].
    ///
    /// # Errors
    /// Bytes that are neither, or an input that does not fit the program.
    pub fn from_bytes(program: &Program, input: &Tensor, bytes: &[u8]) -> Result<Self, BlobError> {
        if bytes.starts_with(DRAWN_MAGIC) {
            return Ok(Self::Drawn(DrawnRows::from_bytes(program, input.rows(), bytes)?));
        }
        Ok(Self::Full(Trace::from_bytes(program, input.clone(), bytes)?))
    }
}
