//! What goes to standard output: text for people, or with `--json` one JSON object.

use std::io::{self, Write};

use serde_json::Value;

/// How a command speaks.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// One JSON object instead of text.
    pub json: bool,
}

impl Output {
    /// Prints `value` with `--json`, otherwise what `text` writes. A closed pipe is not an error of the command.
    pub fn print(self, value: &Value, text: impl FnOnce(&Value) -> String) {
        let text = if self.json { value.to_string() } else { text(value) };
        let _ = writeln!(io::stdout(), "{}", text.trim_end());
    }
}

/// A two-column table; the first column is padded.
pub fn columns(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

/// A table with a line of headings; columns are as wide as their widest cell.
pub fn table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let headings = headings.iter().map(|h| (*h).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(headings).chain(rows).collect();
    let widest = |column: usize| lines.iter().filter_map(|l| l.get(column)).map(String::len).max();
    let line = |cells: &Vec<String>| {
        let cells = cells.iter().enumerate().map(|(i, cell)| {
            let width = widest(i).unwrap_or(0);
            format!("{cell:<width$}")
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}
