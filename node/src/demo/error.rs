//! Why a demonstration ended early.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::failure::Advice;

/// Why a demonstration ended early.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The contracts and scripts are not where they should be.
    #[error("{} is no check-out of the repository", folder.display())]
    NoCheckout {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// A file or folder of the demonstration.
    #[error("cannot write {}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program does not start.
    #[error("{name} does not start")]
    Start {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A process ended by itself.
    #[error("{name} ended by itself ({status}); the end of its log:\n    {last}")]
    Ended {
        /// Which.
        name: String,
        /// How.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        last: String,
    },
    /// A process does not listen.
    #[error("{name} does not listen on {address}")]
    Silent {
        /// Which.
        name: String,
        /// Where.
        address: SocketAddr,
        /// Its log.
        log: PathBuf,
    },
    /// No free port.
    #[error("no free port")]
    NoPort(#[source] io::Error),
    /// The deployment failed.
    #[error("the deployment failed: {reason}")]
    Deployment {
        /// What the script said.
        reason: String,
    },
    /// A command failed.
    #[error("`{command}` failed with {code}: {reason}")]
    Command {
        /// What was run.
        command: String,
        /// Its code.
        code: String,
        /// Its message.
        reason: String,
    },
    /// Something took too long.
    #[error("{what} took more than {seconds} s")]
    Slow {
        /// What.
        what: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// Stopped by a signal.
    #[error("stopped by a signal")]
    Stopped,
    /// An answer that cannot be read.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
}

impl Advice for DemoError {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            DemoError::NoCheckout { .. } => "demo.no_checkout",
            DemoError::File { .. } => "demo.file",
            DemoError::Start { .. } => "demo.start",
            DemoError::Ended { .. } => "demo.ended",
            DemoError::Silent { .. } => "demo.silent",
            DemoError::NoPort(_) => "demo.no_port",
            DemoError::Deployment { .. } => "demo.deployment",
            DemoError::Command { .. } => "demo.command",
            DemoError::Slow { .. } => "demo.slow",
            DemoError::Stopped => "demo.stopped",
            DemoError::Unreadable { .. } => "demo.unreadable",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        match self {
            DemoError::NoCheckout { .. } => "run it in the repository's root, or use `make demo`".into(),
            DemoError::File { .. } => "check space and permissions there".into(),
            DemoError::Start { .. } => "run `make setup`, then `janction doctor`".into(),
            DemoError::Ended { log, .. } | DemoError::Silent { log, .. } => format!("read {}", log.display()),
            DemoError::NoPort(_) => "close programs that hold ports".into(),
            DemoError::Deployment { .. } => "read target/demo/logs/deploy.log".into(),
            DemoError::Command { .. } => "read the logs in target/demo/logs".into(),
            DemoError::Slow { .. } => {
                "read the logs in target/demo/logs; `janction doctor` says what the machine lacks".into()
            }
            DemoError::Stopped => "run it again; it starts from nothing each time".into(),
            DemoError::Unreadable { .. } => "read the logs in target/demo/logs".into(),
        }
    }
}
