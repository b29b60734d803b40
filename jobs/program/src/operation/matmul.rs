//! Product of vectors with a constant matrix, plus bias, requantised to 8 bits.
//!
//! For each last-dimension vector i of a row `[..., K]` and each column j of the matrix, over the integers:
//!
//! ```text
//! acc[i][j] = bias[j] + sum_k (A[i][k] - input_zero) * (B[k][j] - weight_zero[j])
//! q         = acc * multiplier[j] / 2^shift[j], rounded
//! Y[i][j]   = clamp(q + output_zero, clamp.0, clamp.1)
//! ```
//!
//! A fused ReLU is the clamp `(output_zero, max)`.

use crate::{
    error::{DecodeError, ProgramError},
    limits::{MAX_ACCUMULATOR, MAX_COLUMNS},
    operation::Context,
    program::{ConstantId, Value, ValueId},
    requantise::{PerColumn, Requantise, settle},
    tensor::{DType, Tensor},
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// Matrix product with requantisation; see the module's documentation for what it computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// A: the value whose vectors are multiplied; int8 or uint8, row shape `[..., K]`.
    pub input: ValueId,
    /// B: constant of K rows and N columns, int8 or uint8.
    pub weights: ConstantId,
    /// Constant of one row and N columns, int32.
    pub bias: Option<ConstantId>,
    /// Zero point of A.
    pub input_zero: i32,
    /// Zero point of B.
    pub weight_zero: PerColumn<i32>,
    /// Factor from accumulator to output.
    pub requantise: PerColumn<Requantise>,
    /// Zero point of Y.
    pub output_zero: i32,
    /// Smallest and largest cell of Y.
    pub clamp: (i32, i32),
}

/// Largest distance of a cell of type `dtype` from `zero`.
pub(crate) fn reach(dtype: DType, zero: i32) -> i64 {
    let zero = i64::from(zero);
    (i64::from(dtype.max()) - zero).abs().max((i64::from(dtype.min()) - zero).abs())
}

impl MatMul {
    /// The output cell of column `column` for its accumulator.
    #[must_use]
    pub fn finish(&self, column: usize, accumulator: i32) -> i32 {
        settle(self.requantise.get(column).apply(accumulator), self.output_zero, self.clamp)
    }

    /// For each output column a bound on the absolute value of its accumulator, for any input whatever (every cell
    /// that the input's type can hold, not only those that the operation before produces: a row that nobody
    /// audits may hold any) and in any order of summation.
    #[must_use]
    pub fn accumulator_bounds(&self, input: DType, weights: &Tensor, bias: Option<&Tensor>) -> Vec<i64> {
        let reach = reach(input, self.input_zero);
        let columns = weights.columns();
        let mut bounds: Vec<i64> =
            (0..columns).map(|j| bias.map_or(0, |b| i64::from(b.get(0, j)).abs())).collect();
        for k in 0..weights.rows() {
            for (j, bound) in bounds.iter_mut().enumerate() {
                let weight = i64::from(weights.get(k, j)) - i64::from(self.weight_zero.get(j));
                // At most 2^20 terms of at most 2^8 * 2^8 each: far below 2^63.
                *bound += reach * weight.abs();
            }
        }
        bounds
    }

    /// Checks everything but the shapes of input and output, for vectors of `inner` cells. Returns the number of columns.
    pub(crate) fn check_product(
        &self,
        context: &Context<'_>,
        inner: usize,
        output: &Value,
    ) -> Result<usize, ProgramError> {
        let input = context.value(self.input)?;
        let weights = &context.constant(self.weights)?.tensor;
        context.byte("the input", input.dtype)?;
        context.byte("the weights", weights.dtype())?;
        context.byte("the output", output.dtype)?;
        if weights.rows() != inner {
            let got = format!("{} rows", weights.rows());
            return Err(context.shape("the weights", format!("{inner} rows, for {input}"), got));
        }
        let columns = weights.columns();
        let bias = self.bias.map(|id| context.constant(id).map(|c| &c.tensor)).transpose()?;
        if let Some(bias) = bias {
            if bias.dtype() != DType::I32 {
                let got = bias.dtype();
                return Err(ProgramError::Type {
                    operation: context.name.into(),
                    what: "the bias",
                    expected: "i32",
                    got,
                });
            }
            if (bias.rows(), bias.columns()) != (1, columns) {
                let got = format!("[{}, {}]", bias.rows(), bias.columns());
                return Err(context.shape("the bias", format!("[1, {columns}]"), got));
            }
        }
        let of = "the weights have columns";
        context.count("weight_zero", &self.weight_zero, columns, of)?;
        context.count("requantise", &self.requantise, columns, of)?;
        context.cell("input_zero", self.input_zero, input.dtype)?;
        for &zero in self.weight_zero.entries() {
            context.cell("weight_zero", zero, weights.dtype())?;
        }
        context.requantise(&self.requantise)?;
        context.clamp(self.output_zero, self.clamp, output.dtype)?;
        let bounds = self.accumulator_bounds(input.dtype, weights, bias);
        match bounds.iter().position(|&bound| bound > MAX_ACCUMULATOR) {
            None => Ok(columns),
            Some(column) => Err(ProgramError::AccumulatorOverflow {
                operation: context.name.into(),
                column,
                bound: bounds[column],
            }),
        }
    }

    /// The constants that the product reads.
    pub(crate) fn constants(&self) -> Vec<ConstantId> {
        std::iter::once(self.weights).chain(self.bias).collect()
    }

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let input = context.value(self.input)?;
        // A row has at least one dimension: values are checked before operations.
        let (&inner, vectors) = input.shape.split_last().unwrap_or((&0, &[]));
        let columns = self.check_product(context, inner as usize, output)?;
        context.output_shape(&[vectors, &[columns as u32]].concat(), output)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.input.0 as u32);
        writer.u32(self.weights.0 as u32);
        writer.flag(self.bias.is_some());
        if let Some(bias) = self.bias {
            writer.u32(bias.0 as u32);
        }
        writer.i32(self.input_zero);
        writer.per_column(&self.weight_zero, |w, zero| w.i32(*zero));
        writer.requantise(&self.requantise);
        writer.i32(self.output_zero);
        writer.clamp(self.clamp);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            input: ValueId(reader.u32()? as usize),
            weights: ConstantId(reader.u32()? as usize),
            bias: if reader.flag()? { Some(ConstantId(reader.u32()? as usize)) } else { None },
            input_zero: reader.i32()?,
            weight_zero: reader.per_column(MAX_COLUMNS, 4, Reader::i32)?,
            requantise: reader.requantise()?,
            output_zero: reader.i32()?,
            clamp: reader.clamp()?,
        })
    }

    pub(crate) fn print_operands(&self, p: &mut Printer<'_>) {
        p.operands(&[p.value(self.input), p.constant(self.weights)]);
    }

    pub(crate) fn print_fields(&self, p: &mut Printer<'_>) {
        if let Some(bias) = self.bias {
            p.field("bias", p.constant(bias));
        }
        p.field("input_zero", self.input_zero);
        p.per_column("weight_zero", &self.weight_zero, i32::to_string);
        p.requantise(&self.requantise);
        p.field("output_zero", self.output_zero);
        p.clamp(self.clamp);
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        self.print_operands(p);
        self.print_fields(p);
    }

    /// Names of the fields that [`Self::parse_product`] reads.
    const FIELDS: [&'static str; 6] =
        ["bias", "input_zero", "weight_zero", "requantise", "output_zero", "clamp"];

    /// `(value, constant) { fields }`, where `read` reads each field besides the product's, which are named `more`.
    pub(crate) fn parse_product(
        a: &mut Arguments<'_, '_>,
        more: &[&'static str],
        mut read: impl FnMut(&mut Arguments<'_, '_>, &str) -> Result<(), TextError>,
    ) -> Result<Self, TextError> {
        let (input, weights) = a.operands(|a| Ok((a.value()?, a.comma_constant()?)))?;
        let output = a.output_dtype();
        let (mut bias, mut input_zero, mut output_zero) = (None, 0, 0);
        let mut weight_zero = PerColumn::All(0);
        let mut clamp = (output.min(), output.max());
        let mut requantise = None;
        a.fields(&[&Self::FIELDS, more].concat(), |a, field| {
            match field {
                "bias" => bias = Some(a.constant()?),
                "input_zero" => input_zero = a.integer()?,
                "weight_zero" => weight_zero = a.per_column(|a| a.integer())?,
                "requantise" => requantise = Some(a.requantise()?),
                "output_zero" => output_zero = a.integer()?,
                "clamp" => clamp = (a.integer()?, a.integer()?),
                _ => read(a, field)?,
            }
            Ok(())
        })?;
        let requantise = requantise.ok_or_else(|| a.missing("requantise"))?;
        Ok(Self { input, weights, bias, input_zero, weight_zero, requantise, output_zero, clamp })
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        Self::parse_product(a, &[], |_, _| Ok(()))
    }
}
