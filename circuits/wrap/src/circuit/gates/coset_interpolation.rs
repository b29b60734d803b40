//! `CosetInterpolationGate`: the value at a point of a polynomial given on a coset, by barycentric interpolation
//! in chunks.

use plonky2::field::types::Field;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;

use super::{GateVars, push_algebra};
use crate::circuit::extension::{Algebra, Ext};
use crate::circuit::tape::Tape;
use crate::last_layer::{D, F};

/// Wires: shift, values, point, value at the point, intermediate sums, intermediate products, shifted point.
pub fn evaluate(tape: &mut Tape, gate: &CosetInterpolationGate<F, D>, vars: GateVars<'_>) -> Vec<Ext> {
    let points = 1 << gate.subgroup_bits;
    let intermediates = (points - 2) / (gate.degree - 1);
    let start_point = 1 + points * D;
    let start_value = start_point + D;
    let start_sums = start_value + D;
    let start_products = start_sums + D * intermediates;
    let start_shifted = start_products + D * intermediates;
    let wires = |first| Algebra::wires(vars.wires, first);

    let mut constraints = Vec::new();
    let shifted = wires(start_shifted);
    let scaled = tape.alg_scale(shifted, vars.wires[0]);
    push_algebra(&mut constraints, tape.alg_sub(wires(start_point), scaled));

    let domain = F::two_adic_subgroup(gate.subgroup_bits);
    let weighted: Vec<(F, F, Algebra)> =
        (0..points).map(|i| (domain[i], gate.barycentric_weights[i], wires(1 + D * i))).collect();
    let (mut sum, mut product) =
        partial_interpolation(tape, &weighted[..gate.degree], shifted, Algebra::ZERO, Algebra::ONE);
    for i in 0..intermediates {
        let (next_sum, next_product) = (wires(start_sums + D * i), wires(start_products + D * i));
        push_algebra(&mut constraints, tape.alg_sub(next_sum, sum));
        push_algebra(&mut constraints, tape.alg_sub(next_product, product));
        let start = 1 + (gate.degree - 1) * (i + 1);
        let end = (start + gate.degree - 1).min(points);
        (sum, product) = partial_interpolation(tape, &weighted[start..end], shifted, next_sum, next_product);
    }
    push_algebra(&mut constraints, tape.alg_sub(wires(start_value), sum));
    constraints
}

/// Folds points (x_i, weight_i, value_i) into (sum·(x - x_i) + weight_i·value_i·product, product·(x - x_i)).
fn partial_interpolation(
    tape: &mut Tape,
    points: &[(F, F, Algebra)],
    x: Algebra,
    sum: Algebra,
    product: Algebra,
) -> (Algebra, Algebra) {
    points.iter().fold((sum, product), |(sum, product), &(point, weight, value)| {
        let term = tape.alg_sub(x, Ext::constant(point).into());
        let weighted = tape.alg_scale(value, Ext::constant(weight));
        let next_sum = tape.alg_dot(Algebra::ZERO, &[(sum, term), (weighted, product)]);
        let next_product = tape.alg_mul(product, term);
        (tape.alg_reduce(next_sum), tape.alg_reduce(next_product))
    })
}
