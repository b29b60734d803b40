//! Goldilocks, Poseidon, Merkle trees, NTTs and FRI on NVIDIA GPUs.
//!
//! Nothing of CUDA is needed to build: the driver and the run-time compiler (NVRTC) are loaded when a [`Device`] is
//! opened, kernels are compiled for the card that is found, and the images are kept on disk. What is missing becomes a
//! [`CudaError`] that names the remedy.
//!
//! - [`Device`]: one card with a stream of its own: memory ([`Buffer`], [`Slice`]), launches, compiling;
//! - [`Source`] and [`texts`]: for whoever writes more kernels.
//!
//! Elements at rest are canonical (below p = 2^64 - 2^32 + 1). With the feature `host` there is a second kind of
//! device, made of the host's C++ compiler, on which the same kernels run in tests.

mod cache;
mod device;
mod error;
mod source;
pub mod texts;

pub use device::{Argument, Buffer, Card, Device, Grid, Module, Slice, Word, cards, compile_image};
pub use error::CudaError;
/// The Goldilocks field.
pub use plonky2::field::goldilocks_field::GoldilocksField as F;
pub use source::{File, Source};
