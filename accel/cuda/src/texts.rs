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

/// Tensor cores for 8-bit integers and copies that arrive later: `mma.cuh`, namespace `warp`. Needs [`goldilocks`] for the
/// names of types. Serves cards from compute capability 7.5 on.
#[must_use]
pub fn mma() -> File {
    File::new("mma.cuh", include_str!("../kernels/mma.cuh"))
}

/// Plonky2's own Poseidon constants as text: they are not written down a second time.
#[must_use]
pub fn poseidon_constants() -> File {
    let mut text = String::from("namespace poseidon {\n");
    let half = 12 * HALF_N_FULL_ROUNDS;
    let (first, last) = (&ALL_ROUND_CONSTANTS[..half], &ALL_ROUND_CONSTANTS[half + 12 * N_PARTIAL_ROUNDS..]);
    let mut constant = |name: &str, kind: &str, values: &[u64]| {
        let values: Vec<String> = values.iter().map(|value| format!("{value:#x}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "__constant__ {kind} {name}[] = {{{}}};", values.join(","));
    };
    let word = "unsigned long long";
    constant("FULL", word, &[first, last].concat());
    constant("PARTIAL_FIRST", word, &<F as Poseidon>::FAST_PARTIAL_FIRST_ROUND_CONSTANT);
    constant("PARTIAL", word, &<F as Poseidon>::FAST_PARTIAL_ROUND_CONSTANTS);
    constant("PARTIAL_INITIAL", word, <F as Poseidon>::FAST_PARTIAL_ROUND_INITIAL_MATRIX.as_flattened());
    constant("PARTIAL_ROWS", word, <F as Poseidon>::FAST_PARTIAL_ROUND_W_HATS.as_flattened());
    constant("PARTIAL_COLUMNS", word, <F as Poseidon>::FAST_PARTIAL_ROUND_VS.as_flattened());
    constant("CIRCULANT", "unsigned", &<F as Poseidon>::MDS_MATRIX_CIRC);
    let _ =
        writeln!(text, "static const unsigned DIAGONAL_FIRST = {};\n}}", <F as Poseidon>::MDS_MATRIX_DIAG[0]);
    File::new("poseidon_constants.cuh", text)
}

/// The matrix's diagonal is zero but for its first entry, which is all that the kernels know of.
const _: () = {
    let diagonal = <F as Poseidon>::MDS_MATRIX_DIAG;
    let mut i = 1;
    while i < diagonal.len() {
        assert!(diagonal[i] == 0);
        i += 1;
    }
};
