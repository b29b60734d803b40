//! The kernels compile with CUDA's own compiler, where it is there (no GPU is needed for that).

use janction_executor::cuda::{CudaError, compile, nvrtc_present};

#[test]
fn kernels_compile_to_ptx() {
    if !nvrtc_present() {
        println!(
            "SKIPPED: libnvrtc was not found. To run this test, install the Python package nvidia-cuda-nvrtc and put \
             its library folder on LD_LIBRARY_PATH"
        );
        assert_eq!(compile((8, 0)).unwrap_err(), CudaError::NoCompiler);
        return;
    }
    for capability in [(7, 5), (8, 0), (8, 9), (9, 0)] {
        let ptx = compile(capability).unwrap().to_src();
        for kernel in ["matmul", "hash_rows"] {
            assert!(ptx.contains(&format!(".entry {kernel}(")), "{kernel} for {capability:?}");
        }
        assert!(ptx.contains("dp4a.s32.s32"), "products of 4 cells are one instruction");
    }
    assert!(matches!(compile((1, 0)), Err(CudaError::Compile { .. })));
}
