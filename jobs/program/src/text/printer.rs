//! From a program to text.

use std::fmt::{Display, Write};

use crate::{
    commitment::Scheme,
    program::{Constant, ConstantId, Program, ValueId},
    requantise::{PerColumn, Requantise},
    rounding::Rounding,
};

/// Collects the text of a program.
pub(crate) struct Printer<'p> {
    program: &'p Program,
    text: String,
    /// Whether a field of the current operation was written.
    in_fields: bool,
}

/// A shift, and where halves go unless they go up.
pub(crate) fn rounded(shift: u8, rounding: Rounding) -> String {
    match rounding.word() {
        None => shift.to_string(),
        Some(word) => format!("{shift} {word}"),
    }
}

/// The text form of `program`.
#[must_use]
pub fn print(program: &Program) -> String {
    let mut printer = Printer { program, text: String::new(), in_fields: false };
    let input = program.input();
    printer.line(format_args!("program {}\nscheme {}", program.name(), program.scheme().code()));
    if let Scheme::Sketch { .. } = program.scheme() {
        printer.line(format_args!("block {}", program.scheme().block_rows()));
    }
    printer.line(format_args!("depth {}\n", program.depth()));
    printer.line(format_args!("input {}: {input}\n", input.name));
    for constant in program.constants() {
        printer.print_constant(constant);
    }
    for step in program.steps() {
        let (output, kind) = (&step.output, step.operation.kind().name());
        printer.write(format_args!("{}: {output} = {kind}", output.name));
        step.operation.print(&mut printer);
        printer.end_fields();
    }
    printer.line(format_args!("output {}", program.output().name));
    printer.text
}

impl<'p> Printer<'p> {
    fn write(&mut self, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{text}");
    }

    fn line(&mut self, text: impl Display) {
        self.write(text);
        self.text.push('\n');
    }

    fn print_constant(&mut self, constant: &Constant) {
        let t = &constant.tensor;
        self.line(format_args!("const {}: {}[{}, {}] = [", constant.name, t.dtype(), t.rows(), t.columns()));
        for row in 0..t.rows() {
            self.text.push_str("  [");
            for column in 0..t.columns() {
                let separator = if column == 0 { "" } else { ", " };
                self.write(format_args!("{separator}{}", t.get(row, column)));
            }
            self.text.push_str("],\n");
        }
        self.text.push_str("]\n\n");
    }

    fn end_fields(&mut self) {
        if std::mem::take(&mut self.in_fields) {
            self.text.push('}');
        }
        self.text.push_str("\n\n");
    }

    /// Name of a value.
    pub fn value(&self, id: ValueId) -> &'p str {
        &self.program.value(id).name
    }

    /// Name of a constant.
    pub fn constant(&self, id: ConstantId) -> &'p str {
        &self.program.constants()[id.0].name
    }

    /// `(a, b)`
    pub fn operands(&mut self, names: &[&str]) {
        self.write(format_args!("({})", names.join(", ")));
    }

    /// A field on a line of its own.
    pub fn field(&mut self, name: &str, value: impl Display) {
        if !std::mem::replace(&mut self.in_fields, true) {
            self.text.push_str(" {\n");
        }
        self.line(format_args!("  {name} {value}"));
    }

    /// A field that is one entry or a list of them.
    pub fn per_column<T>(&mut self, name: &str, values: &PerColumn<T>, entry: impl Fn(&T) -> String) {
        match values {
            PerColumn::All(value) => self.field(name, entry(value)),
            PerColumn::Each(values) => {
                let entries: Vec<_> = values.iter().map(entry).collect();
                self.field(name, format_args!("[{}]", entries.join(", ")));
            }
        }
    }

    /// A field that is a list of numbers.
    pub fn list<T: ToString>(&mut self, name: &str, numbers: &[T]) {
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        self.field(name, format_args!("[{}]", numbers.join(", ")));
    }

    /// The field `requantise`.
    pub fn requantise(&mut self, entries: &PerColumn<Requantise>) {
        self.per_column("requantise", entries, |r| {
            format!("{} >> {}", r.multiplier, rounded(r.shift, r.rounding))
        });
    }

    /// The field `clamp`.
    pub fn clamp(&mut self, (low, high): (i32, i32)) {
        self.field("clamp", format_args!("{low} {high}"));
    }
}
