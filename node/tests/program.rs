//! `janction program`: from a model to a result, and what it answers to input that is wrong.

mod support;

use std::path::{Path, PathBuf};

use support::{Finished, Machine};

const TEXT: &str = "program p
scheme 1
depth 2
input x: i8[2]
const w: i8[2, 1] = [
  [3],
  [-5],
]
y: i8[1] = matmul(x, w) {
  requantise 1073741824 >> 31
}
output y
";

fn digits(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits").join(name)
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

/// `program compile` with the model `model`, into `p.janction` of the machine's home.
fn compile(machine: &Machine, model: &str) -> Finished {
    machine.run(&["--json", "program", "compile", model, "-o", "p.janction"])
}

/// A NumPy file in the machine's home: its header's words, and its data.
fn npy(machine: &Machine, kind: &str, shape: &str, data: usize) -> String {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).expect("short").to_le_bytes());
    bytes.extend(header.bytes());
    bytes.resize(bytes.len() + data, 1);
    let file = machine.home().join("x.npy");
    std::fs::write(&file, bytes).expect("written");
    path(&file).to_owned()
}

#[test]
fn a_model_is_compiled_inspected_and_run() {
    let machine = Machine::new();
    let made = compile(&machine, path(&digits("mlp_64_32_10.onnx"))).json();
    let seen = machine.run(&["--json", "program", "inspect", "p.janction", "--policy", "full"]).json();
    assert_eq!(made["digest"], seen["digest"]);
    assert_eq!(seen["multiply_adds_per_row"], 64 * 32 + 32 * 10);
    assert_eq!(seen["max_rows"], 4096);
    assert_eq!(seen["commitment_scheme"], 1);
    assert_eq!(seen["operations"].as_array().map(Vec::len), Some(2));
    let key = seen["audit_keys"][0]["key"].as_str().expect("a key");
    assert_eq!(key.len(), 66);

    let images = digits("held_out_images.npy");
    let run = [
        "--json",
        "program",
        "run",
        "p.janction",
        path(&images),
        "-o",
        "y.npy",
        "--device",
        "cpu",
        "--check",
    ];
    let ran = machine.run(&run).json();
    assert_eq!((ran["rows"].as_u64(), &ran["equals_reference"]), (Some(360), &true.into()));
    assert_eq!(machine.run(&run).json()["output_root"], ran["output_root"]);
    let written = std::fs::read(machine.home().join("y.npy")).expect("written");
    assert!(written.starts_with(b"\x93NUMPY"));
    // Text for people, too.
    let text = machine.run(&["program", "inspect", "p.janction"]).text();
    assert!(text.contains("matmul") && text.contains(seen["digest"].as_str().expect("text")), "{text}");
}

#[test]
fn a_text_is_compiled() {
    let machine = Machine::new();
    let text = machine.write("p.txt", TEXT);
    assert_eq!(compile(&machine, &text).json()["max_rows"], 4);
    let rows = ["--json", "program", "compile", &text, "-o", "q.janction", "--max-rows", "8"];
    machine.run(&rows).must_fail(2, "program.text_says");
    let wrong = machine.write("p.txt", &TEXT.replace("matmul", "matmull"));
    let message = compile(&machine, &wrong).must_fail(1, "program.text");
    assert!(message.contains("p.txt:9:"), "{message}");
    std::fs::write(machine.home().join("p.txt"), b"\xff\xfe").expect("written");
    compile(&machine, &wrong).must_fail(1, "program.not_text");
}

#[test]
fn what_is_no_model_is_refused() {
    let machine = Machine::new();
    compile(&machine, "nowhere.onnx").must_fail(1, "file.absent");
    let file = machine.write("m.onnx", "this is not a model");
    compile(&machine, &file).must_fail(1, "model.not_onnx");
    let model = std::fs::read(digits("mlp_64_32_10.onnx")).expect("the example");
    std::fs::write(&file, &model[..model.len() / 2]).expect("written");
    compile(&machine, &file).must_fail(1, "model.not_onnx");
    assert!(!machine.home().join("p.janction").exists(), "a failed command leaves nothing behind");
}

#[test]
fn an_unsupported_operator_is_named_with_its_node() {
    let machine = Machine::new();
    let mut model = std::fs::read(digits("mlp_64_32_10.onnx")).expect("the example");
    let places: Vec<usize> = (0..model.len() - 4).filter(|&i| &model[i..i + 4] == b"Relu").collect();
    assert!(!places.is_empty(), "the example has a Relu");
    for place in places {
        model[place..place + 4].copy_from_slice(b"Loop");
    }
    let file = machine.home().join("m.onnx");
    std::fs::write(&file, model).expect("written");
    let message = compile(&machine, path(&file)).must_fail(1, "model.unsupported_operator");
    assert!(message.contains("Loop (node "), "{message}");
}

#[test]
fn a_corrupt_job_binary_is_refused() {
    let machine = Machine::new();
    let text = machine.write("p.txt", TEXT);
    compile(&machine, &text).json();
    let file = machine.home().join("p.janction");
    let good = std::fs::read(&file).expect("written");
    let inspect = || machine.run(&["--json", "program", "inspect", "p.janction"]);
    machine.run(&["--json", "program", "compile", "p.janction", "-o", "q"]).must_fail(1, "program.compiled");
    machine.run(&["--json", "program", "inspect", "nowhere"]).must_fail(1, "file.absent");
    // A byte of each part: magic, version, digest, graph, the last weight.
    for (place, code) in [
        (0, "program.not_a_job_binary"),
        (9, "program.newer"),
        (15, "program.corrupt"),
        (60, "program.corrupt"),
        (good.len() - 1, "program.corrupt"),
    ] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        std::fs::write(&file, bytes).expect("written");
        inspect().must_fail(1, code);
    }
    std::fs::write(&file, &good[..good.len() - 1]).expect("written");
    inspect().must_fail(1, "program.corrupt");
    std::fs::write(&file, [&good[..], b"x"].concat()).expect("written");
    inspect().must_fail(1, "program.corrupt");
    let run = ["--json", "program", "run", "p.janction", "nowhere.npy", "-o", "y.npy"];
    machine.run(&run).must_fail(1, "program.corrupt");
}

#[test]
fn an_input_of_the_wrong_type_or_shape_is_refused() {
    let machine = Machine::new();
    let text = machine.write("p.txt", TEXT);
    compile(&machine, &text).json();
    let run = |input: &str| {
        machine.run(&["--json", "program", "run", "p.janction", input, "-o", "y.npy", "--device", "cpu"])
    };
    run("nowhere.npy").must_fail(1, "file.absent");
    run("p.txt").must_fail(1, "input.unreadable");
    run(&npy(&machine, "<f4", "(1, 2)", 8)).must_fail(1, "input.wrong_type");
    let message = run(&npy(&machine, "|u1", "(1, 2)", 2)).must_fail(1, "input.wrong_type");
    assert!(message.contains("u8") && message.contains("i8"), "{message}");
    run(&npy(&machine, "|i1", "(2,)", 2)).must_fail(1, "input.wrong_shape");
    run(&npy(&machine, "|i1", "(1, 3)", 3)).must_fail(1, "input.wrong_shape");
    let message = run(&npy(&machine, "|i1", "(5, 2)", 10)).must_fail(1, "input.wrong_shape");
    assert!(message.contains("5 rows") && message.contains("1 to 4 rows"), "{message}");
    run(&npy(&machine, "|i1", "(2, 2)", 3)).must_fail(1, "input.unreadable");
    assert!(!machine.home().join("y.npy").exists(), "nothing was written");
    run(&npy(&machine, "|i1", "(4, 2)", 8)).json();
    let nowhere =
        ["--json", "program", "run", "p.janction", "x.npy", "-o", "no/folder/y.npy", "--device", "cpu"];
    machine.run(&nowhere).must_fail(1, "file.unwritable");
    let device = ["--json", "program", "run", "p.janction", "x.npy", "-o", "y.npy", "--device", "cuda:99"];
    machine.run(&device).must_fail(1, "device.failed");
}
