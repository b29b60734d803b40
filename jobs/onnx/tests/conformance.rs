//! ONNX's own conformance cases (`tests/fixtures/conformance.py`): the importer gives their outputs, or refuses them for a
//! reason.

mod support;

use std::path::Path;

use janction_onnx::import;
use support::{cases, differences, run};

/// Cases that are refused: the beginning of the name, and a part of what is said.
const REFUSED: [(&str, &str); 22] = [
    // Programs have no integer arithmetic of ONNX's kind, where sums wrap around.
    ("add_int8", "dequantised 8-bit cells"),
    ("add_uint8", "dequantised 8-bit cells"),
    ("sub_int8", "dequantised 8-bit cells"),
    ("sub_uint8", "dequantised 8-bit cells"),
    // Items do not mix: the batch stays first.
    ("concat_2d_axis_0", "Concat along the batch"),
    ("concat_2d_axis_negative_2", "Concat along the batch"),
    ("concat_3d_axis_0", "Concat along the batch"),
    ("concat_3d_axis_negative_3", "Concat along the batch"),
    ("flatten_", "only Flatten at axis 1"),
    ("gemm_transposeA", "transA = 1"),
    ("gemm_default_matrix_bias", "the bias must be of shape [4]"),
    ("reshape_", "keep the batch"),
    ("reshape_one_dim", "[batch, ...]"),
    ("squeeze", "keep the batch"),
    ("transpose_", "moves the batch"),
    ("unsqueeze_axis_0", "keep the batch"),
    // A matrix for each item, or a vector.
    ("matmul_", "the weights must be a matrix"),
    ("qlinearmatmul_3D", "the weights must be a matrix"),
    ("gemm_", "it must be 1"),
    ("qlinearmatmul_", "element type 10 is not supported"),
    ("averagepool_2d_dilations", "dilations of an AveragePool"),
    ("", "[batch, channels, height, width] or [batch, channels, length], got items of shape [1, 4, 4, 4]"),
];

#[test]
fn conformance() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/conformance.cases");
    let (mut imported, mut cells, mut differing, mut unexplained) = (0, 0, 0, Vec::new());
    for case in cases(&path) {
        let program = match import(&case.model, &case.name, 9) {
            Ok(program) => program,
            Err(error) => {
                let text = error.to_string();
                let is_known =
                    |(name, part): &(&str, &str)| case.name.starts_with(name) && text.contains(part);
                if !REFUSED.iter().any(is_known) {
                    unexplained.push(format!("{}: {text}", case.name));
                }
                continue;
            }
        };
        let output = run(&program, &case.input);
        let (count, distance) = differences(&output, &case.output);
        assert!(distance <= 1, "{}: {distance} units apart", case.name);
        imported += 1;
        cells += output.cells().len();
        differing += count;
    }
    println!("{imported} cases imported, {differing} of {cells} cells differ");
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    assert!(
        imported >= 100 && 1000 * differing <= cells,
        "{imported} imported, {differing} of {cells} differ"
    );
}
