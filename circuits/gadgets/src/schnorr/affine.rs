//! The same operations on values, for witness generation: whatever they are given, they do not panic.

use janction_protocol::crypto::GFp5;
use janction_protocol::crypto::curve::mul_b;
use plonky2::field::types::Field;
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};

use super::algebra::Affine;
use crate::F;

/// A point as ten targets, x before u.
pub(super) fn point_at(row: usize, column: usize) -> Affine<Target> {
    Affine {
        x: std::array::from_fn(|i| Target::wire(row, column + i)),
        u: std::array::from_fn(|i| Target::wire(row, column + 5 + i)),
    }
}

/// The value of a point in a witness.
pub(super) fn get_point(witness: &PartitionWitness<F>, target: &Affine<Target>) -> (GFp5, GFp5) {
    let get = |t: [Target; 5]| GFp5 { 0: t.map(|t| witness.get_target(t)) };
    (get(target.x), get(target.u))
}

/// Sets five targets to the coefficients of a value.
pub(super) fn set5(out: &mut GeneratedValues<F>, targets: &[Target; 5], value: GFp5) -> anyhow::Result<()> {
    out.set_target_arr(targets, &value.0)
}

/// Sets ten targets to a point.
pub(super) fn set_point(
    out: &mut GeneratedValues<F>,
    target: &Affine<Target>,
    (x, u): (GFp5, GFp5),
) -> anyhow::Result<()> {
    set5(out, &target.x, x)?;
    set5(out, &target.u, u)
}

/// The sum of two points of the group; something else for other inputs.
pub(super) fn add((x1, u1): (GFp5, GFp5), (x2, u2): (GFp5, GFp5)) -> (GFp5, GFp5) {
    let product = x1 * x2;
    let b = mul_b(GFp5::ONE);
    let t = product + b;
    let u_product = u1 * u2;
    let sum = x1 + x2;
    let s = (u_product * (t + mul_b(sum))).double();
    let (z, t3) = (t - s, t + s);
    let inverse = (z * t3).try_inverse().unwrap_or(GFp5::ZERO);
    let x = mul_b(sum + (u_product * (sum + t)).double());
    let u = (u1 + u2) * (b - product);
    (x * t3 * inverse, u * z * inverse)
}
