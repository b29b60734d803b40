//! The native permutation.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};

use super::grain::Grain;

/// Field elements in the state.
pub const WIDTH: usize = 3;
/// Rounds in which every element passes the S-box; half before and half after the partial rounds.
pub const FULL_ROUNDS: usize = 8;
/// Rounds in which only the first element passes the S-box.
pub const PARTIAL_ROUNDS: usize = 56;

/// Constants added before the S-boxes.
#[derive(Debug)]
pub struct RoundConstants {
    /// One row for each full round, first half then second half.
    pub full: [[Fr; WIDTH]; FULL_ROUNDS],
    /// One for each partial round, added to the first element.
    pub partial: [Fr; PARTIAL_ROUNDS],
}

static ROUND_CONSTANTS: LazyLock<RoundConstants> = LazyLock::new(|| {
    let mut grain = Grain::new(Fr::MODULUS_BIT_SIZE as usize, WIDTH, FULL_ROUNDS, PARTIAL_ROUNDS);
    let mut full = [[Fr::ZERO; WIDTH]; FULL_ROUNDS];
    let mut partial = [Fr::ZERO; PARTIAL_ROUNDS];
    let (first, second) = full.split_at_mut(FULL_ROUNDS / 2);
    first.as_flattened_mut().iter_mut().for_each(|c| *c = grain.next_fr());
    partial.iter_mut().for_each(|c| *c = grain.next_fr());
    second.as_flattened_mut().iter_mut().for_each(|c| *c = grain.next_fr());
    RoundConstants { full, partial }
});

/// The constants of all rounds, generated once.
pub fn round_constants() -> &'static RoundConstants {
    &ROUND_CONSTANTS
}

#[inline(always)]
fn sbox(x: &mut Fr) {
    let fourth = x.square().square();
    *x *= fourth;
}

/// Multiplies by circ(2, 1, 1).
#[inline(always)]
fn external_layer(state: &mut [Fr; WIDTH]) {
    let sum = state[0] + state[1] + state[2];
    for element in state {
        *element += sum;
    }
}

/// Multiplies by the all-ones matrix plus diag(1, 1, 2).
#[inline(always)]
fn internal_layer(state: &mut [Fr; WIDTH]) {
    let sum = state[0] + state[1] + state[2];
    state[0] += sum;
    state[1] += sum;
    state[2].double_in_place();
    state[2] += sum;
}

/// Applies the permutation in place.
pub fn permute(state: &mut [Fr; WIDTH]) {
    let constants = round_constants();
    let full_round = |state: &mut [Fr; WIDTH], round: &[Fr; WIDTH]| {
        for (element, constant) in state.iter_mut().zip(round) {
            *element += constant;
            sbox(element);
        }
        external_layer(state);
    };
    external_layer(state);
    for round in &constants.full[..FULL_ROUNDS / 2] {
        full_round(state, round);
    }
    for constant in &constants.partial {
        state[0] += constant;
        sbox(&mut state[0]);
        internal_layer(state);
    }
    for round in &constants.full[FULL_ROUNDS / 2..] {
        full_round(state, round);
    }
}

#[cfg(test)]
mod tests {
    use janction_accel_cpu::Backend;

    use super::*;
    use crate::poseidon2::{element, many};

    fn fr(hex: &str) -> Fr {
        let bytes: Vec<u8> =
            (0..32).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex")).collect();
        Fr::from_be_bytes_mod_order(&bytes)
    }

    /// Some constants of the reference implementation's table for this instance.
    #[test]
    fn constants_match_the_reference() {
        let constants = round_constants();
        assert_eq!(
            constants.full[0][0],
            fr("1d066a255517b7fd8bddd3a93f7804ef7f8fcde48bb4c37a59a09a1a97052816")
        );
        assert_eq!(
            constants.full[3][2],
            fr("274982444157b86726c11b9a0f5e39a5cc611160a394ea460c63f0b2ffe5657e")
        );
        assert_eq!(
            constants.partial[0],
            fr("1a1d063e54b1e764b63e1855bff015b8cedd192f47308731499573f23597d4b5")
        );
        assert_eq!(
            constants.partial[1],
            fr("26abc66f3fdf8e68839d10956259063708235dccc1aa3793b91b002c5b257c37")
        );
    }

    /// Published known answer: the permutation of (0, 1, 2).
    #[test]
    fn known_answer() {
        let expected = [
            fr("0bb61d24daca55eebcb1929a82650f328134334da98ea4f847f760054f4a3033"),
            fr("303b6f7c86d043bfcbcc80214f26a30277a15d3f74ca654992defe7ff8d03570"),
            fr("1ed25194542b12eef8617361c3ba7c52e660b145994427cc86296242cf766ec8"),
        ];
        let start = [0u64, 1, 2].map(Fr::from);
        let mut state = start;
        permute(&mut state);
        assert_eq!(state, expected);
        for backend in Backend::available() {
            let mut states = [start.map(element); 9];
            many().permute_all(backend, &mut states);
            assert!(states.iter().all(|state| *state == expected.map(element)), "{backend}");
        }
    }
}
