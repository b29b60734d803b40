//! Imported models against what onnxruntime made of them (files written by the scripts of `examples` and by
//! `tests/fixtures/make.py`): cells at most one unit apart, at least 99.9 % equal, the same arg-max on at least 99 %.

mod support;

use std::path::{Path, PathBuf};

use janction_onnx::{Import, import};
use janction_program::{DType, Operation, OperationKind, PerColumn, Requantise, Rounding, Tensor, reference};
use support::{Case, cases, compare, read, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn load(path: &Path) -> Import {
    let name = path.file_stem().unwrap().to_str().unwrap();
    import(&std::fs::read(path).unwrap(), name, 9).unwrap()
}

/// Compares a whole model on held-out images, of which it gets at least `right` in a hundred right.
fn whole_model(model: &str, images: &str, labels: &str, right: usize) -> Import {
    let path = root().join("examples").join(model);
    let imported = load(&path.with_extension("onnx"));
    let beside = |file: &str| read(&path.with_file_name(file));
    let (images, labels) = (beside(images), beside(labels));
    let logits = run(&imported, &images);
    let expected = read(&path.with_extension("logits.npy"));
    let (equal, distance) = compare(&logits, &expected);
    let (classes, theirs) = (logits.arg_max(), expected.arg_max());
    let count = classes.len();
    let agree = classes.iter().zip(&theirs).filter(|(a, b)| a == b).count();
    let hits = (0..count).filter(|&row| classes[row] as i32 == labels.get(row, 0)).count();
    println!(
        "{model}: {:.3} % of cells equal, at most {distance} apart, arg-max agrees on {agree} of {count}, {hits} right",
        100.0 * equal
    );
    assert!(100 * agree >= 99 * count && 100 * hits >= right * count);
    assert!(distance <= 1 && equal >= 0.999);
    imported
}

/// Which operations are committed to, in order.
fn kinds(import: &Import) -> Vec<OperationKind> {
    import.program.committed_steps().map(|step| step.operation.kind()).collect()
}

fn digits(model: &str, architecture: &[u32]) {
    let model = format!("digits/{model}");
    let imported = whole_model(&model, "held_out_images.npy", "held_out_labels.npy", 95);
    let columns: Vec<u32> = imported.program.committed_steps().map(|step| step.output.shape[0]).collect();
    assert_eq!(columns, architecture);
}

#[test]
fn digits_qdq() {
    digits("mlp_64_32_10", &[32, 10]);
}

#[test]
fn digits_qoperator() {
    digits("mlp_64_48_24_10", &[48, 24, 10]);
}

#[test]
fn mnist_mlp() {
    let imported = whole_model("mnist/mlp_784_128_10", "held_out_images.npy", "held_out_labels.npy", 97);
    assert_eq!(kinds(&imported), [OperationKind::MatMul; 2]);
}

#[test]
fn mnist_cnn() {
    let imported = whole_model("mnist/cnn", "held_out_images.int8.npy", "held_out_labels.npy", 96);
    // MaxPool and Flatten keep the scale, so there is no lookup behind them.
    let expected = [OperationKind::Conv, OperationKind::Conv, OperationKind::MaxPool, OperationKind::MatMul];
    assert_eq!(kinds(&imported), expected);
}

/// The case `name` of `operators.cases`.
fn named(name: &str) -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/operators.cases");
    cases(&path).into_iter().find(|case| case.name == name).unwrap()
}

/// Compares the case `name`.
fn operator(name: &str) -> Import {
    let case = named(name);
    let imported = case.import();
    let (equal, distance) = compare(&run(&imported, &case.input), &case.output);
    println!("{name}: {:.3} % of cells equal", 100.0 * equal);
    assert!(distance <= 1 && equal >= 0.999, "{:.3} % equal, at most {distance} apart", 100.0 * equal);
    imported
}

/// What onnxruntime's own quantiser makes of a float network, in both forms.
#[test]
fn networks_from_the_quantiser() {
    for name in ["quantiser_qdq", "quantiser_qoperator"] {
        let imported = operator(name);
        let kinds = kinds(&imported);
        assert!(imported.input.is_some() && imported.output.is_some());
        for kind in OperationKind::ALL.into_iter().filter(|kind| !kind.is_view()) {
            assert!(kinds.contains(&kind), "{name}: {}", kind.name());
        }
    }
}

#[test]
fn qlinear_matmul_with_real_ends() {
    let imported = operator("qlinear_matmul");
    let (input, output) = (imported.input.unwrap(), imported.output.unwrap());
    assert_eq!((input.dtype, input.zero, input.scale), (DType::U8, 117, f64::from(0.05f32)));
    assert_eq!((output.dtype, output.zero, output.scale), (DType::U8, 103, f64::from(0.25f32)));
}

#[test]
fn matmul_integer_with_its_scale_behind() {
    let imported = operator("matmul_integer");
    assert_eq!((imported.input, imported.output), (None, None));
    let Operation::MatMul(product) = &imported.program.committed_step(0).operation else { panic!() };
    assert_eq!(product.clamp, (-100, 127), "the ReLU is the clamp's lower end");
}

#[test]
fn affine_qdq_with_views() {
    let imported = operator("affine_qdq");
    assert_eq!(imported.program.input().shape, [2, 3, 2]);
    assert_eq!(imported.program.steps().len(), 3, "two views and a product");
}

#[test]
fn channels_last_in_two_branches() {
    let imported = operator("channels_last");
    assert_eq!(imported.program.input().shape, [4, 5, 3]);
    // One branch is brought to the other's scale; a last lookup commits to the transposed rows.
    let expected =
        [OperationKind::MaxPool, OperationKind::Conv, OperationKind::Lookup, OperationKind::Lookup];
    let mut kinds = kinds(&imported);
    kinds[..2].sort_by_key(|kind| *kind == OperationKind::Conv);
    assert_eq!(kinds, expected);
}

#[test]
fn pixels_that_the_model_normalises() {
    let imported = operator("uint8_pixels");
    assert_eq!(imported.input, None);
    assert_eq!(kinds(&imported), [OperationKind::Lookup, OperationKind::MaxPool, OperationKind::MatMul]);
}

/// A lookup of a lookup is one.
#[test]
fn lookups_in_a_row_are_one() {
    assert_eq!(kinds(&operator("integers_clipped")), [OperationKind::Lookup]);
    assert_eq!(kinds(&operator("silu")), [OperationKind::Lookup]);
}

/// Halves up is cheaper to audit, and does where no result lies at a half.
#[test]
fn scales_from_data_meet_no_halves() {
    for model in ["digits/mlp_64_32_10", "digits/mlp_64_48_24_10", "mnist/mlp_784_128_10", "mnist/cnn"] {
        let program = load(&root().join("examples").join(model).with_extension("onnx")).program;
        for step in program.committed_steps() {
            let requantise = match &step.operation {
                Operation::MatMul(op) => &op.requantise,
                Operation::Conv(op) => &op.product.requantise,
                _ => continue,
            };
            let is_up = requantise.entries().iter().all(|entry| entry.rounding == Rounding::HalfUp);
            assert!(is_up, "{model}, {}", step.output.name);
        }
    }
}

/// A quarter of these averages lies at a half.
#[test]
fn halves_go_to_even() {
    let imported = operator("halves");
    assert_eq!(kinds(&imported), [OperationKind::AveragePool]);
    let Operation::AveragePool(average) = &imported.program.committed_step(0).operation else { panic!() };
    assert_eq!(average.requantise, PerColumn::All(Requantise::new(1 << 30, 32).rounded(Rounding::HalfEven)));
}

/// A window over the whole plane is a global average to onnxruntime, which adds the zero point last.
#[test]
fn a_window_over_the_whole_plane() {
    let imported = operator("whole_window");
    let Operation::AveragePool(average) = &imported.program.committed_step(0).operation else { panic!() };
    assert_eq!(average.requantise, PerColumn::All(Requantise::new(1 << 30, 34).rounded(Rounding::HalfEven)));
    assert_eq!(average.output_zero, 83);
}

/// Where multiples of the scale are no float32 numbers, onnxruntime's own rounding decides where some halves go. Nothing else
/// differs.
#[test]
fn only_halves_are_in_doubt() {
    let case = named("halves_of_any_scale");
    let imported = case.import();
    let output = run(&imported, &case.input);
    let Operation::AveragePool(average) = &imported.program.committed_step(0).operation else { panic!() };
    let mut differing = 0;
    for row in 0..output.rows() {
        let sums = reference::averagepool::accumulators(&imported.program, average, &case.input.row(row));
        for (j, sum) in sums.into_iter().enumerate() {
            let distance = (output.get(row, j) - case.output.get(row, j)).abs();
            assert!(
                distance == 0 || (distance == 1 && sum.rem_euclid(4) == 2),
                "row {row}, column {j}: a sum of {sum}"
            );
            differing += distance;
        }
    }
    let cells = output.cells().len() as i32;
    println!("{differing} of {cells} cells differ");
    assert!(0 < differing && 10 * differing < cells);
}

/// The text of a program is a check of all that the importer fixes.
#[test]
fn programs_are_the_same_every_time() {
    let bytes = std::fs::read(root().join("examples/mnist/cnn.onnx")).unwrap();
    let digest = |_| import(&bytes, "cnn", 9).unwrap().program.digest();
    assert_eq!(digest(0), digest(1));
    let tensor = |program: &janction_program::Program| -> Tensor { program.constants()[0].tensor.clone() };
    let program = import(&bytes, "cnn", 9).unwrap().program;
    // [OC, C, KH, KW] = [6, 1, 5, 5] became a row for each cell of a window.
    assert_eq!((tensor(&program).rows(), tensor(&program).columns()), (25, 6));
}
