//! `janction program prove` and `verify`: from a model to a proof that a stranger checks.

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Finished, Machine};

fn digits(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits").join(name)
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

/// A machine that has compiled the digits' model as `p.janction`.
fn machine() -> Machine {
    let machine = Machine::new();
    let model = digits("mlp_64_32_10.onnx");
    machine.run(&["program", "compile", path(&model), "-o", "p.janction"]).text();
    machine
}

fn prove(machine: &Machine, more: &[&str]) -> Finished {
    let images = digits("held_out_images.npy");
    let all = [&["--json", "program", "prove", "p.janction", "--input", path(&images)], more].concat();
    machine.run(&all)
}

fn verify(machine: &Machine, policy: &str) -> Finished {
    let images = digits("held_out_images.npy");
    machine.run(&[
        "--json",
        "program",
        "verify",
        "p.janction",
        "proof.jcp",
        "--input",
        path(&images),
        "--output",
        "y.npy",
        "--policy",
        policy,
    ])
}

/// Runs `check` with one byte of a file changed.
fn with_changed(file: &Path, place: usize, check: impl FnOnce()) {
    let good = std::fs::read(file).expect("there");
    let mut bad = good.clone();
    bad[place] ^= 1;
    std::fs::write(file, bad).expect("written");
    check();
    std::fs::write(file, good).expect("written");
}

/// The files of the cache with this name.
fn kept(machine: &Machine, name: &str) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(machine.home().join(".cache/janction/keys/pieces")).expect("kept");
    folders.map(|folder| folder.expect("listed").path().join(name)).filter(|file| file.exists()).collect()
}

fn check_measurement(proven: &Value, policy: &str) {
    assert_eq!((&proven["system"], &proven["settings"]), (&"janction".into(), &policy.into()), "{proven}");
    assert_eq!((proven["rows"].as_u64(), proven["cores"].as_u64()), (Some(360), Some(1)));
    for seconds in ["setup_s", "run_s", "prove_s", "verify_s"] {
        assert!(proven[seconds].as_f64().is_some_and(|s| s > 0.0), "{seconds}: {proven}");
    }
    for count in ["peak_bytes", "proof_bytes", "pieces", "log2_rows"] {
        assert!(proven[count].as_u64().is_some_and(|n| n > 0), "{count}: {proven}");
    }
    assert!(proven["soundness"].as_str().is_some_and(|text| text.contains("bits")), "{proven}");
}

#[test]
fn a_full_proof_is_made_and_checked_by_a_stranger() {
    let machine = machine();
    let proven = prove(&machine, &["--output", "y.npy", "--cores", "1"]).json();
    check_measurement(&proven, "full");
    assert_eq!(proven["setup_cached"], false);
    let proof = machine.home().join("proof.jcp");
    assert_eq!(
        std::fs::metadata(&proof).expect("written").len(),
        proven["proof_bytes"].as_u64().expect("u64")
    );

    // A machine with nothing but the four files makes the same key.
    let stranger = Machine::new();
    for file in ["p.janction", "proof.jcp", "y.npy"] {
        std::fs::copy(machine.home().join(file), stranger.home().join(file)).expect("copied");
    }
    let verified = verify(&stranger, "full").json();
    assert_eq!((&verified["verified"], &verified["key"]), (&true.into(), &proven["key"]));
    assert_eq!(verified["output_root"], proven["output_root"]);
    let seen = machine
        .run(&["--json", "program", "inspect", "p.janction", "--policy", "full", "--rows", "360"])
        .json();
    assert_eq!(seen["audit_keys"][0]["pieces_key"], proven["key"]);
    assert_eq!(seen["audit_keys"][0]["pieces"], proven["pieces"]);

    // Whatever is changed is noticed, and said.
    let length = std::fs::metadata(&proof).expect("there").len() as usize;
    for (place, code) in [
        (0, "proof.unreadable"),
        (9, "proof.newer"),
        (13, "proof.other_policy"),
        (15, "proof.refused"),
        (17, "proof.refused"),
        (49, "proof.refused"),
        (81, "proof.refused"),
        (300, "proof.refused"),
        (length - 8, "proof.refused"),
    ] {
        with_changed(&proof, place, || {
            drop(verify(with_proof_of(&machine, &stranger), "full").must_fail(1, code))
        });
    }
    verify(with_proof_of(&machine, &stranger), "full").json();
    let output = stranger.home().join("y.npy");
    let last = std::fs::metadata(&output).expect("there").len() as usize - 1;
    with_changed(&output, last, || {
        let message = verify(&stranger, "full").must_fail(1, "proof.refused");
        assert!(message.contains("output's root"), "{message}");
    });
    verify(&stranger, "rows:44").must_fail(1, "proof.other_policy");
    let model = digits("mlp_64_48_24_10.onnx");
    stranger.run(&["--json", "program", "compile", path(&model), "-o", "p.janction"]).json();
    let message = verify(&stranger, "full").must_fail(1, "proof.refused");
    assert!(message.contains("program"), "{message}");
}

/// A program that commits by sketches: drawn rows are proven with their blocks, and what rests on a lattice says so.
#[test]
fn sketched_programs_are_proven_too() {
    let machine = Machine::new();
    let model = digits("mlp_64_32_10.onnx");
    let compile = |scheme: &str| {
        machine.run(&["--json", "program", "compile", path(&model), "-o", "p.janction", "--scheme", scheme])
    };
    assert_eq!(compile("sketch:8").json()["commitment_scheme"], 2);
    let proven = prove(&machine, &["--output", "y.npy", "--policy", "rows:2"]).json();
    assert_eq!(proven["soundness_bits"]["sketch_bits"], 131);
    let verified = verify(&machine, "rows:2").json();
    assert_eq!((&verified["verified"], &verified["key"]), (&true.into(), &proven["key"]));
    let output = machine.home().join("y.npy");
    let last = std::fs::metadata(&output).expect("there").len() as usize - 1;
    with_changed(&output, last, || {
        let message = verify(&machine, "rows:2").must_fail(1, "proof.refused");
        assert!(message.contains("output's root"), "{message}");
    });
    // The same model by rows is another program; blocks of more rows than a job are refused.
    assert_eq!(compile("rows").json()["commitment_scheme"], 1);
    let message = verify(&machine, "rows:2").must_fail(1, "proof.refused");
    assert!(message.contains("program"), "{message}");
    compile("sketch:2048").must_fail(1, "program.scheme");
    // A text says its scheme itself.
    let text = machine.home().join("q.txt");
    let program = "program q\nscheme 1\ndepth 4\ninput x: u8[2]\ny: u8[2] = maxpool(x) {}\noutput y\n";
    std::fs::write(&text, program).expect("written");
    let arguments = ["--json", "program", "compile", path(&text), "-o", "q.janction", "--scheme", "sketch:8"];
    let message = machine.run(&arguments).must_fail(2, "program.text_says");
    assert!(message.contains("--scheme"), "{message}");
}

/// The stranger's files with the prover's proof, which a test has changed.
fn with_proof_of<'a>(prover: &Machine, stranger: &'a Machine) -> &'a Machine {
    std::fs::copy(prover.home().join("proof.jcp"), stranger.home().join("proof.jcp")).expect("copied");
    stranger
}

#[test]
fn drawn_rows_are_proven_and_damaged_keys_made_again() {
    let machine = machine();
    let policy = ["--policy", "rows:44", "--output", "y.npy", "--cores", "1"];
    let first = prove(&machine, &policy).json();
    check_measurement(&first, "rows:44");
    assert!(first["soundness"].as_str().is_some_and(|text| text.contains("2^64")), "{first}");
    let draws = &first["soundness_bits"]["draws_after_2_to_64_tries"];
    assert_eq!(draws.as_array().map(Vec::len), Some(3), "{first}");
    verify(&machine, "rows:44").json();
    verify(&machine, "full").must_fail(1, "proof.other_policy");

    let again = prove(&machine, &policy).json();
    assert_eq!((&again["setup_cached"], &again["key"]), (&true.into(), &first["key"]));
    assert_eq!(again["trace_root"], first["trace_root"]);
    for name in ["verifier", "circuit-0"] {
        let files = kept(&machine, name);
        assert_eq!(files.len(), 1, "{name}");
        let middle = std::fs::metadata(&files[0]).expect("there").len() as usize / 2;
        let mut bytes = std::fs::read(&files[0]).expect("read");
        bytes[middle] ^= 1;
        std::fs::write(&files[0], bytes).expect("written");
        if name == "verifier" {
            verify(&machine, "rows:44").json();
        } else {
            let repaired = prove(&machine, &policy).json();
            assert_eq!((&repaired["setup_cached"], &repaired["key"]), (&false.into(), &first["key"]));
        }
    }
}

#[test]
fn what_cannot_be_proven_is_said_before_anything_is_made() {
    let machine = machine();
    assert_eq!(prove(&machine, &["--policy", "rows:0"]).status(), 2);
    assert_eq!(prove(&machine, &["--cores", "0"]).status(), 2);
    prove(&machine, &["--gpu", "4711"]).must_fail(1, "prover.engine");
    let other = ["--json", "program", "prove", "p.janction", "--input", "p.janction"];
    machine.run(&other).must_fail(1, "input.unreadable");
    let rows = ["--json", "program", "inspect", "p.janction", "--policy", "full", "--rows", "5000"];
    machine.run(&rows).must_fail(2, "program.too_many_rows");
    std::fs::write(machine.home().join("proof.jcp"), b"no proof").expect("written");
    verify(&machine, "full").must_fail(1, "proof.unreadable");
    assert!(!machine.home().join("y.npy").exists());
}
