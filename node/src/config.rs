//! One configuration for all roles: a TOML file, then `JANCTION_*` variables, then flags; the later wins.
//!
//! [`KEYS`] is the one list of what can be configured. The file, the environment and `janction config` are all read
//! against it, so a key that is not in it is an error wherever it appears.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Table, Value};

use crate::failure::{Advice, Exit};

/// A key of the configuration.
pub struct Key {
    /// Its place in the file, `section.key`.
    pub path: &'static str,
    /// What it is, for `docs/operations.md` and for errors.
    pub what: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

const fn text(path: &'static str, what: &'static str) -> Key {
    Key { path, what, kind: Kind::Text }
}

const fn number(path: &'static str, what: &'static str) -> Key {
    Key { path, what, kind: Kind::Number }
}

/// Everything that can be configured.
pub const KEYS: &[Key] = &[
    text("data_dir", "databases, proofs and keystores of this machine"),
    text("keys_dir", "proving keys and SRS; made once, shared by all check-outs"),
    text("l1.url", "JSON-RPC endpoint of L1"),
    number("l1.chain_id", "the chain that the endpoint must be on"),
    text("l1.rollup", "address of the rollup contract"),
    text("l1.key", "keystore (name or file) of the L1 key that pays for transactions"),
    text("sequencer.listen", "where the sequencer's gRPC interface listens"),
    text("sequencer.url", "where others reach the sequencer"),
    text("prover.listen", "where the prover's health service listens"),
    text("telemetry.log", "log filter, as RUST_LOG"),
    text("telemetry.format", "`text` or `json`"),
    text("telemetry.metrics", "where Prometheus metrics are served; nowhere when absent"),
];

impl Key {
    /// The environment variable that overrides it: `l1.chain_id` is `JANCTION_L1_CHAIN_ID`.
    pub fn variable(&self) -> String {
        format!("JANCTION_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// The `JANCTION_*` variables that are no configuration keys.
const OTHER_VARIABLES: &[&str] = &["JANCTION_CONFIG", "JANCTION_PASSWORD"];

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
    /// Logs and metrics.
    pub telemetry: Telemetry,
}

/// The chain below.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct L1 {
    /// JSON-RPC endpoint.
    pub url: String,
    /// The chain that the endpoint must be on.
    pub chain_id: u64,
    /// Address of the rollup contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollup: Option<String>,
    /// Keystore of the L1 key that pays for transactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sequencer {
    /// Where its gRPC interface listens.
    pub listen: SocketAddr,
    /// Where others reach it.
    pub url: String,
}

/// The prover.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prover {
    /// Where its health service listens.
    pub listen: SocketAddr,
}

/// Logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Log filter, as `RUST_LOG`.
    pub log: String,
    /// How log lines look.
    pub format: LogFormat,
    /// Where Prometheus metrics are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
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
            telemetry: Telemetry::default(),
        }
    }
}

impl Default for L1 {
    fn default() -> Self {
        L1 { url: "http://127.0.0.1:8545".into(), chain_id: 31337, rollup: None, key: None }
    }
}

impl Default for Sequencer {
    fn default() -> Self {
        Sequencer { listen: ([127, 0, 0, 1], 50051).into(), url: "http://127.0.0.1:50051".into() }
    }
}

impl Default for Prover {
    fn default() -> Self {
        Prover { listen: ([127, 0, 0, 1], 50052).into() }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry { log: "info".into(), format: LogFormat::Text, metrics: None }
    }
}

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
    fn code(&self) -> &'static str {
        match self {
            ConfigError::Unreadable { .. } => "config.unreadable",
            ConfigError::NotToml { .. } => "config.not_toml",
            ConfigError::UnknownKey { .. } => "config.unknown_key",
            ConfigError::Invalid { .. } => "config.invalid",
            ConfigError::Missing { .. } => "config.missing",
        }
    }

    fn remedy(&self) -> String {
        match self {
            ConfigError::Unreadable { .. } => "check the path given with --config or JANCTION_CONFIG".into(),
            ConfigError::NotToml { .. } => "correct the line named above".into(),
            ConfigError::UnknownKey { nearest, .. } => format!("did you mean `{nearest}`?"),
            ConfigError::Invalid { .. } => "see docs/operations.md for every key and its form".into(),
            ConfigError::Missing { key } => {
                let variable = KEYS.iter().find(|k| k.path == *key).map(Key::variable).unwrap_or_default();
                format!("set {key} in the file given with --config, or {variable}")
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl Config {
    /// Reads `file` (the defaults, when none is given), then lets `environment` and `flags` override it.
    ///
    /// `flags` are (key, value) pairs of command-line flags, keys as in [`KEYS`].
    ///
    /// # Errors
    /// Unreadable file, not TOML, unknown key (with the nearest valid one), value of the wrong form.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, String)],
    ) -> Result<Self, ConfigError> {
        let mut table = match file {
            None => Table::new(),
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
                let table = text.parse::<Table>().map_err(|e| ConfigError::NotToml {
                    file: file.to_owned(),
                    reason: e.to_string().trim_end().replace('\n', " "),
                })?;
                known_keys_only(&table, "", &file.display().to_string())?;
                table
            }
        };
        for (variable, value) in environment.filter(|(v, _)| v.starts_with("JANCTION_")) {
            let key = KEYS.iter().find(|k| k.variable() == variable);
            match key {
                Some(key) => set(&mut table, key, &value)?,
                None if OTHER_VARIABLES.contains(&variable.as_str()) => {}
                None => {
                    let known = KEYS.iter().map(Key::variable);
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
            let key = KEYS.iter().find(|k| k.path == *path).expect("flags name keys of the list");
            set(&mut table, key, value)?;
        }
        Config::deserialize(Value::Table(table))
            .map_err(|e| ConfigError::Invalid { reason: e.to_string().trim_end().replace('\n', " ") })
    }

    /// The rollup's address.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn rollup(&self) -> Result<&str, ConfigError> {
        self.l1.rollup.as_deref().ok_or(ConfigError::Missing { key: "l1.rollup" })
    }

    /// The folder that holds this machine's keystores.
    pub fn keystore_dir(&self) -> PathBuf {
        self.data_dir.join("keystore")
    }

    /// Every key with its value, for `janction doctor`.
    pub fn flat(&self) -> BTreeMap<String, String> {
        let value = Value::try_from(self).expect("a configuration is TOML");
        let mut flat = BTreeMap::new();
        for key in KEYS {
            let found = key.path.split('.').try_fold(&value, |v, part| v.get(part));
            if let Some(found) = found {
                let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                flat.insert(key.path.to_owned(), text);
            }
        }
        flat
    }
}

fn known_keys_only(table: &Table, prefix: &str, place: &str) -> Result<(), ConfigError> {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let section = KEYS.iter().any(|k| k.path.starts_with(&format!("{path}.")));
        match value {
            Value::Table(inner) if section => known_keys_only(inner, &path, place)?,
            _ if KEYS.iter().any(|k| k.path == path) => {}
            _ => {
                let nearest = nearest(&path, KEYS.iter().map(|k| k.path.to_owned()));
                return Err(ConfigError::UnknownKey { key: path, place: place.to_owned(), nearest });
            }
        }
    }
    Ok(())
}

fn set(table: &mut Table, key: &Key, value: &str) -> Result<(), ConfigError> {
    let value = match key.kind {
        Kind::Text => Value::String(value.to_owned()),
        Kind::Number => Value::Integer(value.parse().map_err(|_| ConfigError::Invalid {
            reason: format!("{} ({}) must be a whole number, not `{value}`", key.path, key.what),
        })?),
    };
    let mut parts = key.path.rsplitn(2, '.');
    let name = parts.next().expect("a path has a last part");
    let table = match parts.next() {
        None => table,
        Some(section) => table
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .expect("sections were checked to be tables"),
    };
    table.insert(name.to_owned(), value);
    Ok(())
}

/// The candidate with the smallest edit distance to `word`.
fn nearest(word: &str, candidates: impl Iterator<Item = String>) -> String {
    candidates.min_by_key(|c| edit_distance(word, c)).unwrap_or_default()
}

/// Levenshtein distance in bytes.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        text: &str,
        environment: &[(&str, &str)],
        flags: &[(&'static str, String)],
    ) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::load(Some(file.path()), environment, flags)
    }

    #[test]
    fn every_key_exists_in_the_struct_and_the_other_way_round() {
        let mut config = Config::default();
        config.l1.rollup = Some("0x00".into());
        config.l1.key = Some("operator".into());
        config.telemetry.metrics = Some(([127, 0, 0, 1], 9000).into());
        assert_eq!(config.flat().len(), KEYS.len(), "KEYS names a field that Config lacks");
        let written = toml::to_string(&config).expect("TOML");
        let table = written.parse::<Table>().expect("TOML");
        known_keys_only(&table, "", "test").expect("Config has a field that KEYS lacks");
        assert_eq!(load(&written, &[], &[]).expect("reads back"), config);
    }

    #[test]
    fn flags_win_over_environment_over_file() {
        let file = "[l1]\nchain_id = 1\nurl = \"a\"\nrollup = \"file\"";
        let environment = [("JANCTION_L1_CHAIN_ID", "2"), ("JANCTION_L1_URL", "b"), ("HOME", "/x")];
        let config = load(file, &environment, &[("l1.url", "c".into())]).expect("valid");
        assert_eq!((config.l1.chain_id, config.l1.url.as_str()), (2, "c"));
        assert_eq!(config.rollup().expect("given"), "file");
    }

    #[test]
    fn an_unknown_key_names_its_nearest_neighbour() {
        for (text, wrong, near) in [
            ("[l1]\nurll = \"x\"", "l1.urll", "l1.url"),
            ("[telemtry]\nlog = \"x\"", "telemtry", "telemetry.log"),
            ("datadir = \"x\"", "datadir", "data_dir"),
            ("l1 = 3", "l1", "l1.url"),
        ] {
            match load(text, &[], &[]) {
                Err(ConfigError::UnknownKey { key, nearest, .. }) => {
                    assert_eq!((key.as_str(), nearest.as_str()), (wrong, near));
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        match load("", &[("JANCTION_L1_ULR", "x")], &[]) {
            Err(ConfigError::UnknownKey { nearest, .. }) => assert_eq!(nearest, "JANCTION_L1_URL"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn wrong_forms_are_refused() {
        assert!(matches!(load("[l1]\nchain_id = \"x\"", &[], &[]), Err(ConfigError::Invalid { .. })));
        assert!(matches!(load("[l1", &[], &[]), Err(ConfigError::NotToml { .. })));
        assert!(matches!(load("", &[("JANCTION_L1_CHAIN_ID", "x")], &[]), Err(ConfigError::Invalid { .. })));
        assert!(matches!(load("[telemetry]\nformat = \"xml\"", &[], &[]), Err(ConfigError::Invalid { .. })));
        let missing = Config::load(Some(Path::new("/does/not/exist")), std::iter::empty(), &[]);
        assert!(matches!(missing, Err(ConfigError::Unreadable { .. })));
        assert!(matches!(Config::default().rollup(), Err(ConfigError::Missing { .. })));
    }
}
