//! Product of the input's rows with a constant matrix, plus bias, requantised to 8 bits.
//!
//! For each row i and output column j, over the integers:
//!
//! ```text
//! acc[i][j] = bias[j] + sum_k (A[i][k] - input_zero) * (B[k][j] - weight_zero[j])
//! q         = floor((acc * multiplier[j] + 2^(shift[j]-1)) / 2^shift[j])
//! Y[i][j]   = clamp(q + output_zero, clamp.0, clamp.1)
//! ```
//!
//! A fused ReLU is the clamp `(output_zero, max)`.

use crate::{
    error::{DecodeError, ProgramError},
    limits::{MAX_ACCUMULATOR, MAX_COLUMNS, MAX_SHIFT, MULTIPLIER_END},
    operation::Context,
    program::{ConstantId, Value, ValueId},
    requantise::{PerColumn, Requantise},
    tensor::{DType, Tensor},
    text::{Arguments, Printer, TextError},
    wire::{Reader, Writer},
};

/// Matrix product with requantisation; see the module's documentation for what it computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// A: the value whose rows are multiplied; int8 or uint8, row shape `[K]`.
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

impl MatMul {
    /// The output cell of column `column` for its accumulator.
    #[must_use]
    pub fn finish(&self, column: usize, accumulator: i32) -> i32 {
        let q = self.requantise.get(column).apply(accumulator) + i64::from(self.output_zero);
        // The clamp bounds are i32, so the result is.
        q.clamp(i64::from(self.clamp.0), i64::from(self.clamp.1)) as i32
    }

    /// For each output column a bound on the absolute value of its accumulator, for any input whatever (every cell
    /// that the input's type can hold, not only those that the operation before produces: a row that nobody
    /// audits may hold any) and in any order of summation.
    #[must_use]
    pub fn accumulator_bounds(&self, input: DType, weights: &Tensor, bias: Option<&Tensor>) -> Vec<i64> {
        let zero = i64::from(self.input_zero);
        let reach = (i64::from(input.max()) - zero).abs().max((i64::from(input.min()) - zero).abs());
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

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let byte = |what, got: DType| {
            if got.is_byte() {
                return Ok(());
            }
            Err(ProgramError::Type { operation: context.name.into(), what, expected: "i8 or u8", got })
        };
        let input = context.value(self.input)?;
        let weights = &context.constant(self.weights)?.tensor;
        byte("the input", input.dtype)?;
        byte("the weights", weights.dtype())?;
        byte("the output", output.dtype)?;
        let [inner] = input.shape[..] else {
            return Err(context.shape("the input's row", "of one dimension (reshape it first)", input));
        };
        if weights.rows() != inner as usize {
            let got = format!("{} rows", weights.rows());
            return Err(context.shape("the weights", format!("{inner} rows, as {input} has columns"), got));
        }
        let columns = weights.columns();
        if output.shape != [columns as u32] {
            return Err(context.shape(
                "the output's row",
                format!("[{columns}], as the weights have columns"),
                output,
            ));
        }
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
        for (what, got) in
            [("weight_zero", self.weight_zero.columns()), ("requantise", self.requantise.columns())]
        {
            if got.is_some_and(|got| got != columns) {
                return Err(context.shape(
                    what,
                    format!("one entry, or {columns} as the weights have columns"),
                    format!("{} entries", got.unwrap_or_default()),
                ));
            }
        }
        let within = |what, got, dtype: DType| context.parameter(what, got, dtype.min(), dtype.max());
        within("input_zero", self.input_zero, input.dtype)?;
        for &zero in self.weight_zero.entries() {
            within("weight_zero", zero, weights.dtype())?;
        }
        for r in self.requantise.entries() {
            context.parameter("multiplier", r.multiplier, 1, MULTIPLIER_END - 1)?;
            context.parameter("shift", r.shift, 1, MAX_SHIFT)?;
        }
        within("output_zero", self.output_zero, output.dtype)?;
        within("the upper clamp bound", self.clamp.1, output.dtype)?;
        context.parameter("the lower clamp bound", self.clamp.0, output.dtype.min(), self.clamp.1)?;
        let bounds = self.accumulator_bounds(input.dtype, weights, bias);
        match bounds.iter().position(|&bound| bound > MAX_ACCUMULATOR) {
            None => Ok(()),
            Some(column) => Err(ProgramError::AccumulatorOverflow {
                operation: context.name.into(),
                column,
                bound: bounds[column],
            }),
        }
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
        writer.per_column(&self.requantise, |w, r| {
            w.u32(r.multiplier);
            w.u8(r.shift);
        });
        writer.i32(self.output_zero);
        writer.i32(self.clamp.0);
        writer.i32(self.clamp.1);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            input: ValueId(reader.u32()? as usize),
            weights: ConstantId(reader.u32()? as usize),
            bias: if reader.flag()? { Some(ConstantId(reader.u32()? as usize)) } else { None },
            input_zero: reader.i32()?,
            weight_zero: reader.per_column(MAX_COLUMNS, 4, Reader::i32)?,
            requantise: reader
                .per_column(MAX_COLUMNS, 5, |r| Ok(Requantise { multiplier: r.u32()?, shift: r.u8()? }))?,
            output_zero: reader.i32()?,
            clamp: (reader.i32()?, reader.i32()?),
        })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        p.operands(&[p.value(self.input), p.constant(self.weights)]);
        if let Some(bias) = self.bias {
            p.field("bias", p.constant(bias));
        }
        p.field("input_zero", self.input_zero);
        p.per_column("weight_zero", &self.weight_zero, i32::to_string);
        p.per_column("requantise", &self.requantise, |r| format!("{} >> {}", r.multiplier, r.shift));
        p.field("output_zero", self.output_zero);
        p.field("clamp", format_args!("{} {}", self.clamp.0, self.clamp.1));
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let (input, weights) = a.operands(|a| Ok((a.value()?, a.comma_constant()?)))?;
        let output = a.output_dtype();
        let (mut bias, mut input_zero, mut output_zero) = (None, 0, 0);
        let mut weight_zero = PerColumn::All(0);
        let mut clamp = (output.min(), output.max());
        let mut requantise = None;
        a.fields(
            &["bias", "input_zero", "weight_zero", "requantise", "output_zero", "clamp"],
            |a, field| {
                match field {
                    "bias" => bias = Some(a.constant()?),
                    "input_zero" => input_zero = a.integer()?,
                    "weight_zero" => weight_zero = a.per_column(|a| a.integer())?,
                    "requantise" => {
                        requantise = Some(a.per_column(|a| {
                            let multiplier = a.integer()?;
                            a.shift_sign()?;
                            Ok(Requantise { multiplier, shift: a.integer()? })
                        })?);
                    }
                    "output_zero" => output_zero = a.integer()?,
                    _ => clamp = (a.integer()?, a.integer()?),
                }
                Ok(())
            },
        )?;
        let requantise = requantise.ok_or_else(|| a.missing("requantise"))?;
        Ok(Self { input, weights, bias, input_zero, weight_zero, requantise, output_zero, clamp })
    }
}
