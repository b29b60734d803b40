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

/// Tensor cores for 8-bit integers, copies that arrive later and exchanges between lanes: `mma.cuh`, namespace `warp`. Needs
/// [`goldilocks`]. Serves cards from compute capability 7.5 on.
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

/// The permutation by 16 lanes of a warp: `poseidon_lanes.cuh`, namespace `poseidon`. Needs [`mma`] and [`poseidon`].
#[must_use]
pub fn poseidon_lanes() -> File {
    const LANES: usize = 16;
    // A line of constants for the lanes from `first` on, zeros for the others.
    let line = |first: usize, values: &[u64]| {
        let mut line = [0; LANES];
        line[first..first + values.len()].copy_from_slice(values);
        line
    };
    let (begin, end) = (12 * HALF_N_FULL_ROUNDS, 12 * (HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS));
    let full = [&ALL_ROUND_CONSTANTS[..begin], &ALL_ROUND_CONSTANTS[end..]].concat();
    // Lane 0 has a row and a column of its own: those of the identity before the partial rounds, and in them the corner of the
    // matrix, which its element is multiplied with while all others' are added.
    let corner = <F as Poseidon>::MDS_MATRIX_CIRC[0] + <F as Poseidon>::MDS_MATRIX_DIAG[0];
    let column = |column: &[u64; 11]| {
        let mut line = line(1, column);
        line[0] = corner;
        line
    };
    let initial = <F as Poseidon>::FAST_PARTIAL_ROUND_INITIAL_MATRIX.iter().map(|row| line(1, row));
    let arrays: [(&str, Vec<[u64; LANES]>); 5] = [
        ("LANES_FULL", full.chunks(12).map(|round| line(0, round)).collect()),
        ("LANES_FIRST", vec![line(0, &<F as Poseidon>::FAST_PARTIAL_FIRST_ROUND_CONSTANT)]),
        ("LANES_INITIAL", std::iter::once(line(0, &[1])).chain(initial).collect()),
        ("LANES_ROWS", <F as Poseidon>::FAST_PARTIAL_ROUND_W_HATS.iter().map(|row| line(1, row)).collect()),
        ("LANES_COLUMNS", <F as Poseidon>::FAST_PARTIAL_ROUND_VS.iter().map(column).collect()),
    ];
    let mut text = String::from("namespace poseidon {\n");
    for (name, lines) in arrays {
        let values: Vec<String> = lines.as_flattened().iter().map(|value| format!("{value:#x}ull")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "__device__ const u64 {name}[] = {{{}}};", values.join(","));
    }
    // Messages of the compiler name lines of the file.
    text.push_str("}\n#line 1 \"poseidon_lanes.cuh\"\n");
    text.push_str(include_str!("../kernels/poseidon_lanes.cuh"));
    File::new("poseidon_lanes.cuh", text)
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
