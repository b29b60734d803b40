//! From text to a program: statements. What stands inside an operation is read by the operation's own file.

use std::collections::HashMap;

use super::{
    Arguments, TextError, TextProblem,
    lexer::{Lexer, Token},
};
use crate::{
    commitment::Scheme,
    limits::MAX_CONSTANT_CELLS,
    operation::{Operation, OperationKind},
    program::{Constant, ConstantId, Parts, Program, Step, Value, ValueId},
    tensor::{Cells, DType, Tensor},
};

/// What a name stands for.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Value(ValueId),
    Constant(ConstantId),
}

/// A text that is being read.
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    name: Option<&'t str>,
    depth: Option<u8>,
    scheme: Option<u8>,
    /// Rows of a block of scheme 2.
    block: Option<usize>,
    input: Option<Value>,
    constants: Vec<Constant>,
    steps: Vec<Step>,
    output: Option<(Lexer<'t>, &'t str)>,
    /// Each name with its meaning and the place of its definition.
    names: HashMap<&'t str, (Meaning, Lexer<'t>)>,
}

/// Reads the text form of a program.
///
/// # Errors
/// The first problem, with its line and column.
pub fn parse(text: &str) -> Result<Program, TextError> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        name: None,
        depth: None,
        scheme: None,
        block: None,
        input: None,
        constants: Vec::new(),
        steps: Vec::new(),
        output: None,
        names: HashMap::new(),
    };
    while parser.statement()? {}
    parser.finish()
}

impl<'t> Parser<'t> {
    // ---- tokens ----

    pub(super) fn next(&mut self) -> Result<(Lexer<'t>, Token<'t>), TextError> {
        self.lexer.next()
    }

    pub(super) fn peek(&self) -> Result<Token<'t>, TextError> {
        let mut ahead = self.lexer;
        ahead.next().map(|(_, token)| token)
    }

    /// Place of the next token.
    pub(super) fn here(&self) -> Result<Lexer<'t>, TextError> {
        let mut ahead = self.lexer;
        ahead.next().map(|(place, _)| place)
    }

    pub(super) fn expected(place: Lexer<'t>, expected: impl Into<String>, found: Token<'t>) -> TextError {
        place.error(TextProblem::Expected { expected: expected.into(), found: found.to_string() })
    }

    pub(super) fn sign(&mut self, sign: &'static str) -> Result<(), TextError> {
        match self.next()? {
            (_, Token::Sign(found)) if found == sign => Ok(()),
            (place, found) => Err(Self::expected(place, format!("{sign:?}"), found)),
        }
    }

    pub(super) fn word(&mut self, what: &str) -> Result<(Lexer<'t>, &'t str), TextError> {
        match self.next()? {
            (place, Token::Name(name)) => Ok((place, name)),
            (place, found) => Err(Self::expected(place, what, found)),
        }
    }

    pub(super) fn integer<T: TryFrom<i64>>(&mut self) -> Result<T, TextError> {
        match self.next()? {
            (place, Token::Integer(text)) => text
                .parse::<i64>()
                .ok()
                .and_then(|value| T::try_from(value).ok())
                .ok_or_else(|| place.error(TextProblem::Number { text: text.into() })),
            (place, found) => Err(Self::expected(place, "an integer", found)),
        }
    }

    /// `[` items separated by commas, a comma after the last one allowed, `]`.
    pub(super) fn list(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        self.sign("[")?;
        while self.peek()? != Token::Sign("]") {
            item(self)?;
            match self.peek()? {
                Token::Sign(",") => self.sign(",")?,
                Token::Sign("]") => {}
                found => {
                    let (place, _) = self.next()?;
                    return Err(Self::expected(place, "\",\" or \"]\"", found));
                }
            }
        }
        self.sign("]")
    }

    // ---- names ----

    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        self.names.get(name).map(|(meaning, _)| *meaning)
    }

    fn define(&mut self, place: Lexer<'t>, name: &'t str, meaning: Meaning) -> Result<(), TextError> {
        if self.names.insert(name, (meaning, place)).is_some() {
            return Err(place.error(TextProblem::Duplicate { name: name.into() }));
        }
        Ok(())
    }

    // ---- statements ----

    /// `type[d, ...]`
    fn shape(&mut self) -> Result<(DType, Vec<u32>), TextError> {
        let (place, name) = self.word("a type (i8, u8 or i32)")?;
        let dtype = DType::from_name(name)
            .ok_or_else(|| Self::expected(place, "a type (i8, u8 or i32)", Token::Name(name)))?;
        let mut shape = Vec::new();
        self.list(|p| {
            shape.push(p.integer()?);
            Ok(())
        })?;
        Ok((dtype, shape))
    }

    /// Sets something that a program has once.
    fn once<T>(place: Lexer<'t>, what: &str, slot: &mut Option<T>, value: T) -> Result<(), TextError> {
        if slot.replace(value).is_some() {
            return Err(place.error(TextProblem::Duplicate { name: what.into() }));
        }
        Ok(())
    }

    /// Reads one statement; `false` at the end of the text.
    fn statement(&mut self) -> Result<bool, TextError> {
        let (place, first) = match self.next()? {
            (_, Token::End) => return Ok(false),
            (place, Token::Name(name)) => (place, name),
            (place, found) => return Err(Self::expected(place, "a statement", found)),
        };
        // A step begins with `name:`, so that a value may be called like a keyword.
        if self.peek()? == Token::Sign(":") {
            return self.step(place, first).map(|()| true);
        }
        match first {
            "program" => {
                let (_, name) = self.word("the program's name")?;
                Self::once(place, first, &mut self.name, name)?;
            }
            "scheme" => {
                let scheme = self.integer()?;
                Self::once(place, first, &mut self.scheme, scheme)?;
                if ![Scheme::ROWS, Scheme::SKETCH].contains(&scheme) {
                    return Err(place.error(TextProblem::Scheme(scheme)));
                }
            }
            "block" => {
                let rows: usize = self.integer()?;
                Self::once(place, first, &mut self.block, rows)?;
                if !rows.is_power_of_two() {
                    return Err(place.error(TextProblem::Block(rows)));
                }
            }
            "depth" => {
                let depth = self.integer()?;
                Self::once(place, first, &mut self.depth, depth)?;
            }
            "input" => {
                let (name_place, name) = self.word("the input's name")?;
                self.sign(":")?;
                let (dtype, shape) = self.shape()?;
                Self::once(place, first, &mut self.input, Value { name: name.into(), dtype, shape })?;
                self.define(name_place, name, Meaning::Value(ValueId(0)))?;
            }
            "const" => self.constant()?,
            "output" => {
                let output = self.word("the output's name")?;
                Self::once(place, first, &mut self.output, output)?;
            }
            _ => {
                let statements =
                    "program, scheme, block, depth, input, const, output or an operation (name: type = ...)";
                return Err(Self::expected(place, statements, Token::Name(first)));
            }
        }
        Ok(true)
    }

    /// `const name: type[rows, columns] = [[...], ...]`, after `const`.
    fn constant(&mut self) -> Result<(), TextError> {
        let (place, name) = self.word("the constant's name")?;
        self.sign(":")?;
        let (dtype, shape) = self.shape()?;
        let [rows, columns] = shape[..] else {
            let found = format!("{} dimensions", shape.len());
            return Err(place.error(TextProblem::Expected { expected: "rows and columns".into(), found }));
        };
        self.sign("=")?;
        let mut values: Vec<i64> = Vec::new();
        self.list(|p| {
            let (start, before) = (p.here()?, values.len());
            p.list(|p| {
                let (at, value) = (p.here()?, p.integer::<i64>()?);
                if value < dtype.min().into()
                    || value > dtype.max().into()
                    || values.len() >= MAX_CONSTANT_CELLS
                {
                    return Err(at.error(TextProblem::Number { text: value.to_string() }));
                }
                values.push(value);
                Ok(())
            })?;
            let cells = values.len() - before;
            if cells != columns as usize {
                let (expected, found) = (format!("a row of {columns} cells"), format!("{cells}"));
                return Err(start.error(TextProblem::Expected { expected, found }));
            }
            Ok(())
        })?;
        let out_of_range = |_| place.error(TextProblem::Number { text: name.into() });
        let cells = Cells::from_values(dtype, &values).map_err(out_of_range)?;
        let tensor =
            Tensor::new(rows as usize, columns as usize, cells).map_err(|e| place.error(e.into()))?;
        let id = ConstantId(self.constants.len());
        self.constants.push(Constant { name: name.into(), tensor });
        self.define(place, name, Meaning::Constant(id))
    }

    /// `name: type[shape] = operation(...) { ... }`, after the name.
    fn step(&mut self, place: Lexer<'t>, name: &'t str) -> Result<(), TextError> {
        self.sign(":")?;
        let (dtype, shape) = self.shape()?;
        self.sign("=")?;
        let (kind_place, kind_name) = self.word("an operation")?;
        let kind = OperationKind::ALL.into_iter().find(|kind| kind.name() == kind_name).ok_or_else(|| {
            let all = OperationKind::ALL.map(OperationKind::name).join(", ");
            Self::expected(kind_place, all, Token::Name(kind_name))
        })?;
        let operation = Operation::parse(kind, &mut Arguments::new(self, dtype, kind_place))?;
        self.steps.push(Step { output: Value { name: name.into(), dtype, shape }, operation });
        self.define(place, name, Meaning::Value(ValueId(self.steps.len())))
    }

    fn finish(self) -> Result<Program, TextError> {
        let end = self.lexer;
        let missing = |what: &str| end.error(TextProblem::Missing(what.into()));
        let (output_place, output) = self.output.ok_or_else(|| missing("output"))?;
        if let Some(last) = self.steps.last().filter(|step| step.output.name != output) {
            return Err(output_place.error(TextProblem::Output { last: last.output.name.clone() }));
        }
        let scheme = match (self.scheme.ok_or_else(|| missing("scheme"))?, self.block) {
            (Scheme::ROWS, None) => Scheme::Rows,
            (Scheme::ROWS, Some(_)) => return Err(end.error(TextProblem::BlockOfRows)),
            (_, None) => return Err(missing("block")),
            // At most 63.
            (_, Some(rows)) => Scheme::Sketch { block_bits: rows.ilog2() as u8 },
        };
        let parts = Parts {
            name: self.name.ok_or_else(|| missing("program"))?.into(),
            depth: self.depth.ok_or_else(|| missing("depth"))?,
            scheme,
            input: self.input.ok_or_else(|| missing("input"))?,
            constants: self.constants,
            steps: self.steps,
        };
        Program::new(parts).map_err(|error| {
            let place = error.subject().and_then(|name| self.names.get(name)).map(|(_, place)| *place);
            place.unwrap_or(Lexer::new("")).error(error.into())
        })
    }
}
