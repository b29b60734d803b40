//! Convolution of planes with constant kernels: each window is multiplied with the weights like a vector of a matrix
//! product.
//!
//! With rows `[C, H, W]`, G groups, OC columns of the weights, and g = floor(oc / (OC / G)) the group of output channel oc:
//!
//! ```text
//! acc[oc][y][x] = bias[oc] + sum_(c, kh, kw) (A[g * C/G + c][h][w] - input_zero) * (B[(c, kh, kw)][oc] - weight_zero[oc])
//! Y[oc][y][x]   = clamp(q + output_zero, clamp.0, clamp.1), q as in a matrix product, for column oc
//! ```
//!
//! where c runs over C/G, (kh, kw) over the window's real cells (h, w) ([`crate::window`]), and (c, kh, kw) is row
//! (c * KH + kh) * KW + kw of the weights. Cells outside the plane contribute nothing.

use crate::{
    error::{DecodeError, ProgramError},
    limits::MAX_COLUMNS,
    operation::{Context, MatMul},
    program::{Program, Value},
    tensor::{DType, Tensor},
    text::{Arguments, Printer, TextError},
    window::{Slide, Window},
    wire::{Reader, Writer},
};

/// Convolution with requantisation; see the module's documentation for what it computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Where the windows lie.
    pub slide: Slide,
    /// G: the channels are cut into as many groups, each seen by its own OC / G output channels.
    pub groups: u32,
    /// How a window is multiplied: the weights have a column for each output channel, and (C / G) * KH * KW rows.
    pub product: MatMul,
}

impl Conv {
    /// The windows over a row of the operand.
    ///
    /// # Panics
    /// When the operation is not of `program`.
    #[must_use]
    pub fn window(&self, program: &Program) -> Window {
        let shape = &program.value(self.product.input).shape;
        self.slide.over(shape).expect("a program's windows fit their planes: its check has made sure")
    }

    /// The first input channel that output channel `channel` sees, of `outputs` output channels.
    #[must_use]
    pub const fn first_channel(&self, window: &Window, outputs: usize, channel: usize) -> usize {
        let groups = self.groups as usize;
        channel / (outputs / groups) * (window.channels / groups)
    }

    /// For each output channel a bound on the absolute value of its accumulators, whatever the cells, at any position and
    /// in any order of summation.
    #[must_use]
    pub fn accumulator_bounds(&self, input: DType, weights: &Tensor, bias: Option<&Tensor>) -> Vec<i64> {
        self.product.accumulator_bounds(input, weights, bias)
    }

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let input = context.value(self.product.input)?;
        let window = self.slide.check(context, input)?;
        context.parameter("groups", self.groups, 1, MAX_COLUMNS as i64)?;
        let groups = self.groups as usize;
        if !window.channels.is_multiple_of(groups) {
            let got = format!("{groups} groups");
            let expected = format!("a divisor of the input's {} channels", window.channels);
            return Err(context.shape("the number of groups", expected, got));
        }
        // At most 2^20 channels of at most 2^40 kernel cells.
        let inner = window.channels / groups * window.kernel_cells();
        let columns = self.product.check_product(context, inner, output)?;
        if !columns.is_multiple_of(groups) {
            let got = format!("{columns} columns");
            return Err(context.shape(
                "the weights",
                format!("a multiple of {groups} (groups) columns"),
                got,
            ));
        }
        context.output_shape(&[columns, window.output[0], window.output[1]].map(|d| d as u32), output)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        self.slide.encode(writer, true);
        writer.u32(self.groups);
        self.product.encode(writer);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            slide: Slide::decode(reader, true)?,
            groups: reader.u32()?,
            product: MatMul::decode(reader)?,
        })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        self.product.print_operands(p);
        self.slide.print(p, true);
        p.field("groups", self.groups);
        self.product.print_fields(p);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let (mut slide, mut groups, mut has_kernel) = (Slide::new([1, 1]), 1, false);
        let more = [&Slide::FIELDS[..], &["groups"]].concat();
        let product = MatMul::parse_product(a, &more, |a, field| {
            has_kernel |= field == "kernel";
            if field == "groups" {
                groups = a.integer()?;
            }
            slide.parse(a, field)
        })?;
        if !has_kernel {
            return Err(a.missing("kernel"));
        }
        Ok(Self { slide, groups, product })
    }
}
