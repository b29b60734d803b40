//! Rows of several values, one behind the other along one dimension. A view: the cells stay where they are committed.

use crate::{
    error::{DecodeError, ProgramError},
    limits::MAX_OPERANDS,
    operation::Context,
    program::{Value, ValueId},
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// Concatenation along a dimension of the row (ONNX `Concat` that keeps the batch dimension).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concat {
    /// The values, at least two, of one type and of row shapes that differ in dimension `axis` at most.
    pub inputs: Vec<ValueId>,
    /// The dimension of the row.
    pub axis: u8,
}

impl Concat {
    /// For each cell of an output row, in order, the operand's place among the inputs and its row's cell. `shapes` are the
    /// inputs' row shapes.
    ///
    /// # Panics
    /// When the shapes have no dimension `axis`.
    #[must_use]
    pub fn order(&self, shapes: &[&[u32]]) -> Vec<(usize, usize)> {
        let axis = usize::from(self.axis);
        let product = |dimensions: &[u32]| dimensions.iter().map(|&d| d as usize).product::<usize>();
        let chunks: Vec<usize> = shapes.iter().map(|shape| product(&shape[axis..])).collect();
        let outer = shapes.first().map_or(0, |shape| product(&shape[..axis]));
        let cells = |o: usize| {
            let operands = chunks.iter().enumerate();
            operands.flat_map(move |(i, &chunk)| (o * chunk..(o + 1) * chunk).map(move |cell| (i, cell)))
        };
        (0..outer).flat_map(cells).collect()
    }

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        context.parameter("the number of operands", self.inputs.len() as i64, 2, MAX_OPERANDS as i64)?;
        let first = context.value(self.inputs[0])?;
        let axis = usize::from(self.axis);
        context.parameter("axis", self.axis, 0, first.shape.len() as i64 - 1)?;
        context.output_type(first.dtype, output)?;
        let mut shape = first.shape.clone();
        for &id in &self.inputs[1..] {
            let next = context.value(id)?;
            let mut like = next.shape.clone();
            if let Some(d) = like.get_mut(axis) {
                *d = first.shape[axis];
            }
            if next.dtype != first.dtype || like != first.shape {
                let expected = format!("like {first} in all but dimension {axis}");
                return Err(context.shape("every operand's row", expected, next));
            }
            // The rows' cells are limited to 2^20 and the operands to 64.
            shape[axis] += next.shape[axis];
        }
        context.output_shape(&shape, output)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u8(self.inputs.len() as u8);
        self.inputs.iter().for_each(|id| writer.u32(id.0 as u32));
        writer.u8(self.axis);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        let count = usize::from(reader.u8()?);
        if count > MAX_OPERANDS {
            return Err(DecodeError::Field { offset, what: "number of operands", got: count as u64 });
        }
        let inputs =
            (0..count).map(|_| Ok(ValueId(reader.u32()? as usize))).collect::<Result<_, DecodeError>>()?;
        Ok(Self { inputs, axis: reader.u8()? })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        let names: Vec<_> = self.inputs.iter().map(|&id| p.value(id)).collect();
        p.operands(&names);
        p.field("axis", self.axis);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let inputs = a.operands(Arguments::values)?;
        let mut axis = None;
        a.fields(&["axis"], |a, _| {
            axis = Some(a.integer()?);
            Ok(())
        })?;
        Ok(Self { inputs, axis: axis.ok_or_else(|| a.missing("axis"))? })
    }
}
