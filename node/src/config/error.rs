//! Why a configuration was not accepted.

use std::borrow::Cow;
use std::path::PathBuf;

use thiserror::Error;

use super::key::variable;
use crate::failure::{Advice, Exit};

/// Why a configuration was not accepted.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not TOML: {reason}", file.display())]
    NotToml {
        /// The file.
        file: PathBuf,
        /// The parser's words.
        reason: String,
    },
    /// A key that does not exist.
    #[error("unknown configuration key `{key}` in {place}")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// File or variable in which it stands.
        place: String,
        /// The valid key that is nearest.
        nearest: String,
    },
    /// A value of the wrong type or form.
    #[error("the configuration is not valid: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// A key that the command needs and nobody gave.
    #[error("`{key}` is not configured")]
    Missing {
        /// The key.
        key: &'static str,
    },
}

impl Advice for ConfigError {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            ConfigError::Unreadable { .. } => "config.unreadable",
            ConfigError::NotToml { .. } => "config.not_toml",
            ConfigError::UnknownKey { .. } => "config.unknown_key",
            ConfigError::Invalid { .. } => "config.invalid",
            ConfigError::Missing { .. } => "config.missing",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        match self {
            ConfigError::Unreadable { .. } => "check the path given with --config or JANCTION_CONFIG".into(),
            ConfigError::NotToml { .. } => "correct the line named above".into(),
            ConfigError::UnknownKey { nearest, .. } => format!("did you mean `{nearest}`?"),
            ConfigError::Invalid { .. } => "see docs/operations.md for every key and its form".into(),
            ConfigError::Missing { key } => {
                format!("set {key} in the file given with --config, or {}", variable(key))
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
