//! The demonstration, as `make demo` runs it.

mod support;

use std::path::Path;

use serde_json::Value;

use support::Machine;

/// Two models, two honest winners, a cheat, and SIGKILL for every role at its worst moments: one proof settles it all.
/// This is the suite's one full wrap.
#[test]
fn the_demonstration_holds_through_kills_and_a_cheat_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let repository = repository.to_str().expect("UTF-8");
    // Keys are made once and kept beside the build, not in the throw-away home.
    let keys = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys");
    let keys = std::env::var("JANCTION_KEYS_DIR").unwrap_or_else(|_| keys.display().to_string());
    let arguments = ["--json", "demo", "--repository", repository, "--cheat", "too", "--kill"];
    let report = machine.run_with("JANCTION_KEYS_DIR", &keys, &arguments).json();
    assert_eq!(report["holds"], true, "{report}");
    let checks = report["checks"].as_array().expect("checks");
    assert!(checks.len() >= 30 && checks.iter().all(|c| c["holds"] == true), "{report}");

    let jobs = report["jobs"].as_array().expect("jobs");
    let outcomes: Vec<&str> = jobs.iter().filter_map(|job| job["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["settled", "settled", "expired"]);
    for job in &jobs[..2] {
        assert_eq!(job["l1_payout"], job["price"], "{job}");
        assert!(job["accuracy"].as_f64().is_some_and(|share| share > 0.97), "{job}");
        assert_eq!(job["fault"], Value::Null);
    }
    assert_eq!((&jobs[2]["price"], &jobs[2]["l1_payout"]), (&0.into(), &0.into()));
    assert!(jobs[2]["slashed"].as_u64().is_some_and(|slashed| slashed > 0));

    // Every role was killed at least once, the sequencer and both workers at three moments.
    let killed = report["killed"].as_array().expect("killed");
    for (role, times) in
        [("sequencer", 3), ("worker-alice", 3), ("worker-bob", 3), ("audit-prover", 1), ("prover", 1)]
    {
        assert_eq!(killed.iter().filter(|name| *name == role).count(), times, "{role}: {killed:?}");
    }
    for figure in [
        "price",
        "l1_payout",
        "audited_rows",
        "commit_gas",
        "verify_gas",
        "proof_bytes",
        "proven_batches",
        "peak_bytes",
        "ledger_rows_per_tx",
    ] {
        assert!(report[figure].as_u64().is_some_and(|x| x > 0), "{figure}: {report}");
    }
    for figure in ["accuracy", "soundness_bits", "total_seconds"] {
        assert!(report[figure].as_f64().is_some_and(|x| x > 0.0), "{figure}: {report}");
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
