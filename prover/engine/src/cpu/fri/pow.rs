use janction_accel_cpu::Backend;
use janction_accel_cpu::poseidon::{RATE, WIDTH, permute_all};
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::plonk::config::Hasher;
use rayon::prelude::*;

use crate::cpu::tree::Hashing;
use crate::hasher::is_poseidon;
use crate::{EngineError, F};

/// Nonces that are tried side by side.
const BATCH: u64 = 64;
/// Batches that a thread tries before the threads meet.
const BATCHES: u64 = 16;

/// The lowest nonce that, at `position` of the state, lets the challenge after it start with `bits` zeros.
pub(in crate::cpu) fn grind<H: Hasher<F> + 'static>(
    hashing: &Hashing<H>,
    bits: u32,
    state: H::Permutation,
    position: usize,
) -> Result<F, EngineError> {
    let stride = BATCHES * rayon::current_num_threads() as u64;
    let try_batch = |batch: u64| {
        let first = batch * BATCH;
        if is_poseidon::<H>() {
            poseidon_batch(hashing.backend, state.as_ref(), position, first, bits)
        } else {
            (first..first + BATCH).find(|&nonce| {
                let mut state = state;
                state.set_elt(F::from_canonical_u64(nonce), position);
                state.permute();
                state.squeeze().last().is_some_and(|&response| is_small(response, bits))
            })
        }
    };
    let try_batches = |first: u64| match &hashing.many {
        Some(many) => {
            let responses = many.responses(&state, position, first * BATCH, (stride * BATCH) as usize);
            (first * BATCH..)
                .zip(responses)
                .find_map(|(nonce, response)| is_small(response, bits).then_some(nonce))
        }
        None => (first..first + stride).into_par_iter().find_map_first(try_batch),
    };
    (0..F::ORDER / BATCH / stride)
        .find_map(|step| try_batches(step * stride))
        .map(F::from_canonical_u64)
        .ok_or_else(|| EngineError::Unserved {
            reason: format!("no nonce gives {bits} bits of proof of work"),
        })
}

fn poseidon_batch(backend: Backend, state: &[F], position: usize, first: u64, bits: u32) -> Option<u64> {
    let mut template = [F::ZERO; WIDTH];
    template.copy_from_slice(state);
    let mut states = [template; BATCH as usize];
    for (nonce, state) in (first..).zip(&mut states) {
        state[position] = F::from_canonical_u64(nonce);
    }
    permute_all(backend, &mut states);
    (first..).zip(states).find_map(|(nonce, state)| is_small(state[RATE - 1], bits).then_some(nonce))
}

fn is_small(response: F, bits: u32) -> bool {
    response.to_canonical_u64().leading_zeros() >= bits
}
