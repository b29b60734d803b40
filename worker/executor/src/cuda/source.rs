//! The kernels as text for a compiler.

use std::fmt::Write;

use janction_accel_cpu::ring::{DEGREE, FORWARD_ROOTS, INVERSE_ROOTS, MODULUS};
use janction_accel_cuda::{File, Source, texts};

/// The constants of the ring of commitment scheme 2, which are not written down a second time: q, and the roots and 1 / 512 as
/// `sketch.cu` multiplies with them, w and floor(2^32 w / q) above it.
fn ring_constants() -> File {
    let q = u64::from(MODULUS);
    let shoup = |w: u64| ((w << 32) / q) << 32 | w;
    let scale = (1..q).find(|inverse| inverse * DEGREE as u64 % q == 1).expect("q is a prime");
    let mut text = format!(
        "namespace ring {{\nstatic const u32 Q = {q};\nstatic const u64 SCALE = {:#x}ull;\n",
        shoup(scale)
    );
    for (name, roots) in [("FORWARD", &FORWARD_ROOTS), ("INVERSE", &INVERSE_ROOTS)] {
        let roots: Vec<String> = roots.iter().map(|&w| format!("{:#x}ull", shoup(w.into()))).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "__device__ const u64 {name}[] = {{{}}};", roots.join(","));
    }
    text.push_str("}\n");
    File::new("ring.cuh", text)
}

/// The executor's kernels, with the field and the permutation that they stand on.
#[must_use]
pub fn source() -> Source {
    let files = [
        ("rows.cu", include_str!("../../kernels/rows.cu")),
        ("sketch.cu", include_str!("../../kernels/sketch.cu")),
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
        .with(texts::poseidon())
        .with(texts::poseidon_lanes())
        .with(ring_constants());
    files.into_iter().fold(field, |source, (name, text)| source.with(File::new(name, text))).with_kernels(&[
        "hash_rows",
        "sketch_blocks",
        "hash_sketches",
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
