//! Starting the binary in a home of its own.

// Each test file is a crate and uses a part of this.
#![allow(dead_code)]

pub mod chain;
pub mod proxy;

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

    /// The binary with `arguments`, on a disk where files cannot grow beyond so many blocks of 512 bytes. A limit on the
    /// size of files stands for the full disk: writes fail in the same places, without a disk of the test's own.
    pub fn command_on_full_disk(&self, blocks: u32, arguments: &[&str]) -> Command {
        let plain = self.command(arguments);
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(plain.get_program()).args(plain.get_args());
        for (variable, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        command.current_dir(self.home()).stdin(Stdio::null());
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

    /// The error's code, of a run with `--json` that failed.
    pub fn error_code(&self) -> String {
        let errors = self.errors();
        let error: Value = serde_json::from_str(errors.lines().last().unwrap_or_default())
            .unwrap_or_else(|e| panic!("{e}: {errors}"));
        error["error"]["code"].as_str().expect("a code").to_owned()
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
