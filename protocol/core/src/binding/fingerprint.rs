//! The stream's Poseidon digest D and its fingerprint f(r).

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;

use crate::hash::Sponge;
use crate::stream::Block;
use crate::{Digest, F};

/// Horner's rule over `elements` in F[X]/(X^2 - 7): f := f r + x for each x.
pub fn fold(f: [F; 2], r: [F; 2], elements: &[F]) -> [F; 2] {
    let r = QuadraticExtension::<F>(r);
    elements.iter().fold(QuadraticExtension(f), |f, &x| f * r + QuadraticExtension([x, F::ZERO])).0
}

/// D: the digest of a whole stream's blocks.
pub fn stream_digest(blocks: &[Block]) -> Digest {
    let mut sponge = Sponge::stream();
    blocks.iter().for_each(|block| sponge.absorb(&block.elements()));
    sponge.digest()
}

/// f(r) = sum of d_i r^(n-1-i) over a whole stream's limbs.
pub fn fingerprint(blocks: &[Block], r: [F; 2]) -> [F; 2] {
    blocks.iter().fold([F::ZERO; 2], |f, block| fold(f, r, &block.elements()))
}
