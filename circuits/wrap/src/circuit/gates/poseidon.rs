//! `PoseidonGate`, one Goldilocks Poseidon permutation with an optional swap of its first two quarters, and
//! `PoseidonMdsGate`, its linear layer on extension elements.

use plonky2::field::types::Field;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::poseidon::{
    ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon, PoseidonPermutation, SPONGE_WIDTH,
};

use super::{GateVars, push_algebra};
use crate::circuit::extension::{Algebra, Ext};
use crate::circuit::tape::Tape;
use crate::last_layer::F;

const _: () = assert!(<PoseidonPermutation<F> as PlonkyPermutation<F>>::WIDTH == SPONGE_WIDTH);

const OUTPUT: usize = SPONGE_WIDTH;
const SWAP: usize = 2 * SPONGE_WIDTH;
const DELTA: usize = SWAP + 1;
const FIRST_FULL: usize = DELTA + 4;
const PARTIAL: usize = FIRST_FULL + SPONGE_WIDTH * (HALF_N_FULL_ROUNDS - 1);
const SECOND_FULL: usize = PARTIAL + N_PARTIAL_ROUNDS;

type State = [Ext; SPONGE_WIDTH];

fn constant(value: u64) -> Ext {
    Ext::constant(F::from_canonical_u64(value))
}

/// x^7, reduced.
fn sbox(tape: &mut Tape, x: Ext) -> Ext {
    let x = tape.ext_reduce(x);
    let square = tape.ext_mul_reduced(x, x);
    let cube = tape.ext_mul_reduced(square, x);
    // 64-bit factors leave room for a product of three.
    let sixth = tape.ext_mul(cube, cube);
    tape.ext_mul_reduced(sixth, x)
}

fn add_constants(tape: &mut Tape, state: &mut State, constants: &[u64]) {
    for (element, &c) in state.iter_mut().zip(constants) {
        *element = tape.ext_add(*element, constant(c));
    }
}

fn mds_row(row: usize) -> [u64; SPONGE_WIDTH] {
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

/// The swap and a permutation; S-box inputs are wires, except those of the first round.
pub fn permutation(tape: &mut Tape, vars: GateVars<'_>) -> Vec<Ext> {
    let wires = vars.wires;
    let mut constraints = Vec::new();
    let swap = wires[SWAP];
    let swap_minus_one = tape.ext_sub(swap, Ext::ONE);
    constraints.push(tape.ext_mul(swap, swap_minus_one));
    let mut state: State = std::array::from_fn(|i| wires[i]);
    for i in 0..4 {
        let (left, right, delta) = (wires[i], wires[i + 4], wires[DELTA + i]);
        let difference = tape.ext_sub(right, left);
        let product = tape.ext_mul(swap, difference);
        constraints.push(tape.ext_sub(product, delta));
        state[i] = tape.ext_add(left, delta);
        state[i + 4] = tape.ext_sub(right, delta);
    }

    let round_constants = |round: usize| &ALL_ROUND_CONSTANTS[SPONGE_WIDTH * round..][..SPONGE_WIDTH];
    for round in 0..HALF_N_FULL_ROUNDS {
        let inputs = (round > 0).then(|| &wires[FIRST_FULL + SPONGE_WIDTH * (round - 1)..][..SPONGE_WIDTH]);
        state = full_round(tape, state, round_constants(round), inputs, &mut constraints);
    }
    state = partial_rounds(tape, state, &wires[PARTIAL..SECOND_FULL], &mut constraints);
    for round in 0..HALF_N_FULL_ROUNDS {
        let constants = round_constants(HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS + round);
        let inputs = &wires[SECOND_FULL + SPONGE_WIDTH * round..][..SPONGE_WIDTH];
        state = full_round(tape, state, constants, Some(inputs), &mut constraints);
    }
    for (i, &element) in state.iter().enumerate() {
        constraints.push(tape.ext_sub(element, wires[OUTPUT + i]));
    }
    constraints
}

/// A full round; S-box inputs are replaced by wires, which must equal them.
fn full_round(
    tape: &mut Tape,
    state: State,
    constants: &[u64],
    inputs: Option<&[Ext]>,
    constraints: &mut Vec<Ext>,
) -> State {
    let mut state = state;
    add_constants(tape, &mut state, constants);
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
fn partial_rounds(tape: &mut Tape, state: State, inputs: &[Ext], constraints: &mut Vec<Ext>) -> State {
    let mut state = state;
    add_constants(tape, &mut state, &<F as Poseidon>::FAST_PARTIAL_FIRST_ROUND_CONSTANT);
    let before = state.map(|element| tape.ext_reduce(element));
    for column in 1..SPONGE_WIDTH {
        let terms: Vec<_> = (1..SPONGE_WIDTH)
            .map(|row| {
                let c = <F as Poseidon>::FAST_PARTIAL_ROUND_INITIAL_MATRIX[row - 1][column - 1];
                (before[row], constant(c))
            })
            .collect();
        state[column] = tape.ext_dot(Ext::ZERO, &terms);
    }
    for (round, &input) in inputs.iter().enumerate() {
        constraints.push(tape.ext_sub(state[0], input));
        let mut first = sbox(tape, input);
        if round + 1 < N_PARTIAL_ROUNDS {
            first = tape.ext_add(first, constant(<F as Poseidon>::FAST_PARTIAL_ROUND_CONSTANTS[round]));
        }
        let corner = <F as Poseidon>::MDS_MATRIX_CIRC[0] + <F as Poseidon>::MDS_MATRIX_DIAG[0];
        let mut terms = vec![(first, constant(corner))];
        for i in 1..SPONGE_WIDTH {
            let weight = <F as Poseidon>::FAST_PARTIAL_ROUND_W_HATS[round][i - 1];
            terms.push((state[i], constant(weight)));
        }
        state[0] = tape.ext_dot(Ext::ZERO, &terms);
        for i in 1..SPONGE_WIDTH {
            let weight = <F as Poseidon>::FAST_PARTIAL_ROUND_VS[round][i - 1];
            state[i] = tape.ext_dot(state[i], &[(first, constant(weight))]);
        }
    }
    state
}

/// output_i - row_i of the linear layer applied to the inputs, all pairs of wires.
pub fn mds(tape: &mut Tape, vars: GateVars<'_>) -> Vec<Ext> {
    let mut constraints = Vec::with_capacity(2 * SPONGE_WIDTH);
    for row in 0..SPONGE_WIDTH {
        let coefficients = mds_row(row);
        let terms: Vec<_> = coefficients
            .iter()
            .enumerate()
            .map(|(i, &c)| (Algebra::wires(vars.wires, 2 * i), constant(c).into()))
            .collect();
        let computed = tape.alg_dot(Algebra::ZERO, &terms);
        let output = Algebra::wires(vars.wires, 2 * (SPONGE_WIDTH + row));
        push_algebra(&mut constraints, tape.alg_sub(output, computed));
    }
    constraints
}
