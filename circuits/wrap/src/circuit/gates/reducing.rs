//! `ReducingGate` and `ReducingExtensionGate`: Horner steps acc·alpha + coefficient.

use super::{GateVars, push_algebra};
use crate::circuit::extension::{Algebra, Ext};
use crate::circuit::tape::Tape;

const ALPHA: usize = 2;
const OLD_ACCUMULATOR: usize = 4;
const COEFFICIENTS: usize = 6;

/// acc·alpha + c_i - acc_i; the last accumulator is the output, on the first wires.
fn steps(tape: &mut Tape, coefficients: &[Algebra], accumulators: usize, vars: GateVars<'_>) -> Vec<Ext> {
    let alpha = Algebra::wires(vars.wires, ALPHA);
    let mut accumulator = Algebra::wires(vars.wires, OLD_ACCUMULATOR);
    let mut constraints = Vec::with_capacity(2 * coefficients.len());
    for (i, &coefficient) in coefficients.iter().enumerate() {
        let is_last = i + 1 == coefficients.len();
        let next = Algebra::wires(vars.wires, if is_last { 0 } else { accumulators + 2 * i });
        let computed = tape.alg_dot(coefficient, &[(accumulator, alpha)]);
        push_algebra(&mut constraints, tape.alg_sub(computed, next));
        accumulator = next;
    }
    constraints
}

/// One wire for each coefficient.
pub fn base(tape: &mut Tape, count: usize, vars: GateVars<'_>) -> Vec<Ext> {
    let coefficients: Vec<_> = vars.wires[COEFFICIENTS..][..count].iter().map(|&wire| wire.into()).collect();
    steps(tape, &coefficients, COEFFICIENTS + count, vars)
}

/// Two wires for each coefficient.
pub fn extension(tape: &mut Tape, count: usize, vars: GateVars<'_>) -> Vec<Ext> {
    let coefficients: Vec<_> = (0..count).map(|i| Algebra::wires(vars.wires, COEFFICIENTS + 2 * i)).collect();
    steps(tape, &coefficients, COEFFICIENTS + 2 * count, vars)
}
