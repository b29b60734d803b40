//! What the binary answers to input that is wrong: a code, a remedy, an exit status, and nothing done.

mod support;

use std::net::TcpListener;

use support::Machine;

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
