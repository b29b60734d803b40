//! The permutation, on as many states as there are lanes.

use super::WIDTH;
use super::constants::{HALF_FULL, PARTIAL, constants};
use super::mds;
use crate::lanes::Lanes;

/// Partial rounds between two reductions of the elements that pass no S-box. Halves start below 2^32 and grow by
/// less than 2^9 in each linear layer; `reduce_halves` takes them up to 2^60.
const LAZY: usize = 3;

/// Permutes the state in every lane. Lanes of the result are not canonical.
#[inline(always)]
pub fn permute_lanes<L: Lanes>(state: &mut [L; WIDTH]) {
    let constants = constants();
    for round in &constants.full[..HALF_FULL] {
        full_round(state, round);
    }
    partial_rounds(state, &constants.partial);
    for round in &constants.full[HALF_FULL..] {
        full_round(state, round);
    }
}

#[inline(always)]
fn full_round<L: Lanes>(state: &mut [L; WIDTH], round: &[u64; WIDTH]) {
    for (x, constant) in state.iter_mut().zip(round) {
        *x = sbox(x.add_canonical(L::splat(*constant)));
    }
    linear_layer(state);
}

/// The matrix of every round, in every lane.
#[inline(always)]
pub fn linear_layer<L: Lanes>(state: &mut [L; WIDTH]) {
    let (low, high) = split(state);
    let (low, high) = (mds::multiply(low), mds::multiply(high));
    for i in 0..WIDTH {
        state[i] = L::reduce_halves(low[i], high[i]);
    }
}

#[inline(always)]
fn partial_rounds<L: Lanes>(state: &mut [L; WIDTH], constants: &[u64; PARTIAL]) {
    for constants in constants.chunks(LAZY) {
        let (mut low, mut high) = split(state);
        let mut first = state[0];
        for constant in constants {
            first = sbox(first.add_canonical(L::splat(*constant)));
            (low[0], high[0]) = (first.low_half(), first.raw_shr::<32>());
            (low, high) = (mds::multiply(low), mds::multiply(high));
            first = L::reduce_halves(low[0], high[0]);
        }
        state[0] = first;
        for i in 1..WIDTH {
            state[i] = L::reduce_halves(low[i], high[i]);
        }
    }
}

#[inline(always)]
fn split<L: Lanes>(state: &[L; WIDTH]) -> ([L; WIDTH], [L; WIDTH]) {
    let (mut low, mut high) = (*state, *state);
    for i in 0..WIDTH {
        (low[i], high[i]) = (state[i].low_half(), state[i].raw_shr::<32>());
    }
    (low, high)
}

/// x^7.
#[inline(always)]
pub fn sbox<L: Lanes>(x: L) -> L {
    let x2 = x.square();
    let x3 = x2.mul(x);
    let x4 = x2.square();
    x3.mul(x4)
}
