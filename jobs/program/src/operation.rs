//! The operations of a tensor program, one file each. The same file name stands in `reference`, in the CPU and
//! CUDA executors and in the audit circuits; a test of the executor crate enumerates [`OperationKind::ALL`] and
//! fails when one is missing.
//!
//! To add an operation: its file here (parameters, rules, wire and text form), a variant in the two enums below,
//! and its file in every other room.

mod matmul;
mod reshape;

pub use matmul::MatMul;
pub use reshape::Reshape;

use crate::{
    error::{DecodeError, ProgramError},
    program::{Constant, ConstantId, Value, ValueId},
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
}

impl OperationKind {
    /// All operations.
    pub const ALL: [Self; 2] = [Self::MatMul, Self::Reshape];

    /// Name in the text form; also the name of the operation's file in every room.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MatMul => "matmul",
            Self::Reshape => "reshape",
        }
    }

    /// Code in the container.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::MatMul => 1,
            Self::Reshape => 2,
        }
    }

    /// Whether the result is only another arrangement of committed rows, so that nothing new is committed to.
    #[must_use]
    pub const fn is_view(self) -> bool {
        matches!(self, Self::Reshape)
    }
}

/// An operation with its operands and parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Product with a constant matrix, requantised.
    MatMul(MatMul),
    /// The same cells under another row shape.
    Reshape(Reshape),
}

/// What an operation may look at while it is checked.
pub(crate) struct Context<'a> {
    /// Name of the operation's output, for messages.
    pub name: &'a str,
    /// The values that stand before the operation.
    pub values: &'a [&'a Value],
    /// All constants.
    pub constants: &'a [Constant],
}

impl Context<'_> {
    /// The value `id`, if it stands before the operation.
    pub fn value(&self, id: ValueId) -> Result<&Value, ProgramError> {
        self.values.get(id.0).copied().ok_or_else(|| ProgramError::UnknownValue {
            operation: self.name.into(),
            id: id.0,
            end: self.values.len(),
        })
    }

    /// The constant `id`, if it exists.
    pub fn constant(&self, id: ConstantId) -> Result<&Constant, ProgramError> {
        self.constants.get(id.0).ok_or_else(|| ProgramError::UnknownConstant {
            operation: self.name.into(),
            id: id.0,
            count: self.constants.len(),
        })
    }

    /// An error about a shape.
    pub fn shape(
        &self,
        what: &'static str,
        expected: impl std::fmt::Display,
        got: impl std::fmt::Display,
    ) -> ProgramError {
        ProgramError::Shape {
            operation: self.name.into(),
            what,
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    /// Checks that a parameter is in `min..=max`.
    pub fn parameter(
        &self,
        what: &'static str,
        got: impl Into<i64>,
        min: impl Into<i64>,
        max: impl Into<i64>,
    ) -> Result<(), ProgramError> {
        let (got, min, max) = (got.into(), min.into(), max.into());
        if (min..=max).contains(&got) {
            return Ok(());
        }
        Err(ProgramError::Parameter { operation: self.name.into(), what, got, min, max })
    }
}

impl Operation {
    /// Which operation this is.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::MatMul(_) => OperationKind::MatMul,
            Self::Reshape(_) => OperationKind::Reshape,
        }
    }

    /// The value that the operation reads.
    #[must_use]
    pub const fn input(&self) -> ValueId {
        match self {
            Self::MatMul(op) => op.input,
            Self::Reshape(op) => op.input,
        }
    }

    /// The constants that the operation reads.
    #[must_use]
    pub fn constants(&self) -> Vec<ConstantId> {
        match self {
            Self::MatMul(op) => std::iter::once(op.weights).chain(op.bias).collect(),
            Self::Reshape(_) => Vec::new(),
        }
    }

    /// Checks operands, parameters and the declared output.
    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        match self {
            Self::MatMul(op) => op.check(context, output),
            Self::Reshape(op) => op.check(context, output),
        }
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u8(self.kind().code());
        match self {
            Self::MatMul(op) => op.encode(writer),
            Self::Reshape(op) => op.encode(writer),
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        let code = reader.u8()?;
        match OperationKind::ALL.into_iter().find(|kind| kind.code() == code) {
            Some(OperationKind::MatMul) => MatMul::decode(reader).map(Self::MatMul),
            Some(OperationKind::Reshape) => Reshape::decode(reader).map(Self::Reshape),
            None => Err(DecodeError::Field { offset, what: "operation code", got: code.into() }),
        }
    }

    pub(crate) fn print(&self, printer: &mut Printer<'_>) {
        match self {
            Self::MatMul(op) => op.print(printer),
            Self::Reshape(op) => op.print(printer),
        }
    }

    pub(crate) fn parse(kind: OperationKind, arguments: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        match kind {
            OperationKind::MatMul => MatMul::parse(arguments).map(Self::MatMul),
            OperationKind::Reshape => Reshape::parse(arguments).map(Self::Reshape),
        }
    }
}
