//! What can be wrong with a model.

use std::fmt;

use janction_program::ProgramError;
use thiserror::Error;

/// Which node of a model: its operator and its name, or its place and first output when it has no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeId {
    /// Operator, with its domain unless that is ONNX's own.
    pub operator: String,
    /// Name of the node.
    pub name: String,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (node {:?})", self.operator, self.name)
    }
}

/// A model that cannot be imported.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OnnxError {
    /// The bytes are no ONNX model.
    #[error("not an ONNX model: {0}")]
    NotOnnx(String),
    /// An operator that tensor programs do not have.
    #[error(
        "{node}: this operator is not supported{}{remedy}. Supported: {supported}",
        if remedy.is_empty() { "" } else { "; " }
    )]
    UnsupportedOperator {
        /// The node.
        node: NodeId,
        /// What to do instead; empty when nothing can be said.
        remedy: &'static str,
        /// The operators that are.
        supported: &'static str,
    },
    /// A supported operator in a form that is not.
    #[error("{node}: {what}")]
    Unsupported {
        /// The node.
        node: NodeId,
        /// What is not supported, and what would be.
        what: String,
    },
    /// An operand that the node needs is missing.
    #[error("{node}: input {index} ({what}) is missing")]
    MissingInput {
        /// The node.
        node: NodeId,
        /// Number of the input, from 0.
        index: usize,
        /// What it is.
        what: &'static str,
    },
    /// A name that no node before this one and no initialiser defines.
    #[error("{node}: input {input:?} is defined by no node before it")]
    UnknownInput {
        /// The node.
        node: NodeId,
        /// The name.
        input: String,
    },
    /// An operand of a type or shape that does not fit.
    #[error("{node}: {what} must be {expected}, got {got}")]
    Operand {
        /// The node.
        node: NodeId,
        /// Which operand.
        what: &'static str,
        /// What would fit.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A constant tensor that cannot be read.
    #[error("constant tensor {name:?}: {what}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// The graph's inputs or outputs are not those of a job.
    #[error("{0}")]
    Interface(String),
    /// The model makes a program that breaks a rule.
    #[error("the model makes an invalid program: {0}")]
    Program(#[from] ProgramError),
}
