//! The building blocks of kernels, for whoever compiles kernels of their own ([`crate::Device::compile`]).

use std::fmt::Write;

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon};

use crate::source::File;

/// Arithmetic of the field: `goldilocks.cuh`, namespace `gl`.
#[must_use]
pub fn goldilocks() -> File {
    File::new("goldilocks.cuh", include_str!("../kernels/goldilocks.cuh"))
}

/// Arithmetic of the quadratic extension: `extension.cuh`, namespace `ext`. Needs [`goldilocks`].
#[must_use]
pub fn extension() -> File {
    File::new("extension.cuh", include_str!("../kernels/extension.cuh"))
}

/// The permutation: `poseidon.cuh`, namespace `poseidon`. Needs [`goldilocks`] and [`poseidon_constants`].
#[must_use]
pub fn poseidon() -> File {
    File::new("poseidon.cuh", include_str!("../kernels/poseidon.cuh"))
}

/// Plonky2's own Poseidon constants as text: they are not written down a second time.
#[must_use]
pub fn poseidon_constants() -> File {
    let mut text = String::from("namespace poseidon {\n");
    let half = 12 * HALF_N_FULL_ROUNDS;
    constant(&mut text, "FULL_FIRST", &ALL_ROUND_CONSTANTS[..half]);
    constant(&mut text, "FULL_LAST", &ALL_ROUND_CONSTANTS[half + 12 * N_PARTIAL_ROUNDS..]);
    constant(&mut text, "PARTIAL_FIRST", &<F as Poseidon>::FAST_PARTIAL_FIRST_ROUND_CONSTANT);
    constant(&mut text, "PARTIAL", &<F as Poseidon>::FAST_PARTIAL_ROUND_CONSTANTS);
    constant(&mut text, "PARTIAL_INITIAL", <F as Poseidon>::FAST_PARTIAL_ROUND_INITIAL_MATRIX.as_flattened());
    constant(&mut text, "PARTIAL_ROWS", <F as Poseidon>::FAST_PARTIAL_ROUND_W_HATS.as_flattened());
    constant(&mut text, "PARTIAL_COLUMNS", <F as Poseidon>::FAST_PARTIAL_ROUND_VS.as_flattened());
    text.push_str("}\n");
    for (name, values) in
        [("CIRCULANT", <F as Poseidon>::MDS_MATRIX_CIRC), ("DIAGONAL", <F as Poseidon>::MDS_MATRIX_DIAG)]
    {
        // Known to the compiler, so that it multiplies by small numbers.
        for (i, value) in values.iter().enumerate() {
            let _ = writeln!(text, "#define POSEIDON_{name}_{i} {value}u");
        }
    }
    File::new("poseidon_constants.cuh", text)
}

fn constant(text: &mut String, name: &str, values: &[u64]) {
    // Writing to a string cannot fail.
    let _ = write!(text, "__constant__ unsigned long long {name}[{}] = {{", values.len());
    for value in values {
        let _ = write!(text, "{value:#x}ull,");
    }
    text.push_str("};\n");
}
