//! `ConstantGate` and `PublicInputGate`.

use super::GateVars;
use crate::circuit::extension::Ext;
use crate::circuit::tape::Tape;

/// constant_i - wire_i.
pub fn constant(tape: &mut Tape, count: usize, vars: GateVars<'_>) -> Vec<Ext> {
    (0..count).map(|i| tape.ext_sub(vars.constants[i], vars.wires[i])).collect()
}

/// wire_i - hash_i.
pub fn public_input(tape: &mut Tape, vars: GateVars<'_>) -> Vec<Ext> {
    vars.public_inputs_hash
        .iter()
        .enumerate()
        .map(|(i, &part)| tape.ext_sub(vars.wires[i], part.into()))
        .collect()
}
