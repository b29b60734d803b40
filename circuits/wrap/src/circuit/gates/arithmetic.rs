//! `ArithmeticGate`, `ArithmeticExtensionGate` and `MulExtensionGate`.

use super::{GateVars, push_algebra};
use crate::circuit::extension::{Algebra, Ext};
use crate::circuit::tape::Tape;

/// output - (x·y·c_0 + z·c_1) on the wires (x, y, z, output) of each operation.
pub fn base(tape: &mut Tape, operations: usize, vars: GateVars<'_>) -> Vec<Ext> {
    let (c0, c1) = (vars.constants[0], vars.constants[1]);
    vars.wires
        .chunks_exact(4)
        .take(operations)
        .map(|wires| {
            let product = tape.ext_mul_reduced(wires[0], wires[1]);
            let computed = tape.ext_dot(Ext::ZERO, &[(product, c0), (wires[2], c1)]);
            tape.ext_sub(wires[3], computed)
        })
        .collect()
}

/// The same on pairs of wires.
pub fn extension(tape: &mut Tape, operations: usize, vars: GateVars<'_>) -> Vec<Ext> {
    let (c0, c1) = (vars.constants[0], vars.constants[1]);
    let mut constraints = Vec::with_capacity(2 * operations);
    for operation in 0..operations {
        let [x, y, z, output] = [0, 2, 4, 6].map(|i| Algebra::wires(vars.wires, 8 * operation + i));
        let product = tape.alg_mul(x, y);
        let product = tape.alg_reduce(product);
        let computed = tape.alg_dot(Algebra::ZERO, &[(product, c0.into()), (z, c1.into())]);
        push_algebra(&mut constraints, tape.alg_sub(output, computed));
    }
    constraints
}

/// output - x·y·c_0 on pairs of wires.
pub fn multiplication(tape: &mut Tape, operations: usize, vars: GateVars<'_>) -> Vec<Ext> {
    let mut constraints = Vec::with_capacity(2 * operations);
    for operation in 0..operations {
        let [x, y, output] = [0, 2, 4].map(|i| Algebra::wires(vars.wires, 6 * operation + i));
        let product = tape.alg_mul(x, y);
        let product = tape.alg_reduce(product);
        let computed = tape.alg_scale(product, vars.constants[0]);
        push_algebra(&mut constraints, tape.alg_sub(output, computed));
    }
    constraints
}
