//! What an operation may look at while it is checked, and the checks that operations share.

use crate::{
    error::ProgramError,
    limits::MULTIPLIER_END,
    program::{Constant, ConstantId, Value, ValueId},
    requantise::{PerColumn, Requantise},
    rounding::Rounding,
    tensor::DType,
};

/// An operation's surroundings.
pub(crate) struct Context<'a> {
    /// Name of the operation's output, for messages.
    pub name: &'a str,
    /// The values that stand before the operation.
    pub values: &'a [&'a Value],
    /// All constants.
    pub constants: &'a [Constant],
}

impl<'a> Context<'a> {
    /// The value `id`, if it stands before the operation.
    pub fn value(&self, id: ValueId) -> Result<&'a Value, ProgramError> {
        self.values.get(id.0).copied().ok_or_else(|| ProgramError::UnknownValue {
            operation: self.name.into(),
            id: id.0,
            end: self.values.len(),
        })
    }

    /// The constant `id`, if it exists.
    pub fn constant(&self, id: ConstantId) -> Result<&'a Constant, ProgramError> {
        self.constants.get(id.0).ok_or_else(|| ProgramError::UnknownConstant {
            operation: self.name.into(),
            id: id.0,
            count: self.constants.len(),
        })
    }

    /// An error about a shape.
    pub fn shape(
        &self,
        what: &'static str,
        expected: impl std::fmt::Display,
        got: impl std::fmt::Display,
    ) -> ProgramError {
        ProgramError::Shape {
            operation: self.name.into(),
            what,
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    /// Checks the output's row shape.
    pub fn output_shape(&self, expected: &[u32], output: &Value) -> Result<(), ProgramError> {
        if output.shape == expected {
            return Ok(());
        }
        Err(self.shape("the output's row", format!("{expected:?}"), output))
    }

    /// Checks that the output has the type of its operand.
    pub fn output_type(&self, expected: DType, output: &Value) -> Result<(), ProgramError> {
        if output.dtype == expected {
            return Ok(());
        }
        Err(self.shape("the output's type", expected, output.dtype))
    }

    /// Checks that a parameter is in `min..=max`.
    pub fn parameter(
        &self,
        what: &'static str,
        got: impl Into<i64>,
        min: impl Into<i64>,
        max: impl Into<i64>,
    ) -> Result<(), ProgramError> {
        let (got, min, max) = (got.into(), min.into(), max.into());
        if (min..=max).contains(&got) {
            return Ok(());
        }
        Err(ProgramError::Parameter { operation: self.name.into(), what, got, min, max })
    }

    /// Checks that a type is one of 8 bits.
    pub fn byte(&self, what: &'static str, got: DType) -> Result<(), ProgramError> {
        if got.is_byte() {
            return Ok(());
        }
        Err(ProgramError::Type { operation: self.name.into(), what, expected: "i8 or u8", got })
    }

    /// Checks that a number is a cell of type `dtype`.
    pub fn cell(&self, what: &'static str, got: i32, dtype: DType) -> Result<(), ProgramError> {
        self.parameter(what, got, dtype.min(), dtype.max())
    }

    /// Checks that there is one entry, or as many as there are `of` (in words).
    pub fn count<T: Copy>(
        &self,
        what: &'static str,
        entries: &PerColumn<T>,
        count: usize,
        of: &str,
    ) -> Result<(), ProgramError> {
        match entries.columns() {
            Some(got) if got != count => {
                Err(self.shape(what, format!("one entry, or {count} as {of}"), format!("{got} entries")))
            }
            _ => Ok(()),
        }
    }

    /// Checks multipliers and shifts.
    pub fn requantise(&self, entries: &PerColumn<Requantise>) -> Result<(), ProgramError> {
        for r in entries.entries() {
            self.parameter("multiplier", r.multiplier, 1, MULTIPLIER_END - 1)?;
            self.shift(r.shift, r.rounding)?;
        }
        Ok(())
    }

    /// Checks that a shift goes with its rounding.
    pub fn shift(&self, shift: u8, rounding: Rounding) -> Result<(), ProgramError> {
        let (min, max, with_odd) = rounding.shifts();
        if !with_odd {
            let what = "the lowest bit of the shift (near_even and near_odd take even ones)";
            self.parameter(what, shift % 2, 0, 0)?;
        }
        self.parameter("shift", shift, min, max)
    }

    /// Checks the output's zero point and clamp.
    pub fn clamp(&self, output_zero: i32, clamp: (i32, i32), output: DType) -> Result<(), ProgramError> {
        self.cell("output_zero", output_zero, output)?;
        self.cell("the upper clamp bound", clamp.1, output)?;
        self.parameter("the lower clamp bound", clamp.0, output.min(), clamp.1)
    }
}
