//! Starting the binary in a home of its own.

// Each test file is a crate and uses a part of this.
#![allow(dead_code)]

pub mod chain;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A machine of its own: an empty home folder and no configuration in the environment.
pub struct Machine {
    home: TempDir,
}

impl Machine {
    /// A fresh machine.
    pub fn new() -> Self {
        Machine { home: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Its home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into its home.
    pub fn write(&self, name: &str, text: &str) -> String {
        let file = self.home().join(name);
        std::fs::write(&file, text).expect("written");
        file.to_str().expect("UTF-8").to_owned()
    }

    /// The binary with `arguments`, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_janction"));
        for (variable, _) in
            std::env::vars().filter(|(v, _)| v.starts_with("JANCTION_") || v.starts_with("XDG_"))
        {
            command.env_remove(variable);
        }
        command.env("HOME", self.home()).current_dir(self.home()).stdin(Stdio::null()).args(arguments);
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        Finished(self.command(arguments).output().expect("the binary starts"))
    }

    /// Runs the binary with one more environment variable.
    pub fn run_with(&self, variable: &str, value: &str, arguments: &[&str]) -> Finished {
        Finished(self.command(arguments).env(variable, value).output().expect("the binary starts"))
    }
}

/// What a run left behind.
pub struct Finished(pub Output);

impl Finished {
    /// Its exit status.
    pub fn status(&self) -> i32 {
        self.0.status.code().expect("not ended by a signal")
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).expect("UTF-8")
    }

    /// Standard error as text.
    pub fn errors(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).expect("UTF-8")
    }

    /// Standard output as JSON, of a run that must have succeeded.
    pub fn json(&self) -> Value {
        assert_eq!(self.status(), 0, "{}", self.errors());
        serde_json::from_slice(&self.0.stdout).expect("standard output is JSON")
    }

    /// Asserts exit status and error code, on a run with `--json`; the message.
    pub fn must_fail(&self, status: i32, code: &str) -> String {
        assert_eq!(self.status(), status, "{}\n{}", self.text(), self.errors());
        let errors = self.errors();
        let line = errors.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {errors}"));
        assert_eq!(error["error"]["code"], code, "{error}");
        assert!(!error["error"]["remedy"].as_str().expect("a remedy").is_empty());
        error["error"]["message"].as_str().expect("a message").to_owned()
    }
}
