//! What is shown while something takes more than a second: a spinner or a bar, at a terminal only.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// What is under way. It disappears when it is dropped.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Something of unknown length.
    pub fn spinner(output: Output, what: &str) -> Self {
        let bar = if shown(output) { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        Self::begin(bar, "{spinner} {msg}  {elapsed}", what)
    }

    /// A transfer of `bytes` bytes.
    pub fn bytes(output: Output, what: &str, bytes: u64) -> Self {
        let bar = if shown(output) { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
        Self::begin(bar, "{spinner} {msg}  [{bar:30}] {bytes}/{total_bytes}  {bytes_per_sec}", what)
    }

    /// So many steps of about the same length.
    pub fn steps(output: Output, what: &str, steps: u64) -> Self {
        let bar = if shown(output) { ProgressBar::new(steps) } else { ProgressBar::hidden() };
        Self::begin(bar, "{spinner} {msg}  [{bar:30}] {pos}/{len}  {elapsed}", what)
    }

    fn begin(bar: ProgressBar, template: &str, what: &str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(bar)
    }

    /// Says something else of what is under way.
    pub fn say(&self, what: String) {
        self.0.set_message(what);
    }

    /// So many more bytes or steps.
    pub fn advance(&self, more: u64) {
        self.0.inc(more);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Somebody watches, and wants to read text.
fn shown(output: Output) -> bool {
    !output.json && std::io::stderr().is_terminal()
}
