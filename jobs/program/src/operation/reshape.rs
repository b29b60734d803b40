//! The same cells under another row shape. A row's cells keep their order, so its packed form and its hash are
//! those of the input's row: nothing is committed to and there is nothing to audit.

use crate::{
    error::{DecodeError, ProgramError},
    operation::Context,
    program::{Value, ValueId},
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// Another row shape with as many cells (ONNX `Flatten` and `Reshape` that keep the batch dimension).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    /// The value whose rows are reshaped.
    pub input: ValueId,
}

impl Reshape {
    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let input = context.value(self.input)?;
        if output.dtype != input.dtype {
            return Err(context.shape("the output's type", input.dtype, output.dtype));
        }
        if output.columns() != input.columns() {
            let expected = format!("{} cells a row, as {input}", input.columns());
            return Err(context.shape("the output", expected, output));
        }
        Ok(())
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.input.0 as u32);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { input: ValueId(reader.u32()? as usize) })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        p.operands(&[p.value(self.input)]);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        Ok(Self { input: a.operands(Arguments::value)? })
    }
}
