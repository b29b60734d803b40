//! The constraints of Plonky2's `PoseidonGate`: every S-box's input is what the layers before it give.
//!
//! The wires: 12 inputs, 12 outputs, a flag that swaps the first two fours of inputs, their 4 differences, then the
//! inputs of the S-boxes from the second full round on, one each in the partial rounds.

use janction_accel_cpu::Lanes;
use janction_accel_cpu::poseidon::{WIDTH, constants, linear_layer, sbox};

const OUTPUTS: usize = WIDTH;
const SWAP: usize = 2 * WIDTH;
const DIFFERENCES: usize = SWAP + 1;
const SBOXES: usize = DIFFERENCES + 4;

/// Adds the constraints times `filter` to `terms`, at vector `v` of each column's `vectors`.
#[inline(always)]
pub(super) fn add<L: Lanes>(wires: &[L], terms: &mut [L], vectors: usize, v: usize, filter: L) {
    let wire = |j: usize| wires[j * vectors + v];
    let mut next = 0;
    let mut push = |constraint: L| {
        let term = &mut terms[next * vectors + v];
        *term = constraint.mul_add(filter, *term);
        next += 1;
    };
    let swap = wire(SWAP);
    push(swap.mul(swap.sub(L::splat(1))));
    let mut state: [L; WIDTH] = std::array::from_fn(wire);
    for i in 0..4 {
        let difference = wire(DIFFERENCES + i);
        push(swap.mul(state[i + 4].sub(state[i])).sub(difference));
        state[i] = state[i].add(difference);
        state[i + 4] = state[i + 4].sub(difference);
    }
    let constants = constants();
    let mut input = SBOXES;
    // The first round's S-boxes take the inputs themselves.
    let mut free = true;
    for (r, round) in constants.full.iter().enumerate() {
        if r == constants.full.len() / 2 {
            for &constant in &constants.partial {
                let sbox_input = wire(input);
                input += 1;
                push(state[0].add_canonical(L::splat(constant)).sub(sbox_input));
                state[0] = sbox(sbox_input);
                linear_layer(&mut state);
            }
        }
        for (x, &constant) in state.iter_mut().zip(round) {
            let mut sbox_input = x.add_canonical(L::splat(constant));
            if !free {
                push(sbox_input.sub(wire(input)));
                sbox_input = wire(input);
                input += 1;
            }
            *x = sbox(sbox_input);
        }
        free = false;
        linear_layer(&mut state);
    }
    for (i, &x) in state.iter().enumerate() {
        push(x.sub(wire(OUTPUTS + i)));
    }
}
