//! The largest cell of each window: `Y[c][y][x]` is the largest of the window's real cells ([`crate::window`]) in plane c.
//! Cells outside the plane are ignored, and every window must have a real one.

use crate::{
    error::{DecodeError, ProgramError},
    operation::Context,
    program::{Program, Value, ValueId},
    text::{Arguments, Printer, TextError},
    window::{Slide, Window},
    wire::{Reader, Writer},
};

/// Largest cells of windows; see the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// A: int8 or uint8, row shape `[C, H, W]`.
    pub input: ValueId,
    /// Where the windows lie.
    pub slide: Slide,
}

/// Checks the output's row shape, and that none of a pool's windows is empty.
pub(crate) fn check_pool(context: &Context<'_>, window: &Window, output: &Value) -> Result<(), ProgramError> {
    // The output's cells are limited, and so is the number of windows to look at.
    let shape = [window.channels, window.output[0], window.output[1]].map(|d| d as u32);
    context.output_shape(&shape, output)?;
    match window.empty() {
        None => Ok(()),
        Some(position) => Err(ProgramError::EmptyWindow { operation: context.name.into(), position }),
    }
}

impl MaxPool {
    /// The windows over a row of the operand.
    ///
    /// # Panics
    /// When the operation is not of `program`.
    #[must_use]
    pub fn window(&self, program: &Program) -> Window {
        let shape = &program.value(self.input).shape;
        self.slide.over(shape).expect("a program's windows fit their planes: its check has made sure")
    }

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let input = context.value(self.input)?;
        let window = self.slide.check(context, input)?;
        context.output_type(input.dtype, output)?;
        check_pool(context, &window, output)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.input.0 as u32);
        self.slide.encode(writer, true);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { input: ValueId(reader.u32()? as usize), slide: Slide::decode(reader, true)? })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        p.operands(&[p.value(self.input)]);
        self.slide.print(p, true);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let input = a.operands(Arguments::value)?;
        let (mut slide, mut has_kernel) = (Slide::new([1, 1]), false);
        a.fields(&Slide::FIELDS, |a, field| {
            has_kernel |= field == "kernel";
            slide.parse(a, field)
        })?;
        if !has_kernel {
            return Err(a.missing("kernel"));
        }
        Ok(Self { input, slide })
    }
}
