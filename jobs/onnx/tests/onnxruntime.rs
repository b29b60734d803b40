//! Imported models against what onnxruntime made of them (files written by `examples/digits/train.py` and
//! `tests/fixtures/make.py`): cells at most one unit apart, at least 99.9 % equal.

mod support;

use std::path::{Path, PathBuf};

use janction_onnx::{Import, import};
use janction_program::DType;
use support::{compare, read, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn load(path: &Path) -> Import {
    let name = path.file_stem().unwrap().to_str().unwrap();
    import(&std::fs::read(path).unwrap(), name, 9).unwrap()
}

fn digits(model: &str, architecture: &[u32]) {
    let folder = root().join("examples/digits");
    let imported = load(&folder.join(format!("{model}.onnx")));
    assert_eq!(imported.program.name(), model);
    let columns: Vec<u32> = imported.program.committed_steps().map(|step| step.output.shape[0]).collect();
    assert_eq!(columns, architecture);

    let images = read(&folder.join("held_out_images.npy"));
    let logits = run(&imported, &images);
    let expected = read(&folder.join(format!("{model}.logits.npy")));
    let (equal, distance) = compare(&logits, &expected);
    assert!(distance <= 1 && equal >= 0.999, "{:.3} % equal, at most {distance} apart", 100.0 * equal);

    let (classes, theirs) = (logits.arg_max(), expected.arg_max());
    let agree = classes.iter().zip(&theirs).filter(|(a, b)| a == b).count();
    assert!(100 * agree >= 99 * classes.len(), "arg-max agrees on {agree} of {}", classes.len());
    let labels = read(&folder.join("held_out_labels.npy"));
    let right = (0..classes.len()).filter(|&row| classes[row] as i32 == labels.get(row, 0)).count();
    println!("{model}: {right} of {} right, {:.3} % of cells equal", classes.len(), 100.0 * equal);
    assert!(right >= 345, "{right} of 360");
}

#[test]
fn digits_qdq() {
    digits("mlp_64_32_10", &[32, 10]);
}

#[test]
fn digits_qoperator() {
    digits("mlp_64_48_24_10", &[48, 24, 10]);
}

fn fixture(name: &str) -> Import {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let imported = load(&folder.join(format!("{name}.onnx")));
    let output = run(&imported, &read(&folder.join(format!("{name}.input.npy"))));
    let (equal, distance) = compare(&output, &read(&folder.join(format!("{name}.output.npy"))));
    println!("{name}: {:.3} % of cells equal", 100.0 * equal);
    assert!(distance <= 1 && equal >= 0.999, "{:.3} % equal, at most {distance} apart", 100.0 * equal);
    imported
}

#[test]
fn qlinear_matmul_with_real_ends() {
    let imported = fixture("qlinear_matmul");
    let (input, output) = (imported.input.unwrap(), imported.output.unwrap());
    assert_eq!((input.dtype, input.zero, input.scale), (DType::U8, 117, f64::from(0.05f32)));
    assert_eq!((output.dtype, output.zero, output.scale), (DType::U8, 103, f64::from(0.25f32)));
}

#[test]
fn matmul_integer_with_its_scale_behind() {
    let imported = fixture("matmul_integer");
    assert_eq!((imported.input, imported.output), (None, None));
}

#[test]
fn affine_qdq_with_views() {
    let imported = fixture("affine_qdq");
    assert_eq!(imported.program.input().shape, [2, 3, 2]);
    assert_eq!(imported.program.steps().len(), 3, "two views and a product");
}

/// ONNX's own conformance cases, whose outputs are those of the specification.
#[test]
fn conformance() {
    for name in ["qlinearmatmul_2D_uint8", "qlinearmatmul_2D_int8"] {
        let imported = fixture(name);
        assert_eq!(imported.program.steps().len(), 1);
    }
}
