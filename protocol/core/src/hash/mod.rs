//! Domain-separated hashing with Plonky2's Poseidon (width 12, rate 8, capacity 4); `docs/protocol.md` section 1.

mod digest;
mod sponge;
pub mod tag;

pub use digest::{Digest, ParseDigestError};
pub use sponge::{Sponge, chain, hash, node, permute};

/// Lanes of the permutation.
pub const WIDTH: usize = 12;
/// Lanes that data overwrites.
pub const RATE: usize = 8;
