//! The kernels compile with CUDA's own compiler, where it is there (no GPU is needed for that), and keep their states
//! in registers.

use std::error::Error;

use janction_accel_cuda::{CudaError, File, Source, compile_image, sources};

/// What is compiled for: T4, A100, RTX 30, RTX 40, H100, B200, RTX 50.
const CAPABILITIES: [(i32, i32); 7] = [(7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)];

#[test]
fn kernels_compile_and_keep_to_registers() -> Result<(), Box<dyn Error>> {
    for source in sources() {
        for capability in CAPABILITIES {
            let (image, log) = match compile_image(&source, capability) {
                Err(CudaError::NoCompiler) => {
                    println!(
                        "SKIPPED: libnvrtc was not found. To run this test, install the Python package \
                         nvidia-cuda-nvrtc and put its library folder on LD_LIBRARY_PATH"
                    );
                    return Ok(());
                }
                other => other?,
            };
            assert!(image.starts_with(b"\x7fELF"), "{} for {capability:?} is machine code", source.name());
            for line in log
                .lines()
                .filter(|line| line.contains("spill") || line.contains("Compiling") || line.contains("Used"))
            {
                println!("{}: {line}", source.name());
                assert!(
                    !line.contains("spill") || line.contains("0 bytes spill stores, 0 bytes spill loads"),
                    "{} for {capability:?}: {line}",
                    source.name()
                );
            }
        }
    }
    Ok(())
}

#[test]
fn what_does_not_compile_is_said() {
    let broken = Source::new("broken").with(File::new("broken.cu", "int f() { return nothing; }"));
    match compile_image(&broken, (9, 0)) {
        Err(CudaError::Compile { target, log, .. }) => {
            assert_eq!(target, "sm_90");
            assert!(log.contains("broken.cu(1)") && log.contains("nothing"), "{log}");
        }
        other => assert_eq!(other.err(), Some(CudaError::NoCompiler)),
    }
    match compile_image(&broken, (1, 0)) {
        Err(CudaError::CompilerTooOld { reason, .. }) => assert!(reason.contains("sm_10"), "{reason}"),
        other => assert_eq!(other.err(), Some(CudaError::NoCompiler)),
    }
}
