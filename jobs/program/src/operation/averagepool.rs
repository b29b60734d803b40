//! The sum of each window's cells, scaled to an average.
//!
//! ```text
//! acc[c][y][x] = sum over the window's real cells of (A[c][h][w] - input_zero)
//! q            = acc * multiplier / 2^shift, rounded, with the entry of position y * OW + x
//! Y[c][y][x]   = clamp(q + output_zero, clamp.0, clamp.1)
//! ```
//!
//! The divisor is part of the factor, one for all positions or one for each: windows at the border have fewer real cells
//! ([`crate::window`]). A global average is one window as large as the plane.

use crate::{
    error::{DecodeError, ProgramError},
    operation::{Context, matmul::reach, maxpool::check_pool},
    program::{Program, Value, ValueId},
    requantise::{PerColumn, Requantise, settle},
    tensor::DType,
    text::{Arguments, Printer, TextError},
    window::{Slide, Window},
    wire::{Reader, Writer},
};

/// Averages of windows; see the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// A: int8 or uint8, row shape `[C, H, W]`.
    pub input: ValueId,
    /// Where the windows lie; dilations are 1.
    pub slide: Slide,
    /// Zero point of A.
    pub input_zero: i32,
    /// Factor from sum to output: one, or one for each position of a plane.
    pub requantise: PerColumn<Requantise>,
    /// Zero point of Y.
    pub output_zero: i32,
    /// Smallest and largest cell of Y.
    pub clamp: (i32, i32),
}

impl AveragePool {
    /// The windows over a row of the operand.
    ///
    /// # Panics
    /// When the operation is not of `program`.
    #[must_use]
    pub fn window(&self, program: &Program) -> Window {
        let shape = &program.value(self.input).shape;
        self.slide.over(shape).expect("a program's windows fit their planes: its check has made sure")
    }

    /// The output cell at position y * OW + x for its sum.
    #[must_use]
    pub fn finish(&self, position: usize, accumulator: i32) -> i32 {
        settle(self.requantise.get(position).apply(accumulator), self.output_zero, self.clamp)
    }

    /// The largest absolute value of a sum, for any cells of type `input`. A window has at most 2^20 cells, so this is below
    /// 2^28.
    #[must_use]
    pub fn accumulator_bound(&self, input: DType, window: &Window) -> i64 {
        reach(input, self.input_zero) * window.most_cells() as i64
    }

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let input = context.value(self.input)?;
        let window = self.slide.check(context, input)?;
        for dilation in self.slide.dilations {
            context.parameter("dilations", dilation, 1, 1)?;
        }
        check_pool(context, &window, output)?;
        context.count("requantise", &self.requantise, window.positions(), "the output has positions")?;
        context.cell("input_zero", self.input_zero, input.dtype)?;
        context.requantise(&self.requantise)?;
        context.clamp(self.output_zero, self.clamp, output.dtype)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.input.0 as u32);
        self.slide.encode(writer, false);
        writer.i32(self.input_zero);
        writer.requantise(&self.requantise);
        writer.i32(self.output_zero);
        writer.clamp(self.clamp);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            input: ValueId(reader.u32()? as usize),
            slide: Slide::decode(reader, false)?,
            input_zero: reader.i32()?,
            requantise: reader.requantise()?,
            output_zero: reader.i32()?,
            clamp: reader.clamp()?,
        })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        p.operands(&[p.value(self.input)]);
        self.slide.print(p, false);
        p.field("input_zero", self.input_zero);
        p.requantise(&self.requantise);
        p.field("output_zero", self.output_zero);
        p.clamp(self.clamp);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let input = a.operands(Arguments::value)?;
        let output = a.output_dtype();
        let (mut slide, mut has_kernel) = (Slide::new([1, 1]), false);
        let (mut input_zero, mut output_zero, mut requantise) = (0, 0, None);
        let mut clamp = (output.min(), output.max());
        let fields = ["kernel", "strides", "pads", "input_zero", "requantise", "output_zero", "clamp"];
        a.fields(&fields, |a, field| {
            has_kernel |= field == "kernel";
            match field {
                "input_zero" => input_zero = a.integer()?,
                "requantise" => requantise = Some(a.requantise()?),
                "output_zero" => output_zero = a.integer()?,
                "clamp" => clamp = (a.integer()?, a.integer()?),
                _ => slide.parse(a, field)?,
            }
            Ok(())
        })?;
        if !has_kernel {
            return Err(a.missing("kernel"));
        }
        let requantise = requantise.ok_or_else(|| a.missing("requantise"))?;
        Ok(Self { input, slide, input_zero, requantise, output_zero, clamp })
    }
}
