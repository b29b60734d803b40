//! The models of `examples/` on every executor: the bits of the reference.

use std::fs;
use std::path::Path;

use janction_accel_cuda::Device;
use janction_executor::{Executor, cuda::Cuda};
use janction_program::{Program, commitment::Scheme, reference, test_utils::Random};
use janction_trace::Trace;

const MODELS: [&str; 4] = [
    "digits/mlp_64_32_10.onnx",
    "digits/mlp_64_48_24_10.onnx",
    "mnist/mlp_784_128_10.onnx",
    "mnist/cnn.onnx",
];

fn models() -> Vec<(&'static str, Program)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let read = |name| fs::read(folder.join(name)).expect("the example is there");
    let import = |name| janction_onnx::import(&read(name), "model", 12).expect("it is imported").program;
    MODELS.map(|name| (name, import(name))).into()
}

/// Runs every model on `rows` rows of any cells, committed to by both schemes.
fn check(name: &str, executor: &dyn Executor, rows: usize) {
    for (model, program) in models() {
        let value = program.input();
        let input = Random::new(rows as u64).tensor(value.dtype, rows, value.columns());
        let tensors = reference::run(&program, &input).unwrap();
        for scheme in [Scheme::Rows, Scheme::Sketch { block_bits: 6 }] {
            let program = program.clone().with_scheme(scheme).unwrap();
            let expected = Trace::commit(&program, input.clone(), tensors.clone()).unwrap();
            let got = executor.run(&program, input.clone()).unwrap();
            assert!(got == expected, "{model}, {name}, {rows} rows, scheme {scheme}");
        }
    }
}

#[test]
fn the_kernels_run_the_examples() {
    let emulated = || Cuda::on(Device::host().expect("a host device")).expect("the kernels compile");
    check("kernels", &emulated(), 3);
    check("a library's products", &emulated().with_library_from(0, 1 << 17), 2);
}

#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_runs_the_examples() {
    let open = || Cuda::open(0, None).expect("this test needs an NVIDIA GPU");
    check("GPU", &open(), 360);
    check("GPU, own kernels", &open().without_library(), 37);
    check("GPU, no tensor cores", &open().without_tensor_cores(), 37);
}
