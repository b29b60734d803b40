//! The kernels as one text for a compiler.

use std::fmt::Write;

use janction_protocol::F;
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, Poseidon};

fn constant(text: &mut String, name: &str, values: &[u64]) {
    // Writing to a string cannot fail.
    let _ = write!(text, "__constant__ unsigned long long {name}[{}] = {{", values.len());
    for value in values {
        let _ = write!(text, "{value:#x}ull,");
    }
    text.push_str("};\n");
}

/// The text of all kernels, with Plonky2's own Poseidon constants in front: they are not written down a second time.
#[must_use]
pub fn kernels() -> String {
    let mut text = String::new();
    constant(&mut text, "ROUND_CONSTANTS", &ALL_ROUND_CONSTANTS);
    constant(&mut text, "MDS_CIRCULANT", &<F as Poseidon>::MDS_MATRIX_CIRC);
    constant(&mut text, "MDS_DIAGONAL", &<F as Poseidon>::MDS_MATRIX_DIAG);
    for part in [
        include_str!("../../kernels/goldilocks.cuh"),
        include_str!("../../kernels/poseidon.cuh"),
        include_str!("../../kernels/rows.cu"),
        include_str!("../../kernels/matmul.cu"),
    ] {
        text.push_str(part);
    }
    text
}
