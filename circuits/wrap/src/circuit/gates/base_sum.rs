//! `BaseSumGate<2>`: a sum of bits.

use super::GateVars;
use crate::circuit::extension::Ext;
use crate::circuit::tape::Tape;

/// Σ limb_i·2^i - sum, then limb_i·(limb_i - 1), on the wires (sum, limbs).
pub fn binary(tape: &mut Tape, limbs: usize, vars: GateVars<'_>) -> Vec<Ext> {
    let (sum, limb_wires) = (vars.wires[0], &vars.wires[1..=limbs]);
    let weighted: Vec<_> =
        limb_wires.iter().enumerate().map(|(i, &limb)| (limb, Ext::integer(1 << i))).collect();
    let computed = tape.ext_dot(Ext::ZERO, &weighted);
    let mut constraints = vec![tape.ext_sub(computed, sum)];
    for &limb in limb_wires {
        let shifted = tape.ext_sub(limb, Ext::ONE);
        constraints.push(tape.ext_mul(limb, shifted));
    }
    constraints
}
