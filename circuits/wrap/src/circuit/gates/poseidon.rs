//! `PoseidonGate`, one Goldilocks Poseidon permutation with an optional swap of its first two quarters, and
//! `PoseidonMdsGate`, its linear layer on extension elements.

use plonky2::hash::poseidon::{HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, SPONGE_WIDTH};

use super::{GateVars, push_algebra};
use crate::circuit::extension::{Algebra, Ext};
use crate::circuit::poseidon::{SboxInputs, State, constant, mds_row};
use crate::circuit::tape::Tape;

const OUTPUT: usize = SPONGE_WIDTH;
const SWAP: usize = 2 * SPONGE_WIDTH;
const DELTA: usize = SWAP + 1;
const FIRST_FULL: usize = DELTA + 4;
const PARTIAL: usize = FIRST_FULL + SPONGE_WIDTH * (HALF_N_FULL_ROUNDS - 1);
const SECOND_FULL: usize = PARTIAL + N_PARTIAL_ROUNDS;
const END: usize = SECOND_FULL + SPONGE_WIDTH * HALF_N_FULL_ROUNDS;

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

    let inputs = SboxInputs {
        first_full: &wires[FIRST_FULL..PARTIAL],
        partial: &wires[PARTIAL..SECOND_FULL],
        second_full: &wires[SECOND_FULL..END],
    };
    let state = crate::circuit::poseidon::permutation(tape, state, Some(inputs), &mut constraints);
    for (i, &element) in state.iter().enumerate() {
        constraints.push(tape.ext_sub(element, wires[OUTPUT + i]));
    }
    constraints
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
