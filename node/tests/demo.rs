//! The demonstration, as `make demo` runs it.

mod support;

use std::path::Path;

use serde_json::Value;

use support::Machine;

#[test]
fn the_demonstration_holds_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let repository = repository.to_str().expect("UTF-8");
    // Keys are made once and kept beside the build, not in the throw-away home.
    let keys = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys");
    let keys = std::env::var("JANCTION_KEYS_DIR").unwrap_or_else(|_| keys.display().to_string());
    let arguments = ["--json", "demo", "--repository", repository];
    let report = machine.run_with("JANCTION_KEYS_DIR", &keys, &arguments).json();
    assert_eq!(report["holds"], true, "{report}");
    let checks = report["checks"].as_array().expect("checks");
    assert!(checks.len() >= 7 && checks.iter().all(|c| c["holds"] == true), "{report}");
    assert!(report["commit_gas"].as_array().is_some_and(|gas| !gas.is_empty()), "{report}");
    for figure in ["l1_payout", "verify_gas", "proof_bytes", "proven_batches", "peak_bytes"] {
        assert!(report[figure].as_u64().is_some_and(|x| x > 0), "{figure}: {report}");
    }
    let written =
        std::fs::read_to_string(Path::new(repository).join("target/demo/report.json")).expect("a report");
    let written: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(written["checks"], report["checks"]);
    // The processes are gone: the sequencer's port is free again.
    let config =
        std::fs::read_to_string(Path::new(repository).join("target/demo/janction.toml")).expect("a file");
    let listen =
        config.lines().find_map(|l| l.strip_prefix("listen = \"")?.strip_suffix('"')).expect("a port");
    assert!(std::net::TcpListener::bind(listen).is_ok(), "somebody still listens on {listen}");
}

#[test]
fn a_folder_that_is_no_check_out_is_named() {
    let machine = Machine::new();
    let folder = machine.home().to_str().expect("UTF-8").to_owned();
    machine.run(&["--json", "demo", "--repository", &folder]).must_fail(1, "demo.no_checkout");
}
