//! `janction program prove --evm` and `export-verifier`: from a model to a proof that a contract takes. Foundry's tests take
//! such a proof through the contract that is compared here.

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Finished, Machine};

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

/// Keys are made once and kept beside the build, not in the throw-away home.
fn run(machine: &Machine, arguments: &[&str]) -> Finished {
    let keys = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys");
    let keys = std::env::var("JANCTION_KEYS_DIR").unwrap_or_else(|_| keys.display().to_string());
    machine.run_with("JANCTION_KEYS_DIR", &keys, &[&["--json"], arguments].concat())
}

fn verify(machine: &Machine, input: &Path, policy: &str) -> Finished {
    let files = ["proof.json", "--input", path(input), "--output", "y.npy", "--policy", policy];
    run(machine, &[&["program", "verify", "digits.janction"], &files[..]].concat())
}

/// Runs `check` with one word of a file replaced by another.
fn with_changed(file: &Path, from: &str, to: &str, check: impl FnOnce()) {
    let good = std::fs::read_to_string(file).expect("there");
    let bad = good.replacen(from, to, 1);
    assert_ne!(bad, good, "{from}");
    std::fs::write(file, bad).expect("written");
    check();
    std::fs::write(file, good).expect("written");
}

#[test]
fn the_exported_contract_is_the_one_that_foundry_tests_and_takes_what_is_proven() {
    let machine = Machine::new();
    let model = repository("examples/digits/mlp_64_32_10.onnx");
    let images = repository("examples/digits/held_out_images.npy");
    run(
        &machine,
        &["program", "compile", path(&model), "-o", "digits.janction", "--name", "digits", "--max-rows", "4"],
    )
    .json();
    let exported =
        run(&machine, &["program", "export-verifier", "digits.janction", "-o", "contracts"]).json();
    assert_eq!(exported["contract"], "DigitsVerifier");
    for (name, checked_in) in [
        ("DigitsVerifier.sol", "DigitsVerifier.sol"),
        ("Halo2Verifier.sol", "Halo2Verifier.sol"),
        ("Halo2Verifier.json", "Halo2Verifier.json"),
    ] {
        let written = std::fs::read_to_string(machine.home().join("contracts").join(name)).expect("written");
        let folder = repository("verifier-contracts/generated/program");
        let expected = std::fs::read_to_string(folder.join(checked_in)).expect("checked in");
        assert!(written == expected, "{name} is not what is checked in: run `make contracts PROOF=1`");
    }
    let named = ["program", "export-verifier", "digits.janction", "-o", "c", "--name"];
    run(&machine, &[&named[..], &["Poseidon"]].concat()).must_fail(2, "program.contract_name");

    // One image, of those that are checked in.
    let input = machine.home().join("x.npy");
    first_row(&images, &input);
    let proven = run(
        &machine,
        &["program", "prove", "digits.janction", "--input", "x.npy", "--output", "y.npy", "--evm"],
    )
    .json();
    assert_eq!(proven["evm"]["audit_key"], exported["audit_key"]);
    assert_eq!((proven["proof_bytes"].as_u64(), &proven["proof"]), (Some(1952), &"proof.json".into()));
    assert!(!machine.home().join("proof.jcp").exists());
    let file = machine.home().join("proof.json");
    let proof: Value = serde_json::from_slice(&std::fs::read(&file).expect("written")).expect("JSON");
    assert_eq!((&proof["program"], &proof["audit_key"]), (&exported["program"], &exported["audit_key"]));
    assert_eq!((&proof["policy"], &proof["rows"]), (&"full".into(), &1.into()));

    let verified = verify(&machine, &input, "full").json();
    assert_eq!((&verified["verified"], &verified["audit_key"]), (&true.into(), &exported["audit_key"]));
    verify(&machine, &input, "rows:44").must_fail(1, "proof.other_policy");
    for (field, code) in
        [("program", "proof.refused"), ("audit_key", "proof.refused"), ("policy", "proof.other_policy")]
    {
        let to = if field == "policy" { "\"policy\": \"rows:44" } else { "x" };
        let text = proof[field].as_str().expect("text");
        let (from, to) = match field {
            "policy" => ("\"policy\": \"full".to_owned(), to.to_owned()),
            _ => (text.to_owned(), format!("{}{}", &text[..65], if text.ends_with('0') { '1' } else { '0' })),
        };
        with_changed(&file, &from, &to, || drop(verify(&machine, &input, "full").must_fail(1, code)));
    }
    // The proof itself, and the call with it.
    let bytes = proof["proof"].as_str().expect("hex").trim_start_matches("0x").to_owned();
    let changed = format!("{}{}", &bytes[..bytes.len() - 1], if bytes.ends_with('0') { '1' } else { '0' });
    let good = std::fs::read_to_string(&file).expect("there");
    std::fs::write(&file, good.replace(&bytes, &changed)).expect("written");
    verify(&machine, &input, "full").must_fail(1, "proof.refused");
    std::fs::write(&file, good.replacen(&bytes, &changed, 1)).expect("written");
    verify(&machine, &input, "full").must_fail(1, "proof.unreadable");
    std::fs::write(&file, &good).expect("written");
    // Another output.
    let output = machine.home().join("y.npy");
    let mut cells = std::fs::read(&output).expect("there");
    *cells.last_mut().expect("cells") ^= 1;
    std::fs::write(&output, cells).expect("written");
    let message = verify(&machine, &input, "full").must_fail(1, "proof.refused");
    assert!(message.contains("output's root"), "{message}");
}

/// Writes the first of the images as a file of its own.
fn first_row(images: &Path, to: &Path) {
    let bytes = std::fs::read(images).expect("checked in");
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = String::from_utf8(bytes[10..header].to_vec()).expect("ASCII");
    let rows = text.split_once("(").and_then(|(_, shape)| shape.split_once(',')).expect("a shape").0;
    let one = text.replacen(rows, &format!("{:>width$}", 1, width = rows.len()), 1);
    let cells = (bytes.len() - header) / rows.parse::<usize>().expect("a number");
    std::fs::write(to, [&bytes[..10], one.as_bytes(), &bytes[header..header + cells]].concat())
        .expect("written");
}
