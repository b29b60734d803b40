//! The dimensions of a row in another order. A view: its cells stay where they are committed.

use crate::{
    error::{DecodeError, ProgramError},
    limits::MAX_RANK,
    operation::Context,
    program::{Value, ValueId},
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// Permutation of a row's dimensions (ONNX `Transpose` that keeps the batch dimension).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transpose {
    /// The value whose rows are transposed.
    pub input: ValueId,
    /// Dimension d of the output is dimension `permutation[d]` of the input.
    pub permutation: Vec<u8>,
}

impl Transpose {
    /// The output's row shape for an input of shape `shape`; `None` when the permutation is not one of its dimensions.
    pub(crate) fn shape(&self, shape: &[u32]) -> Option<Vec<u32>> {
        let mut seen = vec![false; shape.len()];
        let dimension = |&d: &u8| {
            let is_new = !std::mem::replace(seen.get_mut(usize::from(d))?, true);
            is_new.then_some(shape[usize::from(d)])
        };
        let permuted: Vec<u32> = self.permutation.iter().map(dimension).collect::<Option<_>>()?;
        (permuted.len() == shape.len()).then_some(permuted)
    }

    /// For each cell of an output row, in order, the input row's cell that it is. `shape` is the input's row shape.
    ///
    /// # Panics
    /// When the permutation is not one of the shape's dimensions.
    #[must_use]
    pub fn order(&self, shape: &[u32]) -> Vec<usize> {
        let mut strides = vec![1; shape.len()];
        for d in (1..shape.len()).rev() {
            strides[d - 1] = strides[d] * shape[d] as usize;
        }
        let mut order = vec![0];
        for &d in &self.permutation {
            let (extent, stride) = (shape[usize::from(d)] as usize, strides[usize::from(d)]);
            order = order.iter().flat_map(|first| (0..extent).map(move |i| first + i * stride)).collect();
        }
        order
    }

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let input = context.value(self.input)?;
        context.output_type(input.dtype, output)?;
        let Some(shape) = self.shape(&input.shape) else {
            let expected = format!("each dimension from 0 to {} once", input.shape.len() - 1);
            return Err(context.shape("the permutation", expected, format!("{:?}", self.permutation)));
        };
        context.output_shape(&shape, output)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.input.0 as u32);
        writer.u8(self.permutation.len() as u8);
        writer.bytes(&self.permutation);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let input = ValueId(reader.u32()? as usize);
        let offset = reader.offset();
        let rank = usize::from(reader.u8()?);
        if rank > MAX_RANK {
            return Err(DecodeError::Field { offset, what: "number of dimensions", got: rank as u64 });
        }
        Ok(Self { input, permutation: reader.bytes(rank)?.to_vec() })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        p.operands(&[p.value(self.input)]);
        p.list("permutation", &self.permutation);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let input = a.operands(Arguments::value)?;
        let mut permutation = None;
        a.fields(&["permutation"], |a, _| {
            permutation = Some(a.numbers()?);
            Ok(())
        })?;
        Ok(Self { input, permutation: permutation.ok_or_else(|| a.missing("permutation"))? })
    }
}
