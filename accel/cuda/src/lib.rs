//! Goldilocks, Poseidon, Merkle trees, NTTs and FRI on NVIDIA GPUs.
//!
//! Nothing of CUDA is needed to build: the driver and the run-time compiler (NVRTC) are loaded when a [`Device`] is
//! opened, kernels are compiled for the card that is found, and the images are kept on disk. What is missing becomes a
//! [`CudaError`] that names the remedy.
//!
//! - [`Device`]: one card with a stream of its own: memory ([`Buffer`], [`Slice`]), launches, compiling;
//! - [`Matrix`] and [`View`]: columns of field elements on a device, the layout of everything here;
//! - [`ntt`], [`MerkleTree`], [`polynomial`], [`columns`], [`grind`]: what a prover does with them;
//! - [`Source`] and [`texts`]: for whoever writes more kernels.
//!
//! Elements at rest are canonical (below p = 2^64 - 2^32 + 1). With the feature `host` there is a second kind of
//! device, made of the host's C++ compiler, on which the same kernels run in tests.

mod cache;
pub mod columns;
mod device;
mod error;
mod grind;
mod library;
mod matrix;
mod merkle;
pub mod ntt;
pub mod polynomial;
mod source;
pub mod texts;

pub use device::{
    Argument, Blas, Buffer, Card, Device, Event, Grid, Module, Product, Slice, Word, bytes, cards,
    compile_image,
};
pub use error::CudaError;
pub use grind::grind;
pub use library::sources;
pub use matrix::{Matrix, View, elements, words};
pub use merkle::{Digest, MerkleTree, gather_rows};
/// The Goldilocks field.
pub use plonky2::field::goldilocks_field::GoldilocksField as F;
pub use source::{File, Source};
