//! Tensor programs: the kind of job binary that Janction runs, commits to and audits.
//!
//! A [`Program`] is a DAG of integer tensor operations ([`operation`]) over one input tensor whose rows are the
//! items of a job, with constants. Everything about it is fixed when it is made: shapes, zero points,
//! requantisation multipliers and shifts. Running one executes no foreign code and gives the same bits on every
//! device.
//!
//! - [`builder`] makes programs in code, [`text`] reads and writes them as text, `janction-onnx` imports them.
//! - [`container`] is the versioned binary form; its address is the [`digest`] that a job leaf holds.
//! - [`commitment`] says how a tensor is committed to, row by row (commitment scheme 1).
//! - [`npy`] is the form in which inputs and outputs travel.
//! - [`reference`] is what a program means: slow and obviously right. Executors must equal it bit for bit.

mod arrangement;
pub mod builder;
pub mod commitment;
pub mod container;
mod context;
pub mod digest;
mod error;
pub mod limits;
pub mod npy;
pub mod operation;
mod program;
pub mod reference;
mod requantise;
mod rounding;
mod tensor;
#[cfg(feature = "test-utils")]
pub mod test_utils;
pub mod text;
mod validate;
pub mod window;
mod wire;

pub use arrangement::{Cell, Source};
pub use error::{DecodeError, ProgramError, TensorError};
pub use operation::{
    Add, AveragePool, Concat, Conv, Lookup, MatMul, MaxPool, Operand, Operation, OperationKind, Reshape,
    Transpose,
};
pub use program::{Constant, ConstantId, Parts, Program, Step, Value, ValueId};
pub use requantise::{PerColumn, Requantise, common_shift};
pub use rounding::Rounding;
pub use tensor::{Cells, DType, Tensor};
pub use window::{Slide, Window};
