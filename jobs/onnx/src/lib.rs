//! Importer of quantised ONNX models.
//!
//! [`import`] turns a model of 8-bit integers into a [`Program`]: products with constant matrices (`Gemm`, `MatMul`,
//! `QGemm`, `QLinearMatMul`, `MatMulInteger`) with bias and ReLU, in QDQ form (`DequantizeLinear` -> float operator ->
//! `QuantizeLinear`) or QOperator form, and views (`Flatten`, `Reshape`). Everything else is refused by name.
//!
//! Scales become integer multipliers and shifts here, once, in double precision; nothing after the import uses
//! floating point. The first dimension of the model's input is the batch: its items are the rows of a job.

mod error;
mod float;
mod graph;
mod names;
mod product;
mod quantised;
mod tensor;
mod translate;
mod views;

pub use error::{NodeId, OnnxError};

use janction_program::{DType, Program};

/// How a tensor's cells stand for real numbers: `real = (cell - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    /// Type of the cells.
    pub dtype: DType,
    /// Difference between neighbouring cells.
    pub scale: f64,
    /// The cell that stands for 0.
    pub zero: i32,
}

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
