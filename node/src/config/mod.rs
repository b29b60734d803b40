//! One configuration for all roles: a TOML file, then `JANCTION_*` variables, then flags; the later wins.
//!
//! [`key`] has the one list of what can be configured. File and environment are both read against it, so a key that is
//! not in it is an error wherever it appears. A section is a file.

mod error;
mod key;
mod l1;
mod prover;
mod sequencer;
mod telemetry;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use error::ConfigError;
pub use key::{Key, keys};
pub use l1::L1;
pub use prover::Prover;
pub use sequencer::Sequencer;
pub use telemetry::{LogFormat, Telemetry};
pub use worker::Worker;

use key::{known_keys_only, nearest, set};

/// The `JANCTION_*` variables that are no configuration keys.
const OTHER_VARIABLES: &[&str] = &[
    "JANCTION_CONFIG",
    "JANCTION_PASSWORD",
    "JANCTION_L1_SECRET",
    // Of the deployment script, and of the lanes that proofs are made on.
    "JANCTION_DEPLOYER_KEY",
    "JANCTION_SIMD",
];

/// The configuration as the roles read it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Databases, proofs and keystores of this machine.
    pub data_dir: PathBuf,
    /// Proving keys and SRS.
    pub keys_dir: PathBuf,
    /// The chain below.
    pub l1: L1,
    /// The sequencer.
    pub sequencer: Sequencer,
    /// The prover.
    pub prover: Prover,
    /// The worker.
    pub worker: Worker,
    /// Logs and metrics.
    pub telemetry: Telemetry,
}

/// The folder `name` of the XDG base directory `variable`, with its default below the home folder.
fn xdg(variable: &str, default: &str) -> PathBuf {
    let base = std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into()));
    base.unwrap_or_else(|| home().join(default)).join("janction")
}

impl Default for Config {
    fn default() -> Self {
        Config {
            data_dir: xdg("XDG_DATA_HOME", ".local/share"),
            keys_dir: xdg("XDG_CACHE_HOME", ".cache").join("keys"),
            l1: L1::default(),
            sequencer: Sequencer::default(),
            prover: Prover::default(),
            worker: Worker::default(),
            telemetry: Telemetry::default(),
        }
    }
}

impl Config {
    /// Reads `file` (the defaults, when none is given), then lets `environment` and `flags` override it.
    ///
    /// `flags` are (key, value) pairs of command-line flags, keys as in [`keys`].
    ///
    /// # Errors
    /// Unreadable file, not TOML, unknown key (with the nearest valid one), value of the wrong form.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, String)],
    ) -> Result<Self, ConfigError> {
        let keys = keys();
        let mut table = match file {
            None => Table::new(),
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
                let table = text.parse::<Table>().map_err(|e| ConfigError::NotToml {
                    file: file.to_owned(),
                    reason: e.to_string().trim_end().replace('\n', " "),
                })?;
                known_keys_only(&keys, &table, "", &file.display().to_string())?;
                table
            }
        };
        for (variable, value) in environment.filter(|(v, _)| v.starts_with("JANCTION_")) {
            let key = keys.iter().find(|k| k.variable() == variable);
            match key {
                Some(key) => set(&mut table, key, &value)?,
                None if OTHER_VARIABLES.contains(&variable.as_str()) => {}
                None => {
                    let known = keys.iter().map(Key::variable);
                    let nearest = nearest(&variable, known);
                    return Err(ConfigError::UnknownKey {
                        key: variable,
                        place: "the environment".into(),
                        nearest,
                    });
                }
            }
        }
        for (path, value) in flags {
            let key = keys.iter().find(|k| k.path == *path).expect("flags name keys of the list");
            set(&mut table, key, value)?;
        }
        Config::deserialize(Value::Table(table))
            .map_err(|e| ConfigError::Invalid { reason: e.to_string().trim_end().replace('\n', " ") })
    }

    /// The folder that holds this machine's keystores.
    pub fn keystore_dir(&self) -> PathBuf {
        self.data_dir.join("keystore")
    }

    /// Every key with its value, for `janction doctor`.
    pub fn flat(&self) -> BTreeMap<String, String> {
        let value = Value::try_from(self).expect("a configuration is TOML");
        let mut flat = BTreeMap::new();
        for Key { path, .. } in keys() {
            let found = path.split('.').try_fold(&value, |v, part| v.get(part));
            if let Some(found) = found {
                let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                flat.insert(path, text);
            }
        }
        flat
    }
}
