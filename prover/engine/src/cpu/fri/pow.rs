use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::plonk::config::Hasher;
use rayon::prelude::*;

use crate::cpu::transcript::Transcript;
use crate::{EngineError, F};

/// Nonces that are tried before the threads meet.
const BLOCK: u64 = 1 << 12;

/// Finds the lowest nonce after which the transcript's challenge starts with `bits` zeros, and absorbs it.
pub(super) fn grind<H: Hasher<F>>(bits: u32, transcript: &mut Transcript<H>) -> Result<F, EngineError> {
    let (state, position) = transcript.before_nonce();
    let found = |nonce: u64| {
        let mut state = state;
        state.set_elt(F::from_canonical_u64(nonce), position);
        state.permute();
        state.squeeze().last().is_some_and(|response| response.to_canonical_u64().leading_zeros() >= bits)
    };
    let nonce = (0..F::ORDER / BLOCK)
        .find_map(|block| {
            (block * BLOCK..(block + 1) * BLOCK).into_par_iter().find_first(|&nonce| found(nonce))
        })
        .map(F::from_canonical_u64)
        .ok_or_else(|| EngineError::Unserved {
            reason: format!("no nonce gives {bits} bits of proof of work"),
        })?;
    transcript.observe(&[nonce]);
    transcript.challenge();
    Ok(nonce)
}
