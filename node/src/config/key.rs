//! The one list of what can be configured, and how a key is set.

use std::path::PathBuf;

use janction_sequencer::api::Tls;
use janction_worker::Falsify;
use toml::{Table, Value};

use super::{Config, ConfigError};

/// A key of the configuration: its place in the file, `section.key`, and the type that it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `section.key`, or `section.part.key`.
    pub path: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// Whole numbers; in the environment with commas between them.
    Numbers,
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
    config.worker.key = Some(String::new());
    config.worker.vram_mib = Some(0);
    config.worker.falsify = Some(Falsify { operation: String::new(), rows: Vec::new() });
    config.telemetry.metrics = Some(([127, 0, 0, 1], 0).into());
    let mut keys = Vec::new();
    collect(&Value::try_from(config).expect("a configuration is TOML"), String::new(), &mut keys);
    keys
}

pub(super) fn collect(value: &Value, path: String, keys: &mut Vec<Key>) {
    let kind = match value {
        Value::Table(table) => {
            for (name, value) in table {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, path, keys);
            }
            return;
        }
        Value::Integer(_) => Kind::Number,
        Value::Array(_) => Kind::Numbers,
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

pub(super) fn variable(path: &str) -> String {
    format!("JANCTION_{}", path.replace('.', "_").to_uppercase())
}

pub(super) fn known_keys_only(
    keys: &[Key],
    table: &Table,
    prefix: &str,
    place: &str,
) -> Result<(), ConfigError> {
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

pub(super) fn set(table: &mut Table, key: &Key, value: &str) -> Result<(), ConfigError> {
    let wrong =
        |form: &str| ConfigError::Invalid { reason: format!("{} must be {form}, not `{value}`", key.path) };
    let value = match key.kind {
        Kind::Text => Value::String(value.to_owned()),
        Kind::Number => Value::Integer(value.parse().map_err(|_| wrong("a whole number"))?),
        Kind::Numbers => {
            let numbers = value.split(',').map(str::trim).filter(|number| !number.is_empty());
            let numbers = numbers.map(|number| number.parse().map(Value::Integer)).collect::<Result<_, _>>();
            Value::Array(numbers.map_err(|_| wrong("whole numbers with commas between them"))?)
        }
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
pub(super) fn nearest(word: &str, candidates: impl Iterator<Item = String>) -> String {
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
