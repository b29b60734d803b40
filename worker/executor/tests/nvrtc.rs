//! The kernels compile with CUDA's own compiler, where it is there (no GPU is needed for that).

use janction_accel_cuda::{CudaError, compile_image};
use janction_executor::cuda::source;

#[test]
fn kernels_compile_to_machine_code() {
    for capability in [(7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)] {
        match compile_image(&source(), capability) {
            Err(CudaError::NoCompiler) => {
                println!(
                    "SKIPPED: libnvrtc was not found. To run this test, install the Python package \
                     nvidia-cuda-nvrtc and put its library folder on LD_LIBRARY_PATH"
                );
                return;
            }
            result => {
                let (image, log) = result.unwrap();
                assert!(image.starts_with(b"\x7fELF"));
                // Registers and shared memory of each kernel, for whoever runs this with --nocapture.
                for line in log.lines().filter(|line| line.contains("Compiling") || line.contains("Used")) {
                    println!("{capability:?} {}", line.trim_start_matches("ptxas info    : "));
                }
                let spills = log.lines().filter(|line| line.contains("spill"));
                for line in spills {
                    assert!(line.contains("0 bytes spill stores"), "{capability:?}: {line}");
                }
            }
        }
    }
}
