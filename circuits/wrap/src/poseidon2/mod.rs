//! Poseidon2 over the BN254 scalar field: width 3, S-box x^5, 8 full and 56 partial rounds
//! (eprint 2023/323), with the round constants of the authors' reference.

mod grain;
mod many;
mod permutation;

pub use many::many;
pub(crate) use many::{element, fr};
pub use permutation::{FULL_ROUNDS, PARTIAL_ROUNDS, RoundConstants, WIDTH, permute, round_constants};
