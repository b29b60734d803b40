//! What a user sees when something goes wrong: a stable code, one line of what happened, one line of what to do.
//!
//! Every error type of the binary, and every error of a library that reaches the user, implements [`Advice`]. The
//! codes and the exit statuses are an interface (`docs/operations.md`); scripts may rely on them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use serde_json::json;

/// Exit statuses of the binary. 2 is also what clap answers to a wrong command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for was done.
    Success = 0,
    /// The operation failed or was refused; nothing is half done.
    Failed = 1,
    /// The command line or the configuration is wrong; nothing was tried.
    Usage = 2,
    /// `audit`: everything that was checked is right, but not everything was checked.
    Unchecked = 3,
    /// `audit`: something that was checked is wrong.
    Mismatch = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// What a user needs beside an error's message.
pub trait Advice: Error + Send + Sync + 'static {
    /// A stable identifier, `area.what`.
    fn code(&self) -> Cow<'static, str>;
    /// What to do about it, in one line.
    fn remedy(&self) -> String;
    /// The exit status that it leads to.
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}

/// Any error on its way to the user.
#[derive(Debug)]
pub struct Failure(Box<dyn Advice>);

impl<E: Advice> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(Box::new(error))
    }
}

impl Failure {
    /// The exit status that it leads to.
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        self.0.remedy()
    }

    /// The message with its causes, unless a message already ends in its cause's.
    pub fn message(&self) -> String {
        let mut message = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        message
    }

    /// As `{"error": {"code", "message", "remedy"}}`.
    pub fn to_json(&self) -> serde_json::Value {
        json!({ "error": { "code": self.0.code(), "message": self.message(), "remedy": self.0.remedy() } })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}\n  remedy: {}", self.0.code(), self.message(), self.0.remedy())
    }
}

/// The result of every command.
pub type Outcome<T = ()> = Result<T, Failure>;
