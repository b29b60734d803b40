//! The constraints of Plonky2's gates at an extension point, one file for each gate or family of gates.
//!
//! Every function returns the gate's constraints in the order of Plonky2's `Gate::eval_unfiltered`. The values are
//! lazy: the caller reduces them.

mod arithmetic;
mod base_sum;
mod coset_interpolation;
mod poseidon;
mod random_access;
mod reducing;
mod simple;
#[cfg(test)]
mod tests;

use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;

use super::extension::{Algebra, Ext};
use super::goldilocks::Gl;
use super::tape::Tape;
use crate::error::WrapError;
use crate::last_layer::{D, F};

/// What a gate's constraints are about.
#[derive(Clone, Copy, Debug)]
pub struct GateVars<'a> {
    /// Openings of the constants that belong to gates (selectors removed).
    pub constants: &'a [Ext],
    /// Openings of the wires.
    pub wires: &'a [Ext],
    /// Goldilocks Poseidon hash of the public inputs, reduced.
    pub public_inputs_hash: &'a [Gl; 4],
}

/// Constraints of a gate before its selector is applied.
///
/// # Errors
/// [`WrapError::UnsupportedGate`] for a gate that a recursive verifier does not use.
pub fn evaluate(tape: &mut Tape, gate: &GateRef<F, D>, vars: GateVars<'_>) -> Result<Vec<Ext>, WrapError> {
    let any = gate.0.as_any();
    macro_rules! dispatch {
        ($($kind:ty => |$gate:pat_param| $constraints:expr,)*) => {
            $(if let Some($gate) = any.downcast_ref::<$kind>() { return Ok($constraints); })*
        };
    }
    dispatch! {
        NoopGate => |_| Vec::new(),
        ConstantGate => |_| simple::constant(tape, gate.0.num_constants(), vars),
        PublicInputGate => |_| simple::public_input(tape, vars),
        ArithmeticGate => |gate| arithmetic::base(tape, gate.num_ops, vars),
        ArithmeticExtensionGate<D> => |gate| arithmetic::extension(tape, gate.num_ops, vars),
        MulExtensionGate<D> => |gate| arithmetic::multiplication(tape, gate.num_ops, vars),
        BaseSumGate<2> => |gate| base_sum::binary(tape, gate.num_limbs, vars),
        RandomAccessGate<F, D> => |gate| random_access::evaluate(tape, gate, vars),
        ReducingGate<D> => |gate| reducing::base(tape, gate.num_coeffs, vars),
        ReducingExtensionGate<D> => |gate| reducing::extension(tape, gate.num_coeffs, vars),
        CosetInterpolationGate<F, D> => |gate| coset_interpolation::evaluate(tape, gate, vars),
        PoseidonGate<F, D> => |_| poseidon::permutation(tape, vars),
        PoseidonMdsGate<F, D> => |_| poseidon::mds(tape, vars),
    }
    Err(WrapError::UnsupportedGate(gate.0.id()))
}

/// Appends both parts of a constraint in the algebra.
fn push_algebra(constraints: &mut Vec<Ext>, constraint: Algebra) {
    constraints.extend(constraint.0);
}
