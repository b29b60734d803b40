//! `RandomAccessGate`: an element of a list at an index.

use plonky2::gates::random_access::RandomAccessGate;

use super::GateVars;
use crate::circuit::extension::Ext;
use crate::circuit::tape::Tape;
use crate::last_layer::{D, F};

/// For each copy, with wires (index, claimed, list), and the bits of all copies after all of those and the extra
/// constants: bits are 0 or 1, they make up the index, and folding the list by them yields the claim. Then
/// constant_i - wire_i for the extra constants.
pub fn evaluate(tape: &mut Tape, gate: &RandomAccessGate<F, D>, vars: GateVars<'_>) -> Vec<Ext> {
    let size = 1 << gate.bits;
    let extra = (2 + size) * gate.num_copies;
    let first_bit = extra + gate.num_extra_constants;
    let mut constraints = Vec::new();
    for copy in 0..gate.num_copies {
        let wires = &vars.wires[(2 + size) * copy..][..2 + size];
        let bits = &vars.wires[first_bit + copy * gate.bits..][..gate.bits];
        for &bit in bits {
            let shifted = tape.ext_sub(bit, Ext::ONE);
            constraints.push(tape.ext_mul(bit, shifted));
        }
        let weighted: Vec<_> = bits.iter().enumerate().map(|(i, &bit)| (bit, Ext::integer(1 << i))).collect();
        let index = tape.ext_dot(Ext::ZERO, &weighted);
        constraints.push(tape.ext_sub(index, wires[0]));
        let mut list = wires[2..].to_vec();
        for &bit in bits {
            list = list
                .chunks_exact(2)
                .map(|pair| {
                    let difference = tape.ext_sub(pair[1], pair[0]);
                    let folded = tape.ext_dot(pair[0], &[(bit, difference)]);
                    tape.ext_reduce(folded)
                })
                .collect();
        }
        constraints.push(tape.ext_sub(list[0], wires[1]));
    }
    for i in 0..gate.num_extra_constants {
        constraints.push(tape.ext_sub(vars.constants[i], vars.wires[extra + i]));
    }
    constraints
}
