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
