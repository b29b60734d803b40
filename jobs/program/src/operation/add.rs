//! Weighted sum of two rows, cell by cell, scaled back to 8 bits. With a negative multiplier it is a difference.
//!
//! ```text
//! acc = (A - left_zero) * left_multiplier + (B - right_zero) * right_multiplier
//! q   = acc / 2^shift, rounded
//! Y   = clamp(q + output_zero, clamp.0, clamp.1)
//! ```

use crate::{
    error::{DecodeError, ProgramError},
    limits::MULTIPLIER_END,
    operation::{Context, matmul::reach},
    program::{ConstantId, Value, ValueId},
    requantise::settle,
    rounding::Rounding,
    tensor::DType,
    text::{Arguments, Printer, TextError, rounded},
    wire::{Reader, Writer},
};

/// What is added: a value, or one constant row to every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A value of the same row shape.
    Value(ValueId),
    /// A constant of one row with as many columns, int8 or uint8.
    Constant(ConstantId),
}

impl From<ValueId> for Operand {
    fn from(id: ValueId) -> Self {
        Self::Value(id)
    }
}

impl From<ConstantId> for Operand {
    fn from(id: ConstantId) -> Self {
        Self::Constant(id)
    }
}

/// Weighted sum; see the module's documentation for what it computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// A: int8 or uint8, any row shape.
    pub left: ValueId,
    /// B: of A's row shape, of any 8-bit type.
    pub right: Operand,
    /// Zero point of A.
    pub left_zero: i32,
    /// Factor of A: not zero, less than 2^31 in absolute value.
    pub left_multiplier: i32,
    /// Zero point of B.
    pub right_zero: i32,
    /// Factor of B, as that of A.
    pub right_multiplier: i32,
    /// The sum is divided by 2^shift; 1 to 62.
    pub shift: u8,
    /// Where halves go.
    pub rounding: Rounding,
    /// Zero point of Y.
    pub output_zero: i32,
    /// Smallest and largest cell of Y.
    pub clamp: (i32, i32),
}

impl Add {
    /// The sum for two cells.
    #[must_use]
    pub const fn accumulator(&self, left: i32, right: i32) -> i64 {
        // Cells and zero points are of 8 bits, so no step leaves 2^40.
        (left - self.left_zero) as i64 * self.left_multiplier as i64
            + (right - self.right_zero) as i64 * self.right_multiplier as i64
    }

    /// The output cell for a sum.
    #[must_use]
    pub fn finish(&self, accumulator: i64) -> i32 {
        settle(self.rounding.divide(accumulator, self.shift), self.output_zero, self.clamp)
    }

    /// The largest absolute value of the sum, for any cells of these types: at most 2 * 255 * (2^31 - 1), below 2^40. So
    /// `acc + bias + 2^62` ([`Rounding::bias`]) lies in 2^61..2^63 + 2^41 for every valid operation, and is an integer below the
    /// field's order.
    #[must_use]
    pub fn accumulator_bound(&self, left: DType, right: DType) -> i64 {
        reach(left, self.left_zero) * i64::from(self.left_multiplier).abs()
            + reach(right, self.right_zero) * i64::from(self.right_multiplier).abs()
    }

    pub(crate) fn check(&self, context: &Context<'_>, output: &Value) -> Result<(), ProgramError> {
        let left = context.value(self.left)?;
        let right = match self.right {
            Operand::Value(id) => {
                let right = context.value(id)?;
                if right.shape != left.shape {
                    return Err(context.shape("the right operand's row", format!("{:?}", left.shape), right));
                }
                right.dtype
            }
            Operand::Constant(id) => {
                let right = &context.constant(id)?.tensor;
                if (right.rows(), right.columns()) != (1, left.columns()) {
                    let got = format!("[{}, {}]", right.rows(), right.columns());
                    let expected = format!("[1, {}], a cell for each of {left}", left.columns());
                    return Err(context.shape("the right operand", expected, got));
                }
                context.byte("the right operand", right.dtype())?;
                right.dtype()
            }
        };
        context.cell("left_zero", self.left_zero, left.dtype)?;
        context.cell("right_zero", self.right_zero, right)?;
        let most = i64::from(MULTIPLIER_END) - 1;
        for (what, multiplier) in
            [("left_multiplier", self.left_multiplier), ("right_multiplier", self.right_multiplier)]
        {
            // Zero is in neither range: an operand without effect should not be there.
            let (min, max) = if multiplier < 0 { (-most, -1) } else { (1, most) };
            context.parameter(what, multiplier, min, max)?;
        }
        context.shift(self.shift, self.rounding)?;
        context.clamp(self.output_zero, self.clamp, output.dtype)?;
        context.output_shape(&left.shape, output)
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.left.0 as u32);
        let (is_constant, number) = match self.right {
            Operand::Value(id) => (false, id.0),
            Operand::Constant(id) => (true, id.0),
        };
        writer.flag(is_constant);
        writer.u32(number as u32);
        for number in [self.left_zero, self.left_multiplier, self.right_zero, self.right_multiplier] {
            writer.i32(number);
        }
        writer.u8(self.rounding.code(self.shift));
        writer.i32(self.output_zero);
        writer.clamp(self.clamp);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let left = ValueId(reader.u32()? as usize);
        let (is_constant, number) = (reader.flag()?, reader.u32()? as usize);
        let [left_zero, left_multiplier, right_zero, right_multiplier] =
            [reader.i32()?, reader.i32()?, reader.i32()?, reader.i32()?];
        let (shift, rounding) = Rounding::from_code(reader.u8()?);
        Ok(Self {
            left,
            right: if is_constant { ConstantId(number).into() } else { ValueId(number).into() },
            left_zero,
            left_multiplier,
            right_zero,
            right_multiplier,
            shift,
            rounding,
            output_zero: reader.i32()?,
            clamp: reader.clamp()?,
        })
    }

    pub(crate) fn print(&self, p: &mut Printer<'_>) {
        let right = match self.right {
            Operand::Value(id) => p.value(id),
            Operand::Constant(id) => p.constant(id),
        };
        p.operands(&[p.value(self.left), right]);
        p.field("left_zero", self.left_zero);
        p.field("left_multiplier", self.left_multiplier);
        p.field("right_zero", self.right_zero);
        p.field("right_multiplier", self.right_multiplier);
        p.field("shift", rounded(self.shift, self.rounding));
        p.field("output_zero", self.output_zero);
        p.clamp(self.clamp);
    }

    pub(crate) fn parse(a: &mut Arguments<'_, '_>) -> Result<Self, TextError> {
        let (left, right) = a.operands(|a| Ok((a.value()?, a.comma_operand()?)))?;
        let output = a.output_dtype();
        let (mut left_zero, mut right_zero, mut output_zero) = (0, 0, 0);
        let (mut left_multiplier, mut right_multiplier, mut shift) = (None, None, None);
        let mut rounding = Rounding::HalfUp;
        let mut clamp = (output.min(), output.max());
        let fields = [
            "left_zero",
            "left_multiplier",
            "right_zero",
            "right_multiplier",
            "shift",
            "output_zero",
            "clamp",
        ];
        a.fields(&fields, |a, field| {
            match field {
                "left_zero" => left_zero = a.integer()?,
                "left_multiplier" => left_multiplier = Some(a.integer()?),
                "right_zero" => right_zero = a.integer()?,
                "right_multiplier" => right_multiplier = Some(a.integer()?),
                "shift" => (shift, rounding) = (Some(a.integer()?), a.rounding()?),
                "output_zero" => output_zero = a.integer()?,
                _ => clamp = (a.integer()?, a.integer()?),
            }
            Ok(())
        })?;
        Ok(Self {
            left,
            right,
            left_zero,
            left_multiplier: left_multiplier.ok_or_else(|| a.missing("left_multiplier"))?,
            right_zero,
            right_multiplier: right_multiplier.ok_or_else(|| a.missing("right_multiplier"))?,
            shift: shift.ok_or_else(|| a.missing("shift"))?,
            rounding,
            output_zero,
            clamp,
        })
    }
}
