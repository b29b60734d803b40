//! The kernels as text for a compiler.

use janction_accel_cuda::{File, Source, texts};

/// The executor's kernels, with the field and the permutation that they stand on.
#[must_use]
pub fn source() -> Source {
    Source::new("executor")
        .with(texts::goldilocks())
        .with(texts::poseidon_constants())
        .with(texts::poseidon())
        .with(File::new("rows.cu", include_str!("../../kernels/rows.cu")))
        .with(File::new("matmul.cu", include_str!("../../kernels/matmul.cu")))
        .with_kernels(&["hash_rows", "matmul"])
}
