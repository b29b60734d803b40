use std::path::Path;

use toml::{Table, Value};

use super::key::{Key, Kind, collect, keys, set};
use super::{Config, ConfigError};

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
            Kind::Text if key.path == "worker.device" => "cpu",
            Kind::Text if key.path == "prover.work" => "audits",
            Kind::Text if key.path == "prover.engine" => "stock",
            Kind::Text => "x",
            Kind::Number => "1",
            Kind::Numbers => "1, 2",
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
    let page = include_str!("../../../docs/operations.md");
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

#[test]
fn a_list_is_written_with_commas_in_the_environment() {
    let config = load("[worker]\nunits = [3]", &[("JANCTION_WORKER_UNITS", "4, 5")], &[]).expect("valid");
    assert_eq!(config.worker.units, [4, 5]);
    assert!(matches!(load("", &[("JANCTION_WORKER_UNITS", "4;5")], &[]), Err(ConfigError::Invalid { .. })));
    assert!(matches!(load("[worker]\nunits = 3", &[], &[]), Err(ConfigError::Invalid { .. })));
    assert!(matches!(load("[worker]\ndevice = \"gpu\"", &[], &[]), Err(ConfigError::Invalid { .. })));
}
