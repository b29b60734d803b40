//! Tokens of the text form, with their places.

use std::fmt;

use super::{TextError, TextProblem};

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Name(&'t str),
    /// An integer as written; its range depends on where it stands.
    Integer(&'t str),
    Sign(&'static str),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Integer(text) => write!(f, "{text:?}"),
            Self::Sign(text) => write!(f, "{text:?}"),
            Self::End => f.write_str("the end of the text"),
        }
    }
}

/// All signs; the text is matched against them in this order.
const SIGNS: [&str; 10] = [">>", ":", "=", ",", "[", "]", "(", ")", "{", "}"];

/// A place in the text, from which the next token is read. Copying it is how the parser looks ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'t> {
    rest: &'t str,
    pub line: usize,
    pub column: usize,
}

impl<'t> Lexer<'t> {
    pub const fn new(text: &'t str) -> Self {
        Self { rest: text, line: 1, column: 1 }
    }

    pub const fn error(&self, problem: TextProblem) -> TextError {
        TextError { line: self.line, column: self.column, problem }
    }

    /// Takes the first `length` bytes, which hold no line break and end at a character boundary.
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.column += taken.chars().count();
        taken
    }

    /// Skips spaces, line breaks and comments (`#` to the end of the line).
    fn skip_blank(&mut self) {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\n' => {
                    self.rest = &self.rest[1..];
                    self.line += 1;
                    self.column = 1;
                }
                '#' => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.take(end);
                }
                c if c.is_whitespace() => {
                    self.take(c.len_utf8());
                }
                _ => break,
            }
        }
    }

    /// Moves to the next token and returns its place with it; the lexer then stands behind it.
    pub fn next(&mut self) -> Result<(Self, Token<'t>), TextError> {
        self.skip_blank();
        let place = *self;
        let Some(first) = self.rest.chars().next() else {
            return Ok((place, Token::End));
        };
        let length_while = |from: usize, fits: fn(char) -> bool| {
            from + self.rest[from..].find(|c| !fits(c)).unwrap_or(self.rest.len() - from)
        };
        let token = if first.is_ascii_alphabetic() || first == '_' {
            let length = length_while(0, |c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            Token::Name(self.take(length))
        } else if first.is_ascii_digit() || first == '-' {
            let length = length_while(1, |c| c.is_ascii_digit());
            Token::Integer(self.take(length))
        } else {
            let sign = SIGNS.into_iter().find(|sign| self.rest.starts_with(sign));
            let sign = sign.ok_or_else(|| place.error(TextProblem::Character(first)))?;
            self.take(sign.len());
            Token::Sign(sign)
        };
        Ok((place, token))
    }
}
