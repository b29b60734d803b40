//! The stages of a demonstration: what is being done now, and how long each took.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Seconds of each stage, with a spinner while one is under way and somebody watches.
#[derive(Debug)]
pub struct Stages {
    start: Instant,
    current: Option<(&'static str, Instant)>,
    bar: ProgressBar,
    quiet: bool,
    seconds: Vec<(String, f64)>,
}

impl Stages {
    /// No stage yet. Nothing is shown with `quiet`, or when standard error is no terminal but for a line a stage.
    pub fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let bar = if shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Stages { start: Instant::now(), current: None, bar, quiet, seconds: Vec::new() }
    }

    /// Ends the stage under way and begins another.
    pub fn begin(&mut self, name: &'static str, what: &str) {
        self.end();
        self.current = Some((name, Instant::now()));
        self.bar.reset_elapsed();
        self.bar.set_message(what.to_owned());
        if !self.quiet && self.bar.is_hidden() {
            eprintln!("{what} ...");
        }
    }

    /// Says more about the stage under way.
    pub fn detail(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    /// Ends the stage under way.
    pub fn end(&mut self) {
        if let Some((name, since)) = self.current.take() {
            let seconds = since.elapsed().as_secs_f64();
            if !self.quiet {
                self.bar.suspend(|| eprintln!("  {name:<12} {seconds:>7.1} s"));
            }
            self.seconds.push((name.to_owned(), seconds));
        }
    }

    /// Ends the last stage; the seconds of each and of all.
    pub fn finish(mut self) -> (BTreeMap<String, f64>, Vec<String>, f64) {
        self.end();
        self.bar.finish_and_clear();
        let order = self.seconds.iter().map(|(name, _)| name.clone()).collect();
        (self.seconds.into_iter().collect(), order, self.start.elapsed().as_secs_f64())
    }
}
