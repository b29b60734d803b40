//! The operations of a tensor program, one file each. The same file name stands in `reference`, in the CPU and
//! CUDA executors and in the audit circuits; a test of the executor crate enumerates [`OperationKind::ALL`] and
//! fails when one is missing.
//!
//! To add an operation: its file here (parameters, rules, wire and text form), a variant in the two enums below,
//! and its file in every other room.

mod add;
mod averagepool;
mod concat;
mod conv;
mod lookup;
mod matmul;
mod maxpool;
mod reshape;
mod transpose;

pub use add::{Add, Operand};
pub use averagepool::AveragePool;
pub use concat::Concat;
pub use conv::Conv;
pub use lookup::{ENTRIES, Lookup};
pub use matmul::MatMul;
pub use maxpool::MaxPool;
pub use reshape::Reshape;
pub use transpose::Transpose;

pub(crate) use crate::context::Context;
use crate::{
    error::{DecodeError, ProgramError},
    program::{ConstantId, Value, ValueId},
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// Which operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// [`MatMul`].
    MatMul,
    /// [`Reshape`].
    Reshape,
    /// [`Conv`].
    Conv,
    /// [`Add`].
    Add,
    /// [`Lookup`].
    Lookup,
    /// [`MaxPool`].
    MaxPool,
    /// [`AveragePool`].
    AveragePool,
    /// [`Transpose`].
    Transpose,
    /// [`Concat`].
    Concat,
}

impl OperationKind {
    /// All operations, in the order of their codes in the container: 1, 2, ...
    pub const ALL: [Self; 9] = [
        Self::MatMul,
        Self::Reshape,
        Self::Conv,
        Self::Add,
        Self::Lookup,
        Self::MaxPool,
        Self::AveragePool,
        Self::Transpose,
        Self::Concat,
    ];

    /// Name in the text form; also the name of the operation's file in every room.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MatMul => "matmul",
            Self::Reshape => "reshape",
            Self::Conv => "conv",
            Self::Add => "add",
            Self::Lookup => "lookup",
            Self::MaxPool => "maxpool",
            Self::AveragePool => "averagepool",
            Self::Transpose => "transpose",
            Self::Concat => "concat",
        }
    }

    /// Code in the container.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::MatMul => 1,
            Self::Reshape => 2,
            Self::Conv => 3,
            Self::Add => 4,
            Self::Lookup => 5,
            Self::MaxPool => 6,
            Self::AveragePool => 7,
            Self::Transpose => 8,
            Self::Concat => 9,
        }
    }

    /// Whether the result is only another arrangement of committed rows, so that nothing new is committed to.
    #[must_use]
    pub const fn is_view(self) -> bool {
        matches!(self, Self::Reshape | Self::Transpose | Self::Concat)
    }
}

/// An operation with its operands and parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Product with a constant matrix, requantised.
    MatMul(MatMul),
    /// The same cells under another row shape.
    Reshape(Reshape),
    /// Convolution with constant kernels, requantised.
    Conv(Conv),
    /// Weighted sum of two rows.
    Add(Add),
    /// A function of one cell, as a table.
    Lookup(Lookup),
    /// Largest cells of windows.
    MaxPool(MaxPool),
    /// Averages of windows.
    AveragePool(AveragePool),
    /// The dimensions of a row in another order.
    Transpose(Transpose),
    /// Rows of several values, one behind the other.
    Concat(Concat),
}

/// The same expression for the operation's own type, whichever it is.
macro_rules! each {
    ($operation:expr, $op:ident => $body:expr) => {
        match $operation {
            Operation::MatMul($op) => $body,
            Operation::Reshape($op) => $body,
            Operation::Conv($op) => $body,
            Operation::Add($op) => $body,
            Operation::Lookup($op) => $body,
            Operation::MaxPool($op) => $body,
            Operation::AveragePool($op) => $body,
            Operation::Transpose($op) => $body,
            Operation::Concat($op) => $body,
        }
    };
}

impl Operation {
    /// Which operation this is.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::MatMul(_) => OperationKind::MatMul,
            Self::Reshape(_) => OperationKind::Reshape,
            Self::Conv(_) => OperationKind::Conv,
            Self::Add(_) => OperationKind::Add,
            Self::Lookup(_) => OperationKind::Lookup,
            Self::MaxPool(_) => OperationKind::MaxPool,
            Self::AveragePool(_) => OperationKind::AveragePool,
            Self::Transpose(_) => OperationKind::Transpose,
            Self::Concat(_) => OperationKind::Concat,
        }
    }

    /// The values that the operation reads, in the order of its operands. A value may stand there more than once.
    #[must_use]
    pub fn inputs(&self) -> Vec<ValueId> {
        match self {
            Self::MatMul(op) => vec![op.input],
            Self::Reshape(op) => vec![op.input],
            Self::Conv(op) => vec![op.product.input],
            Self::Add(op) => match op.right {
                Operand::Value(right) => vec![op.left, right],
                Operand::Constant(_) => vec![op.left],
            },
            Self::Lookup(op) => vec![op.input],
            Self::MaxPool(op) => vec![op.input],
            Self::AveragePool(op) => vec![op.input],
            Self::Transpose(op) => vec![op.input],
            Self::Concat(op) => op.inputs.clone(),
        }
    }

    /// The constants that the operation reads.
    #[must_use]
    pub fn constants(&self) -> Vec<ConstantId> {
        match self {
            Self::MatMul(op) => op.constants(),
            Self::Conv(op) => op.product.constants(),
            Self::Lookup(op) => vec![op.table],
            Self::Add(Add { right: Operand::Constant(id), .. }) => vec![*id],
            Self::Add(_)
            | Self::Reshape(_)
            | Self::MaxPool(_)
            | Self::AveragePool(_)
            | Self::Transpose(_)
            | Self::Concat(_) => Vec::new(),
        }
    }

    /// Checks operands, parameters and the declared output.
    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        each!(self, op => op.check(context, output))
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u8(self.kind().code());
        each!(self, op => op.encode(writer));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        let code = reader.u8()?;
        let kind = OperationKind::ALL
            .into_iter()
            .find(|kind| kind.code() == code)
            .ok_or(DecodeError::Field { offset, what: "operation code", got: code.into() })?;
        Ok(match kind {
            OperationKind::MatMul => Self::MatMul(MatMul::decode(reader)?),
            OperationKind::Reshape => Self::Reshape(Reshape::decode(reader)?),
            OperationKind::Conv => Self::Conv(Conv::decode(reader)?),
            OperationKind::Add => Self::Add(Add::decode(reader)?),
            OperationKind::Lookup => Self::Lookup(Lookup::decode(reader)?),
            OperationKind::MaxPool => Self::MaxPool(MaxPool::decode(reader)?),
            OperationKind::AveragePool => Self::AveragePool(AveragePool::decode(reader)?),
            OperationKind::Transpose => Self::Transpose(Transpose::decode(reader)?),
            OperationKind::Concat => Self::Concat(Concat::decode(reader)?),
        })
    }

    pub(crate) fn print(&self, printer: &mut Printer<'_>) {
        each!(self, op => op.print(printer));
    }

    pub(crate) fn parse(kind: OperationKind, arguments: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        Ok(match kind {
            OperationKind::MatMul => Self::MatMul(MatMul::parse(arguments)?),
            OperationKind::Reshape => Self::Reshape(Reshape::parse(arguments)?),
            OperationKind::Conv => Self::Conv(Conv::parse(arguments)?),
            OperationKind::Add => Self::Add(Add::parse(arguments)?),
            OperationKind::Lookup => Self::Lookup(Lookup::parse(arguments)?),
            OperationKind::MaxPool => Self::MaxPool(MaxPool::parse(arguments)?),
            OperationKind::AveragePool => Self::AveragePool(AveragePool::parse(arguments)?),
            OperationKind::Transpose => Self::Transpose(Transpose::parse(arguments)?),
            OperationKind::Concat => Self::Concat(Concat::parse(arguments)?),
        })
    }
}
