//! Importer of quantised ONNX models.
//!
//! [`import`] turns a model of 8-bit integers into a [`Program`]. A float operator between `DequantizeLinear` and
//! `QuantizeLinear` (QDQ form), or the one operator that stands for the three (QOperator form), becomes one operation. Real
//! values in between are followed by what they are (`flow.rs`): dequantised cells, a function of them, or results that
//! wait for their requantisation. Everything else is refused by name, with what to do.
//!
//! Scales become integer multipliers and shifts here, once, in double precision; nothing after the import uses
//! floating point. The first dimension of the model's input is the batch: its items are the rows of a job.

mod arithmetic;
mod conv;
mod error;
mod flow;
mod function;
mod graph;
mod join;
mod lookups;
mod matmul;
mod names;
mod node;
mod pool;
mod product;
mod quantise;
mod quantised;
mod remedies;
mod rounding;
mod sum;
mod tensor;
mod translate;
mod views;
mod window;

pub use error::{NodeId, OnnxError};
pub use flow::Quantisation;

use janction_program::Program;

/// An imported model.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// What runs.
    pub program: Program,
    /// How to quantise a real input, when the model takes one (or dequantises its integer input at once).
    pub input: Option<Quantisation>,
    /// How to read the output, when the model gives real numbers.
    pub output: Option<Quantisation>,
}

/// Imports the ONNX model in `bytes` as a program called `name` (characters that names cannot have are replaced),
/// for jobs of at most 2^`depth` rows.
///
/// # Errors
/// Bytes that are no ONNX model; the first node that is not supported, by its name; wrong types or shapes; a program
/// that breaks a rule (for example accumulators that could overflow).
pub fn import(bytes: &[u8], name: &str, depth: u8) -> Result<Import, OnnxError> {
    translate::translate(graph::Graph::read(bytes)?, name, depth)
}
