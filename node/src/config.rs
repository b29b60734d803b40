//! One configuration for all roles: a TOML file, then `JANCTION_*` variables, then flags; the later wins.
//!
//! [`keys`] is the one list of what can be configured. File and environment are both read against it, so a key that is
//! not in it is an error wherever it appears.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use janction_sequencer::api::{ApiConfig, Tls};
use janction_sequencer::batcher::{BatchConfig, LeaseConfig};
use janction_sequencer::mempool::MempoolConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Table, Value};

use crate::failure::{Advice, Exit};

/// A key of the configuration: its place in the file, `section.key`, and the type that it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `section.key`, or `section.part.key`.
    pub path: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Switch,
}

/// Everything that can be configured: the fields of [`Config`], found by writing one in which every optional field is
/// set.
pub fn keys() -> Vec<Key> {
    let mut config = Config::default();
    config.l1.rollup = Some(String::new());
    config.l1.key = Some(String::new());
    config.sequencer.tls =
        Some(Tls { certificate: PathBuf::new(), key: PathBuf::new(), client_ca: Some(PathBuf::new()) });
    config.prover.payee = Some(String::new());
    config.prover.srs_file = Some(PathBuf::new());
    config.prover.srs_blake3 = Some(String::new());
    config.telemetry.metrics = Some(([127, 0, 0, 1], 0).into());
    let mut keys = Vec::new();
    collect(&Value::try_from(config).expect("a configuration is TOML"), String::new(), &mut keys);
    keys
}

fn collect(value: &Value, path: String, keys: &mut Vec<Key>) {
    let kind = match value {
        Value::Table(table) => {
            for (name, value) in table {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, path, keys);
            }
            return;
        }
        Value::Integer(_) => Kind::Number,
        Value::Boolean(_) => Kind::Switch,
        _ => Kind::Text,
    };
    keys.push(Key { path, kind });
}

impl Key {
    /// The environment variable that overrides it: `l1.chain_id` is `JANCTION_L1_CHAIN_ID`.
    pub fn variable(&self) -> String {
        variable(&self.path)
    }
}

fn variable(path: &str) -> String {
    format!("JANCTION_{}", path.replace('.', "_").to_uppercase())
}

/// The `JANCTION_*` variables that are no configuration keys.
const OTHER_VARIABLES: &[&str] = &["JANCTION_CONFIG", "JANCTION_PASSWORD", "JANCTION_L1_SECRET"];

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
    /// L1 block of the deployment.
    pub first_block: u64,
    /// Keystore of the L1 key that pays for transactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Blocks on top of what the sequencer takes over; 0 is for development chains.
    pub confirmations: u64,
    /// How often the sequencer looks at L1, milliseconds.
    pub poll_ms: u64,
    /// The longest wait between two attempts while L1 does not answer, milliseconds.
    pub max_backoff_ms: u64,
    /// The longest wait for an answer, milliseconds.
    pub timeout_ms: u64,
    /// Blocks whose events are asked for at once.
    pub max_block_range: u64,
    /// The fee cap per gas that is never exceeded, wei.
    pub max_fee_per_gas: u64,
    /// After how long without being mined a transaction is sent again with a higher fee, milliseconds.
    pub bump_after_ms: u64,
    /// How much higher, in percent.
    pub bump_percent: u64,
}

/// The sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sequencer {
    /// Where its gRPC interface listens.
    pub listen: SocketAddr,
    /// Where others reach it.
    pub url: String,
    /// TLS; without it, traffic is in the clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The largest message that is accepted, bytes.
    pub max_message_bytes: usize,
    /// The longest that a request may take, milliseconds.
    pub timeout_ms: u64,
    /// Requests in work at once.
    pub max_requests: usize,
    /// Requests and streams of one connection.
    pub max_streams_per_connection: u32,
    /// How long requests in work may take after the order to stop, milliseconds.
    pub shutdown_ms: u64,
    /// The mempool.
    pub mempool: MempoolConfig,
    /// When batches are sealed and how large they get.
    pub batch: BatchConfig,
    /// What provers are given.
    pub lease: LeaseConfig,
}

/// The prover.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prover {
    /// L1 address that is paid for proofs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee: Option<String>,
    /// Most batches in one proof; 0: as many as the sequencer offers.
    pub max_batches: u32,
    /// Seconds between two questions for work when there is none.
    pub poll_seconds: u64,
    /// Powers-of-tau file of a ceremony.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srs_file: Option<PathBuf>,
    /// Its BLAKE3 hash, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srs_blake3: Option<String>,
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
        let theirs = janction_sequencer::l1::L1Config::default();
        L1 {
            url: theirs.url,
            chain_id: theirs.chain_id,
            rollup: None,
            first_block: theirs.start_block,
            key: None,
            confirmations: theirs.confirmations,
            poll_ms: theirs.poll_ms,
            max_backoff_ms: theirs.max_backoff_ms,
            timeout_ms: theirs.timeout_ms,
            max_block_range: theirs.max_block_range,
            max_fee_per_gas: u64::try_from(theirs.max_fee_per_gas).unwrap_or(u64::MAX),
            bump_after_ms: theirs.bump_after_ms,
            bump_percent: theirs.bump_percent,
        }
    }
}

impl Default for Sequencer {
    fn default() -> Self {
        let ApiConfig {
            listen,
            tls,
            max_message_bytes,
            timeout_ms,
            max_requests,
            max_streams_per_connection,
            shutdown_ms,
        } = ApiConfig::default();
        Sequencer {
            listen,
            url: format!("http://{listen}"),
            tls,
            max_message_bytes,
            timeout_ms,
            max_requests,
            max_streams_per_connection,
            shutdown_ms,
            mempool: MempoolConfig::default(),
            batch: BatchConfig::default(),
            lease: LeaseConfig::default(),
        }
    }
}

impl Default for Prover {
    fn default() -> Self {
        Prover { payee: None, max_batches: 0, poll_seconds: 2, srs_file: None, srs_blake3: None }
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

    /// The rollup's address.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn rollup(&self) -> Result<&str, ConfigError> {
        self.l1.rollup.as_deref().ok_or(ConfigError::Missing { key: "l1.rollup" })
    }

    /// The keystore of the L1 key.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn l1_key(&self) -> Result<&str, ConfigError> {
        self.l1.key.as_deref().ok_or(ConfigError::Missing { key: "l1.key" })
    }

    /// The sequencer's own configuration.
    ///
    /// # Errors
    /// No rollup, or one whose address does not parse.
    pub fn sequencer(&self) -> Result<janction_sequencer::Config, ConfigError> {
        let rollup = self.rollup()?;
        let rollup = rollup.parse().map_err(|e: janction_protocol::address::AddressError| {
            ConfigError::Invalid { reason: format!("l1.rollup: {e}") }
        })?;
        let (l1, own) = (&self.l1, &self.sequencer);
        Ok(janction_sequencer::Config {
            database: self.data_dir.join("sequencer"),
            api: ApiConfig {
                listen: own.listen,
                tls: own.tls.clone(),
                max_message_bytes: own.max_message_bytes,
                timeout_ms: own.timeout_ms,
                max_requests: own.max_requests,
                max_streams_per_connection: own.max_streams_per_connection,
                shutdown_ms: own.shutdown_ms,
            },
            l1: janction_sequencer::l1::L1Config {
                url: l1.url.clone(),
                chain_id: l1.chain_id,
                rollup,
                start_block: l1.first_block,
                confirmations: l1.confirmations,
                poll_ms: l1.poll_ms,
                max_backoff_ms: l1.max_backoff_ms,
                timeout_ms: l1.timeout_ms,
                max_block_range: l1.max_block_range,
                max_fee_per_gas: l1.max_fee_per_gas.into(),
                bump_after_ms: l1.bump_after_ms,
                bump_percent: l1.bump_percent,
            },
            mempool: own.mempool.clone(),
            batch: own.batch.clone(),
            lease: own.lease.clone(),
        })
    }

    /// The prover's own configuration. Without a payee its address is zero, which the prover refuses.
    ///
    /// # Errors
    /// A payee that does not parse, or an SRS file without its hash.
    pub fn prover(&self) -> Result<janction_prover::ProverConfig, ConfigError> {
        let own = &self.prover;
        let payee = match &own.payee {
            None => janction_protocol::Address::ZERO,
            Some(text) => text.parse().map_err(|e: janction_protocol::address::AddressError| {
                ConfigError::Invalid { reason: format!("prover.payee: {e}") }
            })?,
        };
        let srs = match (&own.srs_file, &own.srs_blake3) {
            (None, None) => janction_prover::SrsSource::Development,
            (Some(file), Some(blake3)) => {
                janction_prover::SrsSource::Ceremony { file: file.clone(), blake3: blake3.clone() }
            }
            (Some(_), None) => return Err(ConfigError::Missing { key: "prover.srs_blake3" }),
            (None, Some(_)) => return Err(ConfigError::Missing { key: "prover.srs_file" }),
        };
        Ok(janction_prover::ProverConfig {
            sequencer: self.sequencer.url.clone(),
            payee,
            max_batches: own.max_batches,
            data: self.data_dir.join("prover"),
            keys: self.keys_dir.clone(),
            chain_id: self.l1.chain_id,
            srs,
            poll_seconds: own.poll_seconds,
        })
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

fn known_keys_only(keys: &[Key], table: &Table, prefix: &str, place: &str) -> Result<(), ConfigError> {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let section = keys.iter().any(|k| k.path.starts_with(&format!("{path}.")));
        match value {
            Value::Table(inner) if section => known_keys_only(keys, inner, &path, place)?,
            _ if keys.iter().any(|k| k.path == path) => {}
            _ => {
                let nearest = nearest(&path, keys.iter().map(|k| k.path.clone()));
                return Err(ConfigError::UnknownKey { key: path, place: place.to_owned(), nearest });
            }
        }
    }
    Ok(())
}

fn set(table: &mut Table, key: &Key, value: &str) -> Result<(), ConfigError> {
    let wrong =
        |form: &str| ConfigError::Invalid { reason: format!("{} must be {form}, not `{value}`", key.path) };
    let value = match key.kind {
        Kind::Text => Value::String(value.to_owned()),
        Kind::Number => Value::Integer(value.parse().map_err(|_| wrong("a whole number"))?),
        Kind::Switch => Value::Boolean(value.parse().map_err(|_| wrong("true or false"))?),
    };
    let mut parts = key.path.split('.').rev();
    let name = parts.next().expect("a path has a last part");
    let sections: Vec<&str> = parts.rev().collect();
    let table = sections.into_iter().fold(table, |table, section| {
        let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        inner.as_table_mut().expect("sections were checked to be tables")
    });
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
    fn every_optional_field_is_among_the_keys() {
        // A field that is None in the default and forgotten in `keys` would be refused everywhere.
        let mut written = Table::new();
        for key in keys() {
            let value = match key.kind {
                Kind::Text if key.path.ends_with("listen") || key.path.ends_with("metrics") => "127.0.0.1:1",
                Kind::Text if key.path == "telemetry.format" => "json",
                Kind::Text => "x",
                Kind::Number => "1",
                Kind::Switch => "true",
            };
            set(&mut written, &key, value).expect("fits");
        }
        let config = load(&written.to_string(), &[], &[]).expect("every key can be set");
        let all = Value::try_from(&config).expect("TOML");
        let mut found = Vec::new();
        collect(&all, String::new(), &mut found);
        assert_eq!(found, keys());
    }

    #[test]
    fn every_key_is_documented() {
        let page = include_str!("../../docs/operations.md");
        for Key { path, .. } in keys() {
            assert!(page.contains(&format!("| `{path}` |")), "docs/operations.md lacks {path}");
        }
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
            ("l1 = 3", "l1", "l1.key"),
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
