//! What an operation's file needs to read its own operands and parameters.

use super::{
    TextError, TextProblem,
    lexer::{Lexer, Token},
    parser::{Meaning, Parser},
};
use crate::{
    limits::{MAX_OPERANDS, MAX_RANK},
    operation::Operand,
    program::{ConstantId, ValueId},
    requantise::{PerColumn, Requantise},
    rounding::Rounding,
    tensor::DType,
};

/// The part of the text behind an operation's name.
pub(crate) struct Arguments<'p, 't> {
    parser: &'p mut Parser<'t>,
    dtype: DType,
    place: Lexer<'t>,
}

impl<'p, 't> Arguments<'p, 't> {
    pub(super) const fn new(parser: &'p mut Parser<'t>, dtype: DType, place: Lexer<'t>) -> Self {
        Self { parser, dtype, place }
    }

    /// Type of the operation's declared output.
    pub const fn output_dtype(&self) -> DType {
        self.dtype
    }

    /// A field that must be there is not.
    pub fn missing(&self, field: &str) -> TextError {
        self.place.error(TextProblem::Missing(field.into()))
    }

    /// `(` operands `)`
    pub fn operands<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, TextError>,
    ) -> Result<T, TextError> {
        self.parser.sign("(")?;
        let operands = read(self)?;
        self.parser.sign(")")?;
        Ok(operands)
    }

    /// The name of a value that stands before.
    pub fn value(&mut self) -> Result<ValueId, TextError> {
        let (place, name) = self.parser.word("the name of a value")?;
        match self.parser.meaning(name) {
            Some(Meaning::Value(id)) => Ok(id),
            _ => Err(place.error(TextProblem::UnknownValue { name: name.into() })),
        }
    }

    /// The name of a constant that stands before.
    pub fn constant(&mut self) -> Result<ConstantId, TextError> {
        let (place, name) = self.parser.word("the name of a constant")?;
        match self.parser.meaning(name) {
            Some(Meaning::Constant(id)) => Ok(id),
            _ => Err(place.error(TextProblem::UnknownConstant { name: name.into() })),
        }
    }

    /// `, constant`
    pub fn comma_constant(&mut self) -> Result<ConstantId, TextError> {
        self.parser.sign(",")?;
        self.constant()
    }

    /// `, value` or `, constant`
    pub fn comma_operand(&mut self) -> Result<Operand, TextError> {
        self.parser.sign(",")?;
        let (place, name) = self.parser.word("the name of a value or constant")?;
        match self.parser.meaning(name) {
            Some(Meaning::Value(id)) => Ok(id.into()),
            Some(Meaning::Constant(id)) => Ok(id.into()),
            None => Err(place.error(TextProblem::UnknownValue { name: name.into() })),
        }
    }

    /// Names of values, separated by commas.
    pub fn values(&mut self) -> Result<Vec<ValueId>, TextError> {
        let mut values = vec![self.value()?];
        while self.parser.peek()? == Token::Sign(",") {
            self.parser.sign(",")?;
            if values.len() == MAX_OPERANDS {
                return Err(self.place.error(TextProblem::TooMany { what: "operands", limit: MAX_OPERANDS }));
            }
            values.push(self.value()?);
        }
        Ok(values)
    }

    /// `[number, ...]`, one for each dimension of a row.
    pub fn numbers<T: TryFrom<i64>>(&mut self) -> Result<Vec<T>, TextError> {
        let place = self.place;
        let mut numbers = Vec::new();
        self.parser.list(|parser| {
            if numbers.len() == MAX_RANK {
                return Err(place.error(TextProblem::TooMany { what: "numbers", limit: MAX_RANK }));
            }
            numbers.push(parser.integer()?);
            Ok(())
        })?;
        Ok(numbers)
    }

    /// `[number, ...]`, N of them.
    pub fn list<const N: usize>(&mut self) -> Result<[u32; N], TextError> {
        let place = self.parser.here()?;
        let numbers: Vec<u32> = self.numbers()?;
        let found = format!("{} numbers", numbers.len());
        numbers.try_into().map_err(|_| {
            place.error(TextProblem::Expected { expected: format!("a list of {N} numbers"), found })
        })
    }

    /// `multiplier >> shift` and perhaps where halves go, one or each.
    pub fn requantise(&mut self) -> Result<PerColumn<Requantise>, TextError> {
        self.per_column(|a| {
            let multiplier = a.integer()?;
            a.parser.sign(">>")?;
            Ok(Requantise { multiplier, shift: a.integer()?, rounding: a.rounding()? })
        })
    }

    /// `even`, `odd`, `near_even` or `near_odd`, where halves do not go up.
    pub fn rounding(&mut self) -> Result<Rounding, TextError> {
        let Token::Name(word) = self.parser.peek()? else { return Ok(Rounding::HalfUp) };
        let rounding = Rounding::ALL.into_iter().find(|rounding| rounding.word() == Some(word));
        if rounding.is_some() {
            self.parser.word("where halves go")?;
        }
        // Another word is the next field's name.
        Ok(rounding.unwrap_or_default())
    }

    /// An integer that fits `T`.
    pub fn integer<T: TryFrom<i64>>(&mut self) -> Result<T, TextError> {
        self.parser.integer()
    }

    /// One entry, or `[entry, ...]` for each column.
    pub fn per_column<T>(
        &mut self,
        mut entry: impl FnMut(&mut Arguments<'_, 't>) -> Result<T, TextError>,
    ) -> Result<PerColumn<T>, TextError> {
        if self.parser.peek()? != Token::Sign("[") {
            return entry(self).map(PerColumn::All);
        }
        let (dtype, place) = (self.dtype, self.place);
        let mut entries = Vec::new();
        self.parser.list(|parser| {
            entries.push(entry(&mut Arguments::new(parser, dtype, place))?);
            Ok(())
        })?;
        Ok(PerColumn::Each(entries))
    }

    /// `{` fields `}`: each at most once, `read` is called behind each name.
    pub fn fields(
        &mut self,
        known: &[&'static str],
        mut read: impl FnMut(&mut Self, &'static str) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        self.parser.sign("{")?;
        let mut seen = Vec::new();
        while self.parser.peek()? != Token::Sign("}") {
            let (place, name) = self.parser.word("a field or \"}\"")?;
            let Some(field) = known.iter().find(|field| **field == name) else {
                return Err(Parser::expected(place, known.join(", "), Token::Name(name)));
            };
            if seen.contains(field) {
                return Err(place.error(TextProblem::Duplicate { name: name.into() }));
            }
            seen.push(*field);
            read(self, field)?;
        }
        self.parser.sign("}")
    }
}
