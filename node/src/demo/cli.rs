//! The commands of this same binary, run as a user would run them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::DemoError;

/// The password of the demonstration's keystores, which live in `target/demo` and hold play money.
pub const PASSWORD: &str = "demonstration";

/// Runs commands with one configuration.
#[derive(Clone, Debug)]
pub struct Cli {
    binary: PathBuf,
    config: PathBuf,
}

impl Cli {
    /// Commands with this configuration file.
    ///
    /// # Errors
    /// This program's own file is not known.
    pub fn new(config: &Path) -> Result<Self, DemoError> {
        let binary =
            std::env::current_exe().map_err(|source| DemoError::Start { name: "janction".into(), source })?;
        Ok(Cli { binary, config: config.to_owned() })
    }

    /// What a command answers with `--json`.
    ///
    /// # Errors
    /// It is refused or fails: with its own code and message.
    pub async fn run(&self, arguments: &[&str]) -> Result<Value, DemoError> {
        self.run_as(None, arguments).await
    }

    /// The same, with an L1 key.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub async fn run_as(&self, l1_secret: Option<&str>, arguments: &[&str]) -> Result<Value, DemoError> {
        let output = self.output(l1_secret, arguments).await?;
        let command = || format!("janction {}", arguments.join(" "));
        if !output.status.success() {
            let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
            let code = error["error"]["code"].as_str().unwrap_or("unknown").to_owned();
            let reason = error["error"]["message"]
                .as_str()
                .map_or_else(|| String::from_utf8_lossy(&output.stderr).trim().to_owned(), ToOwned::to_owned);
            return Err(DemoError::Command { command: command(), code, reason });
        }
        serde_json::from_slice(&output.stdout).map_err(|e| DemoError::Unreadable {
            what: "a command's answer",
            reason: format!("{}: {e}", command()),
        })
    }

    /// Runs a command whatever its exit status means.
    ///
    /// # Errors
    /// It does not start.
    pub async fn output(
        &self,
        l1_secret: Option<&str>,
        arguments: &[&str],
    ) -> Result<std::process::Output, DemoError> {
        let mut command = tokio::process::Command::new(&self.binary);
        command.arg("--json").arg("--config").arg(&self.config).args(arguments);
        command.env("JANCTION_PASSWORD", PASSWORD).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(secret) = l1_secret {
            command.env("JANCTION_L1_SECRET", secret);
        }
        let name = || format!("janction {}", arguments.first().copied().unwrap_or_default());
        command.output().await.map_err(|source| DemoError::Start { name: name(), source })
    }
}
