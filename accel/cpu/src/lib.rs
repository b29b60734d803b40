//! Goldilocks and Poseidon made fast on the CPU.
//!
//! One binary runs everywhere: what the processor can do is found out at run time ([`Backend::current`]), once
//! per process, and a whole tree or a whole transform is then done by code for that processor. Results are
//! those of Plonky2 1.1, element for element; every vector of elements that leaves this crate is canonical
//! (below p = 2^64 - 2^32 + 1), every one that enters it may hold any `u64`.
//!
//! - [`Columns`]: a matrix stored by columns, the layout that everything here reads and writes;
//! - [`poseidon`]: the width-12 permutation, on one state and on many side by side;
//! - [`MerkleTree`]: Plonky2's Merkle tree over the rows of such a matrix;
//! - [`bn254`]: Poseidon2 over BN254's scalar field, many permutations side by side, for trees that are verified there;
//! - [`TreeHasher`]: how a prover is told of a hasher that works on many inputs at once;
//! - [`build_circuit`]: Plonky2's `build`, with its tree hashed here;
//! - [`ntt`]: interpolation and low-degree extension into such a matrix, in bit-reversed order;
//! - [`ring`]: inner products of bytes over Z_q\[X\] / (X^512 + 1), for the commitment scheme that sketches;
//! - [`Lanes`] and [`Kernel`]: packed arithmetic, for whoever writes one more loop over columns.
//!
//! # From columns of a witness to a commitment
//! ```
//! use janction_accel_cpu::{Backend, Columns, F, MerkleTree, ntt};
//! use plonky2::field::types::Field;
//!
//! let backend = Backend::current()?;
//! let values = Columns::from_columns(&[vec![F::ONE; 64], vec![F::TWO; 64]])?;
//! let coefficients = ntt::interpolate(backend, &values)?;
//! let extended = ntt::coset_lde(backend, &coefficients, 3, F::coset_shift())?;
//! let tree = MerkleTree::of_columns(backend, &extended, 4)?;
//! assert_eq!(tree.cap().len(), 16);
//! # Ok::<(), janction_accel_cpu::AccelError>(())
//! ```

mod backend;
pub mod bn254;
mod build;
mod columns;
mod error;
pub mod field;
mod hasher;
mod lanes;
mod merkle;
pub mod ntt;
pub mod poseidon;
pub mod ring;

pub use backend::{Backend, Kernel};
pub use build::{build_circuit, build_circuit_with};
pub use columns::Columns;
pub use error::AccelError;
pub use hasher::TreeHasher;
pub use lanes::{Extension, Lanes, Scalar, pack, pack_mut, unpack, unpack_mut};
pub use merkle::{Digest, MerkleTree};
/// The Goldilocks field.
pub use plonky2::field::goldilocks_field::GoldilocksField as F;
