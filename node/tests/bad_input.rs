//! What the binary answers to input that is wrong: a code, a remedy, an exit status, and nothing done.

mod support;

use std::net::TcpListener;
use std::path::Path;

use support::{Finished, Machine};

#[test]
fn an_unknown_configuration_key_names_its_nearest_neighbour() {
    let machine = Machine::new();
    let file = machine.write("janction.toml", "[l1]\nrolup = \"0x01\"\n");
    let run = machine.run(&["--config", &file, "doctor"]);
    assert_eq!(run.status(), 2);
    let errors = run.errors();
    assert!(errors.contains("error[config.unknown_key]"), "{errors}");
    assert!(errors.contains("`l1.rolup`") && errors.contains("did you mean `l1.rollup`?"), "{errors}");
}

#[test]
fn a_misspelt_variable_is_not_ignored() {
    let machine = Machine::new();
    let run = machine.run_with("JANCTION_L1_RUL", "http://x", &["--json", "doctor"]);
    let message = run.must_fail(2, "config.unknown_key");
    assert!(message.contains("JANCTION_L1_RUL"), "{message}");
    // Those of the scripts and of the engine are no misspelt ones.
    for other in ["JANCTION_DEPLOYER_KEY", "JANCTION_SIMD"] {
        let run = machine.run_with(other, "portable", &["--json", "doctor"]);
        assert!(!run.errors().contains("config."), "{other}: {}", run.errors());
    }
}

#[test]
fn a_configuration_that_is_no_toml_or_absent_is_an_error() {
    let machine = Machine::new();
    let file = machine.write("janction.toml", "[l1\n");
    machine.run(&["--json", "--config", &file, "doctor"]).must_fail(2, "config.not_toml");
    machine.run(&["--json", "--config", "nowhere.toml", "doctor"]).must_fail(2, "config.unreadable");
    let file = machine.write("janction.toml", "[sequencer]\nlisten = \"here\"\n");
    machine.run(&["--json", "--config", &file, "doctor"]).must_fail(2, "config.invalid");
}

#[test]
fn doctor_names_a_port_in_use() {
    let machine = Machine::new();
    let holder = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = holder.local_addr().expect("bound").to_string();
    let run = machine.run_with("JANCTION_SEQUENCER_LISTEN", &address, &["--json", "doctor"]);
    let report: serde_json::Value = serde_json::from_str(&run.text()).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let port = checks.iter().find(|c| c["name"] == "sequencer port").expect("looked at");
    assert_eq!(port["status"], "warning");
    assert!(port["found"].as_str().expect("text").contains("in use"), "{port}");
}

#[test]
fn a_keystore_that_is_absent_corrupt_or_exists_is_an_error() {
    let machine = Machine::new();
    machine.run(&["--json", "account", "show", "alice"]).must_fail(1, "keystore.absent");
    let made = machine.run_with("JANCTION_PASSWORD", "secret", &["--json", "account", "new", "alice"]).json();
    let file = made["file"].as_str().expect("a file").to_owned();
    let again = machine.run_with("JANCTION_PASSWORD", "secret", &["--json", "account", "new", "alice"]);
    again.must_fail(1, "keystore.exists");
    machine.run(&["--json", "account", "show", "../alice"]).must_fail(1, "keystore.absent");
    machine.run(&["--json", "account", "show", ".."]).must_fail(1, "keystore.bad_name");

    let text = std::fs::read_to_string(&file).expect("read");
    std::fs::write(&file, &text[..text.len() / 2]).expect("written");
    machine.run(&["--json", "account", "show", "alice"]).must_fail(1, "keystore.corrupt");
    std::fs::write(&file, text.replace("\"version\": 1", "\"version\": 9")).expect("written");
    machine.run(&["--json", "account", "show", "alice"]).must_fail(1, "keystore.newer");
}

#[test]
fn a_new_key_needs_a_password() {
    let machine = Machine::new();
    machine.run(&["--json", "account", "new", "alice"]).must_fail(1, "keystore.no_password");
    machine
        .run_with("JANCTION_PASSWORD", "", &["--json", "account", "new", "alice"])
        .must_fail(1, "keystore.empty_password");
    let list = machine.run(&["--json", "account", "list"]).json();
    assert_eq!(list["keystores"], serde_json::json!([]), "a failed command leaves nothing behind");
}

#[test]
fn an_import_that_is_no_key_is_refused() {
    let machine = Machine::new();
    // Standard input is empty.
    let run = machine.run_with(
        "JANCTION_PASSWORD",
        "secret",
        &["--json", "account", "import", "x", "--kind", "l1"],
    );
    run.must_fail(1, "keystore.not_a_secret");
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let full = |arguments: &[&str]| {
        let mut command = machine.command_on_full_disk(0, &[&["--json"], arguments].concat());
        Finished(command.env("JANCTION_PASSWORD", "secret").output().expect("runs"))
    };
    full(&["account", "new", "alice"]).must_fail(1, "keystore.inaccessible");
    let list = machine.run(&["--json", "account", "list"]).json();
    assert_eq!(list["keystores"], serde_json::json!([]), "half a key is none");
    machine.run_with("JANCTION_PASSWORD", "secret", &["--json", "account", "new", "alice"]).json();

    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/mlp_64_32_10.onnx");
    full(&["program", "compile", model, "-o", "p.janction"]).must_fail(1, "file.unwritable");
    machine.run(&["--json", "program", "compile", model, "-o", "p.janction"]).json();
    let images = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/held_out_images.npy");
    let run = ["program", "run", "p.janction", images, "-o", "y.npy", "--device", "cpu"];
    full(&run).must_fail(1, "file.unwritable");
    let mut names: Vec<_> = std::fs::read_dir(machine.home())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    assert_eq!(names, ["p.janction"], "no part of an output");
}

#[test]
fn a_damaged_proving_key_or_srs_is_named() {
    let machine = Machine::new();
    let keys = machine.home().join("keys");
    std::fs::create_dir(&keys).expect("made");
    let prepare = |variables: &[(&str, &str)]| {
        let mut command = machine.command(&["--json", "prover", "--prepare"]);
        command.env("JANCTION_KEYS_DIR", &keys).envs(variables.iter().copied());
        Finished(command.output().expect("runs"))
    };
    // Seen before the minutes that keys may take to be made.
    std::fs::write(keys.join("INSECURE-development-19.srs"), b"JSRSv001 and something else")
        .expect("written");
    let message = prepare(&[]).must_fail(1, "prover.corrupt_key");
    assert!(message.contains("INSECURE-development-19.srs") && message.contains("delete it"), "{message}");
    prepare(&[("JANCTION_L1_CHAIN_ID", "1")]).must_fail(1, "prover.srs");

    let file = machine.write("ceremony.ptau", "not a ceremony's file");
    let with = |file: &str, hash: &str| {
        prepare(&[("JANCTION_PROVER_SRS_FILE", file), ("JANCTION_PROVER_SRS_BLAKE3", hash)])
    };
    with(&file, "12").must_fail(2, "prover.srs_pin");
    let other = "00".repeat(32);
    let message = with(&file, &other).must_fail(1, "prover.srs");
    assert!(message.contains("not the pinned"), "{message}");
    with("nowhere.ptau", &other).must_fail(1, "prover.cache");
}

#[test]
fn a_port_in_use_is_named_by_every_role() {
    let machine = Machine::new();
    let holder = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = holder.local_addr().expect("bound").to_string();
    let role = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = machine.command(&[&["--json"], arguments].concat());
        command.env("JANCTION_L1_ROLLUP", "0x0000000000000000000000000000000000000001");
        Finished(command.envs(variables.iter().copied()).output().expect("runs"))
    };
    let message =
        role(&["sequencer"], &[("JANCTION_SEQUENCER_LISTEN", &address)]).must_fail(1, "net.port_in_use");
    assert!(message.contains("127.0.0.1"), "{message}");
    let metrics = ("JANCTION_TELEMETRY_METRICS", address.as_str());
    role(&["sequencer"], &[metrics]).must_fail(1, "net.port_in_use");
    role(&["prover", "--prepare"], &[metrics]).must_fail(1, "net.port_in_use");
    let worker = [metrics, ("JANCTION_WORKER_UNITS", "1"), ("JANCTION_WORKER_KEY", "rig")];
    role(&["worker", "run"], &worker).must_fail(1, "net.port_in_use");
}

#[test]
fn a_prover_without_a_payee_or_with_half_an_srs_does_not_start() {
    let machine = Machine::new();
    machine.run(&["--json", "prover"]).must_fail(2, "prover.payee");
    machine.run_with("JANCTION_PROVER_PAYEE", "me", &["--json", "prover"]).must_fail(2, "config.invalid");
    machine
        .run_with("JANCTION_PROVER_SRS_FILE", "x.ptau", &["--json", "prover"])
        .must_fail(2, "config.missing");
}

#[test]
fn earnings_need_a_payee_and_an_l1_that_answers() {
    let machine = Machine::new();
    machine.run(&["--json", "prover", "earnings"]).must_fail(2, "config.missing");
    let payee = "0x0000000000000000000000000000000000000001";
    let of = ["--json", "prover", "earnings", "--payee", payee];
    machine.run(&of).must_fail(2, "config.missing");
    let away = [&["--l1-url", "http://127.0.0.1:1", "--rollup", payee], &of[..]].concat();
    machine.run(&away).must_fail(1, "l1.unreachable");
    let run = machine.run(&["prover", "earnings", "--payee", "me"]);
    assert_eq!(run.status(), 2, "{}", run.errors());
}

/// The tests that `docs/operations.md` names for bad input are there, so that its list can be relied on.
#[test]
fn the_page_names_tests_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/operations.md")).expect("the page");
    let (_, section) = page.split_once("\n## Bad input\n").expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 25, "{}", rows.len());
    let mut sources = String::new();
    for room in ["protocol", "jobs", "circuits", "sequencer", "worker", "prover", "node"] {
        read_sources(&root.join(room), &mut sources);
    }
    for row in rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().expect("a last column");
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names.into_iter().filter(|name| !name.contains(' ')) {
            assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path).expect("UTF-8"));
        }
    }
}
