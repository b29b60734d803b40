//! The kernels as text for a compiler.

use janction_accel_cuda::{File, Source, texts};

/// The executor's kernels, with the field and the permutation that they stand on.
#[must_use]
pub fn source() -> Source {
    let files = [
        ("rows.cu", include_str!("../../kernels/rows.cu")),
        ("cells.cu", include_str!("../../kernels/cells.cu")),
        ("product.cu", include_str!("../../kernels/product.cu")),
        ("tiles.cu", include_str!("../../kernels/tiles.cu")),
        ("window.cu", include_str!("../../kernels/window.cu")),
        ("matmul.cu", include_str!("../../kernels/matmul.cu")),
        ("conv.cu", include_str!("../../kernels/conv.cu")),
        ("add.cu", include_str!("../../kernels/add.cu")),
        ("lookup.cu", include_str!("../../kernels/lookup.cu")),
        ("maxpool.cu", include_str!("../../kernels/maxpool.cu")),
        ("averagepool.cu", include_str!("../../kernels/averagepool.cu")),
        ("transpose.cu", include_str!("../../kernels/transpose.cu")),
        ("concat.cu", include_str!("../../kernels/concat.cu")),
    ];
    let field = Source::new("executor")
        .with(texts::goldilocks())
        .with(texts::mma())
        .with(texts::poseidon_constants())
        .with(texts::poseidon());
    files.into_iter().fold(field, |source, (name, text)| source.with(File::new(name, text))).with_kernels(&[
        "hash_rows",
        "matmul",
        "matmul_large",
        "matmul_small",
        "align_vectors",
        "item_sums",
        "to_signed",
        "finish_sums",
        "conv",
        "conv_large",
        "conv_small",
        "channels_last",
        "window_sums",
        "add",
        "lookup",
        "maxpool",
        "averagepool",
        "transpose",
        "concat",
    ])
}
