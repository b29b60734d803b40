//! What can be wrong with a program or its bytes.

use thiserror::Error;

use crate::tensor::DType;

/// A tensor that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TensorError {
    /// The number of cells is not rows x columns.
    #[error("a tensor of {rows} rows and {columns} columns needs {expected} cells, got {got}")]
    CellCount {
        /// Rows asked for.
        rows: usize,
        /// Cells in a row.
        columns: usize,
        /// rows x columns.
        expected: usize,
        /// Cells given.
        got: usize,
    },
    /// Rows or columns are zero or beyond the limit.
    #[error(
        "a tensor of {rows} rows and {columns} columns is outside the limits (columns 1 to {max_columns}, rows at least 1)"
    )]
    Dimensions {
        /// Rows asked for.
        rows: usize,
        /// Cells in a row.
        columns: usize,
        /// The limit on columns.
        max_columns: usize,
    },
}

/// A program that is not valid. The messages name the operation and say what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProgramError {
    /// A count or size is outside the limits.
    #[error("{what}: {got} is outside {min}..={max}")]
    Limit {
        /// What was counted.
        what: String,
        /// The value found.
        got: i64,
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A name is empty, too long or has a character that names cannot have.
    #[error(
        "the name {name:?} is not valid: 1 to 64 of letters, digits, '_' and '.', not starting with a digit or '.'"
    )]
    Name {
        /// The offending name.
        name: String,
    },
    /// Two values or constants have one name.
    #[error("the name {name:?} is used twice: names of values and constants must differ")]
    DuplicateName {
        /// The name in question.
        name: String,
    },
    /// An operation refers to a value that does not stand before it.
    #[error("operation {operation:?} reads value {id}, but only values below {end} stand before it")]
    UnknownValue {
        /// Name of the operation's output.
        operation: String,
        /// The value's number.
        id: usize,
        /// The first number that is not available.
        end: usize,
    },
    /// An operation refers to a constant that does not exist.
    #[error("operation {operation:?} reads constant {id}, but the program has {count}")]
    UnknownConstant {
        /// Name of the operation's output.
        operation: String,
        /// The constant's number.
        id: usize,
        /// How many constants there are.
        count: usize,
    },
    /// Operands do not fit together.
    #[error("operation {operation:?}: {what} must be {expected}, got {got}")]
    Shape {
        /// Name of the operation's output.
        operation: String,
        /// Which operand or result.
        what: &'static str,
        /// What would fit.
        expected: String,
        /// What was found.
        got: String,
    },
    /// An operand or result has a type that the operation does not take.
    #[error("operation {operation:?}: {what} cannot be {got}; it must be {expected}")]
    Type {
        /// Name of the operation's output.
        operation: String,
        /// Which operand or result.
        what: &'static str,
        /// Allowed types, in words.
        expected: &'static str,
        /// The type found.
        got: DType,
    },
    /// A parameter is outside its range.
    #[error("operation {operation:?}: {what} = {got} is outside {min}..={max}")]
    Parameter {
        /// Name of the operation's output.
        operation: String,
        /// Which parameter.
        what: &'static str,
        /// The value found.
        got: i64,
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// An accumulator could leave the range of 32-bit integers for some input.
    #[error(
        "operation {operation:?}: the accumulator of column {column} can reach {bound} in absolute value, which is \
         beyond 2^31 - 1; use fewer inner columns or smaller weights"
    )]
    AccumulatorOverflow {
        /// Name of the operation's output.
        operation: String,
        /// The output column.
        column: usize,
        /// Bound on the absolute value.
        bound: i64,
    },
    /// A pool's window has no cell to look at.
    #[error(
        "operation {operation:?}: the window at position {position:?} lies in the padding alone; use smaller pads"
    )]
    EmptyWindow {
        /// Name of the operation's output.
        operation: String,
        /// Line and column of the window.
        position: [usize; 2],
    },
    /// Too many views stand on one another.
    #[error(
        "{name:?} stands on {got} views that rearrange cells, at most {limit} are supported: put a lookup of the identity \
         between them, which commits to the rows"
    )]
    Views {
        /// Name of the value.
        name: String,
        /// Views under it.
        got: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The rows that an operation reads lie in too many tensors.
    #[error(
        "{name:?} reads rows of {got} committed tensors, at most {limit} are supported: join some of them and put a lookup \
         of the identity behind the join, which commits to the joined rows"
    )]
    Sources {
        /// Name of the operation's output.
        name: String,
        /// Tensors that its operands lie in.
        got: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The output's cells lie elsewhere than in one committed tensor, in its order.
    #[error(
        "the output {name:?} is a view that rearranges cells, so no tensor holds its rows: append a lookup of the \
         identity, which commits to them"
    )]
    OutputView {
        /// Name of the output.
        name: String,
    },
    /// A value, or a constant, is used by nothing.
    #[error("{name:?} is used by no operation: remove it, or make it the last one if it is the output")]
    Unused {
        /// Name of the value or constant.
        name: String,
    },
    /// The program computes nothing that could be committed to.
    #[error("the program has no operation besides views, so there is nothing to run")]
    NothingToRun,
    /// The input given to a run does not fit the program.
    #[error("the input must be {expected}, got {got}")]
    Input {
        /// What the program takes.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A tensor inside the program is malformed.
    #[error("constant {name:?}: {source}")]
    Constant {
        /// Name of the constant.
        name: String,
        /// What is wrong with it.
        source: TensorError,
    },
}

impl ProgramError {
    /// Name of the value or constant that the error is about, when it is about one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::Name { name } | Self::DuplicateName { name } | Self::Unused { name } => Some(name),
            Self::Constant { name, .. }
            | Self::Views { name, .. }
            | Self::Sources { name, .. }
            | Self::OutputView { name } => Some(name),
            Self::UnknownValue { operation, .. }
            | Self::UnknownConstant { operation, .. }
            | Self::Shape { operation, .. }
            | Self::Type { operation, .. }
            | Self::Parameter { operation, .. }
            | Self::AccumulatorOverflow { operation, .. }
            | Self::EmptyWindow { operation, .. } => Some(operation),
            Self::Limit { .. } | Self::NothingToRun | Self::Input { .. } => None,
        }
    }
}

/// Bytes that are not a job binary of this version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The first bytes are not the container's magic.
    #[error("not a job binary: it does not begin with \"JANCTION\"")]
    Magic,
    /// Made by a newer (or unknown) version.
    #[error(
        "job binary of format version {got}; this build reads version {supported}: upgrade, or compile the program again"
    )]
    Version {
        /// The version found.
        got: u16,
        /// The version that this build reads.
        supported: u16,
    },
    /// The kind is not one that this build runs.
    #[error("job binary of kind {got}: only kind 1 (tensor program) can be run; kind 2 is reserved")]
    Kind {
        /// The kind found.
        got: u8,
    },
    /// An unknown commitment scheme.
    #[error("commitment scheme {got} is not known: this build knows schemes 1 and 2")]
    Scheme {
        /// The scheme found.
        got: u8,
    },
    /// The bytes end too early.
    #[error("job binary cut short: {needed} more bytes needed at offset {offset}, {left} left")]
    Truncated {
        /// Where reading stopped.
        offset: usize,
        /// Bytes needed there.
        needed: usize,
        /// Bytes left there.
        left: usize,
    },
    /// Bytes follow the end.
    #[error("{count} bytes follow the end of the job binary at offset {offset}")]
    Trailing {
        /// Where the binary ends.
        offset: usize,
        /// How many bytes follow.
        count: usize,
    },
    /// A field holds a value that the format does not define.
    #[error("job binary corrupt at offset {offset}: {what} cannot be {got}")]
    Field {
        /// Where the field stands.
        offset: usize,
        /// What the field is.
        what: &'static str,
        /// The value found.
        got: u64,
    },
    /// The content does not hash to the digest in the header.
    #[error("job binary corrupt: its content hashes to {computed}, its header says {stated}")]
    Digest {
        /// The digest in the header, as hex.
        stated: String,
        /// The digest of the content, as hex.
        computed: String,
    },
    /// The content is well-formed but not a valid program.
    #[error("job binary holds an invalid program: {0}")]
    Invalid(#[from] ProgramError),
}
