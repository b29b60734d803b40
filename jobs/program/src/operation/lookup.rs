//! A function of one cell, as a table: `Y = table[A - smallest value of A's type]`.
//!
//! Every function from 8 bits to 8 bits is one: a sigmoid, a requantisation from one scale to another, the identity.

use crate::{
    error::{DecodeError, ProgramError},
    operation::Context,
    program::{ConstantId, Value, ValueId},
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// Entries of a table.
pub const ENTRIES: usize = 256;

/// Table lookup; see the module's documentation for what it computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// A: int8 or uint8, any row shape.
    pub input: ValueId,
    /// Constant of one row and 256 columns; the output is of its type, int8 or uint8.
    pub table: ConstantId,
}

impl Lookup {
    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let input = context.value(self.input)?;
        let table = &context.constant(self.table)?.tensor;
        context.byte("the table", table.dtype())?;
        if (table.rows(), table.columns()) != (1, ENTRIES) {
            let got = format!("[{}, {}]", table.rows(), table.columns());
            return Err(context.shape("the table", format!("[1, {ENTRIES}]"), got));
        }
        context.output_type(table.dtype(), output)?;
        context.output_shape(&input.shape, output)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.input.0 as u32);
        writer.u32(self.table.0 as u32);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { input: ValueId(reader.u32()? as usize), table: ConstantId(reader.u32()? as usize) })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        p.operands(&[p.value(self.input), p.constant(self.table)]);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let (input, table) = a.operands(|a| Ok((a.value()?, a.comma_constant()?)))?;
        Ok(Self { input, table })
    }
}
