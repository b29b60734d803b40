//! Goldilocks Poseidon (width 12) in the extension: the rounds behind `PoseidonGate` and the hash of the public
//! inputs. On elements whose second part is the constant zero, everything costs what it costs in the base field.

use plonky2::field::types::Field;
use plonky2::hash::poseidon::{
    ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon, SPONGE_RATE, SPONGE_WIDTH,
};

use super::extension::Ext;
use super::goldilocks::Gl;
use super::tape::Tape;
use crate::last_layer::F;

/// Elements of a digest.
const DIGEST: usize = 4;

/// The sponge's state.
pub type State = [Ext; SPONGE_WIDTH];

pub(super) fn constant(value: u64) -> Ext {
    Ext::constant(F::from_canonical_u64(value))
}

/// x^7, lazy: the linear layer after it has small coefficients or reduces it.
fn sbox(tape: &mut Tape, x: Ext) -> Ext {
    let x = tape.ext_reduce(x);
    let square = tape.ext_mul_reduced(x, x);
    let cube = tape.ext_mul_reduced(square, x);
    // 64-bit factors leave room for a product of three.
    let sixth = tape.ext_mul(cube, cube);
    tape.ext_mul(sixth, x)
}

fn add_constants(tape: &mut Tape, state: &mut State, constants: &[u64]) {
    for (element, &c) in state.iter_mut().zip(constants) {
        *element = tape.ext_add(*element, constant(c));
    }
}

pub(super) fn mds_row(row: usize) -> [u64; SPONGE_WIDTH] {
    let mut coefficients = [0; SPONGE_WIDTH];
    for i in 0..SPONGE_WIDTH {
        coefficients[(i + row) % SPONGE_WIDTH] = <F as Poseidon>::MDS_MATRIX_CIRC[i];
    }
    coefficients[row] += <F as Poseidon>::MDS_MATRIX_DIAG[row];
    coefficients
}

fn mds_layer(tape: &mut Tape, state: &State) -> State {
    std::array::from_fn(|row| {
        let coefficients = mds_row(row);
        let terms: Vec<_> = state.iter().zip(coefficients).map(|(&x, c)| (x, constant(c))).collect();
        tape.ext_dot(Ext::ZERO, &terms)
    })
}

/// A full round; S-box inputs are replaced by wires, which must equal them.
fn full_round(
    tape: &mut Tape,
    state: State,
    round: usize,
    inputs: Option<&[Ext]>,
    constraints: &mut Vec<Ext>,
) -> State {
    let mut state = state;
    add_constants(tape, &mut state, &ALL_ROUND_CONSTANTS[SPONGE_WIDTH * round..][..SPONGE_WIDTH]);
    for (i, element) in state.iter_mut().enumerate() {
        if let Some(inputs) = inputs {
            constraints.push(tape.ext_sub(*element, inputs[i]));
            *element = inputs[i];
        }
        *element = sbox(tape, *element);
    }
    mds_layer(tape, &state)
}

/// The partial rounds in Plonky2's sparse form.
fn partial_rounds(
    tape: &mut Tape,
    state: State,
    inputs: Option<&[Ext]>,
    constraints: &mut Vec<Ext>,
) -> State {
    let mut state = state;
    add_constants(tape, &mut state, &<F as Poseidon>::FAST_PARTIAL_FIRST_ROUND_CONSTANT);
    let before = state.map(|element| tape.ext_reduce(element));
    for (column, element) in state.iter_mut().enumerate().skip(1) {
        let terms: Vec<_> = (1..SPONGE_WIDTH)
            .map(|row| {
                let c = <F as Poseidon>::FAST_PARTIAL_ROUND_INITIAL_MATRIX[row - 1][column - 1];
                (before[row], constant(c))
            })
            .collect();
        *element = tape.ext_dot(Ext::ZERO, &terms);
    }
    for round in 0..N_PARTIAL_ROUNDS {
        if let Some(inputs) = inputs {
            constraints.push(tape.ext_sub(state[0], inputs[round]));
            state[0] = inputs[round];
        }
        let mut first = sbox(tape, state[0]);
        if round + 1 < N_PARTIAL_ROUNDS {
            first = tape.ext_add(first, constant(<F as Poseidon>::FAST_PARTIAL_ROUND_CONSTANTS[round]));
        }
        let corner = <F as Poseidon>::MDS_MATRIX_CIRC[0] + <F as Poseidon>::MDS_MATRIX_DIAG[0];
        let mut terms = vec![(first, constant(corner))];
        let weights = <F as Poseidon>::FAST_PARTIAL_ROUND_W_HATS[round];
        terms.extend(state[1..].iter().zip(weights).map(|(&element, weight)| (element, constant(weight))));
        state[0] = tape.ext_dot(Ext::ZERO, &terms);
        for (element, weight) in state[1..].iter_mut().zip(<F as Poseidon>::FAST_PARTIAL_ROUND_VS[round]) {
            *element = tape.ext_dot(*element, &[(first, constant(weight))]);
        }
    }
    state
}

/// Wires that replace S-box inputs: of the full rounds 1, 2, 3, of the partial rounds, of the full rounds 4 to 7.
#[derive(Clone, Copy, Debug)]
pub struct SboxInputs<'a> {
    /// Three times twelve.
    pub first_full: &'a [Ext],
    /// Twenty-two.
    pub partial: &'a [Ext],
    /// Four times twelve.
    pub second_full: &'a [Ext],
}

/// The permutation. Where S-box inputs are given, the computation goes on from them, and the differences to
/// what they should be are appended to `constraints`.
pub fn permutation(
    tape: &mut Tape,
    state: State,
    inputs: Option<SboxInputs<'_>>,
    constraints: &mut Vec<Ext>,
) -> State {
    let mut state = state;
    let of_round = |wires: &'_ [Ext], round: usize| -> Vec<Ext> {
        wires[SPONGE_WIDTH * round..][..SPONGE_WIDTH].to_vec()
    };
    for round in 0..HALF_N_FULL_ROUNDS {
        let inputs = inputs.filter(|_| round > 0).map(|inputs| of_round(inputs.first_full, round - 1));
        state = full_round(tape, state, round, inputs.as_deref(), constraints);
    }
    state = partial_rounds(tape, state, inputs.map(|inputs| inputs.partial), constraints);
    for round in 0..HALF_N_FULL_ROUNDS {
        let inputs = inputs.map(|inputs| of_round(inputs.second_full, round));
        let index = HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS + round;
        state = full_round(tape, state, index, inputs.as_deref(), constraints);
    }
    state
}

/// Plonky2's `PoseidonHash::hash_no_pad`: an overwriting sponge of rate 8.
pub fn hash_no_pad(tape: &mut Tape, elements: &[Gl]) -> [Gl; DIGEST] {
    let mut state = [Ext::ZERO; SPONGE_WIDTH];
    for block in elements.chunks(SPONGE_RATE) {
        for (slot, &element) in state.iter_mut().zip(block) {
            *slot = element.into();
        }
        state = permutation(tape, state, None, &mut Vec::new());
        state = state.map(|element| tape.ext_reduce(element));
    }
    std::array::from_fn(|i| state[i].0[0])
}
