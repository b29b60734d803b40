//! Programs as text, for people: `print` and `parse` are inverse to each other.
//!
//! ```text
//! program relu_of_a_product
//! scheme 1
//! depth 4                        # at most 2^4 rows in a job
//! input x: i8[2]
//! const w: i8[2, 1] = [
//!   [3],
//!   [-5],
//! ]
//! y: i8[1] = matmul(x, w) {
//!   requantise 1073741824 >> 31  # acc * 2^30 / 2^31, halves up (`31 even`: to even); one, or [a >> b, ...] for each column
//!   clamp 0 127
//! }
//! output y
//! ```
//!
//! Fields of an operation that are left out have the values that [`crate::builder`] gives them; `print` writes all.

mod arguments;
mod lexer;
mod parser;
mod printer;

pub(crate) use arguments::Arguments;
pub(crate) use printer::{Printer, rounded};

pub use parser::parse;
pub use printer::print;

use thiserror::Error;

use crate::error::{ProgramError, TensorError};

/// A text that is not a program, with the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{line}:{column}: {problem}")]
pub struct TextError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: TextProblem,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextProblem {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should.
        expected: String,
        /// What does.
        found: String,
    },
    /// A character that no token begins with.
    #[error("the character {0:?} has no meaning here")]
    Character(char),
    /// A number outside the range that fits its place.
    #[error("the number {text} is out of range here")]
    Number {
        /// As written.
        text: String,
    },
    /// No value of this name stands before this place.
    #[error("no value {name:?} is defined before this place")]
    UnknownValue {
        /// The name.
        name: String,
    },
    /// No constant of this name stands before this place.
    #[error("no constant {name:?} is defined before this place")]
    UnknownConstant {
        /// The name.
        name: String,
    },
    /// A list that is longer than any that is valid.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A second definition.
    #[error("{name:?} is defined a second time")]
    Duplicate {
        /// What is.
        name: String,
    },
    /// Something that every program or operation has is missing.
    #[error("{0:?} is missing")]
    Missing(String),
    /// The output is not the last operation's result.
    #[error("the output must be the last operation's result, {last:?}")]
    Output {
        /// Name of the last value.
        last: String,
    },
    /// A commitment scheme that this build does not know.
    #[error("commitment scheme {0} is not known: this build knows schemes 1 and 2")]
    Scheme(u8),
    /// Rows of a block that are no power of two.
    #[error("a block has a power of two of rows, not {0}")]
    Block(usize),
    /// Blocks where rows are committed to one by one.
    #[error("scheme 1 commits to rows one by one and has no blocks: remove the statement or say scheme 2")]
    BlockOfRows,
    /// A constant's cells do not make a tensor of its shape.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// Well-formed, but a rule of programs does not hold.
    #[error(transparent)]
    Invalid(#[from] ProgramError),
}
