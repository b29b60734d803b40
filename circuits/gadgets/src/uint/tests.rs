use std::sync::LazyLock;

use plonky2::field::types::Field64;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use proptest::prelude::*;

use super::*;
use crate::C;
use crate::test_utils::{Violation, assert_rejected, check, generate};

/// A circuit over `N` inputs, and what `gadget` returned.
fn circuit<const N: usize, T>(
    gadget: impl FnOnce(&mut Builder, [Target; N]) -> T,
) -> (CircuitData<F, C, D>, [Target; N], T) {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let inputs: [Target; N] = builder.add_virtual_target_arr();
    let out = gadget(&mut builder, inputs);
    (builder.build::<C>(), inputs, out)
}

fn assign<const N: usize>(targets: [Target; N], values: [u64; N]) -> PartialWitness<F> {
    let mut pw = PartialWitness::new();
    for (t, v) in targets.into_iter().zip(values) {
        pw.set_target(t, F::from_noncanonical_u64(v)).unwrap();
    }
    pw
}

fn run<const N: usize>(
    circuit: &CircuitData<F, C, D>,
    targets: [Target; N],
    values: [u64; N],
    forced: &[(Target, F)],
) -> Result<(), Violation> {
    check(circuit, &generate(circuit, assign(targets, values), forced)?)
}

#[test]
fn range_checks_are_exact() {
    for bits in [0, 1, 7, 8, 9, 24, 31, 32, 40, 48, 55, 56, 62] {
        let (c, t, ()) = circuit(|b, [x]| range_check(b, x, bits));
        let bound = 1u64 << bits;
        run(&c, t, [bound - 1], &[]).unwrap();
        run(&c, t, [0], &[]).unwrap();
        for bad in [bound, bound + 1, 1 << 63, F::ORDER - 1, F::ORDER - bound] {
            assert!(run(&c, t, [bad], &[]).is_err(), "{bad} passed for {bits} bits");
        }
    }
}

/// The shifted half of a range check of an odd width cannot be satisfied by a value that wraps.
#[test]
fn odd_widths_do_not_wrap() {
    let (c, t, ()) = circuit(|b, [x]| range_check(b, x, 31));
    // 2 x = 1 mod p, so the shifted check alone would accept x.
    let half = F::TWO.inverse().to_canonical_u64();
    assert!(run(&c, t, [half], &[]).is_err());
}

#[test]
fn amounts() {
    let max = (1u64 << 62) - 1;
    let (c, t, sum) = circuit(|b, [x, y]| add_amounts(b, x, y));
    run(&c, t, [max, 0], &[]).unwrap();
    assert!(run(&c, t, [max, 1], &[]).is_err());
    assert_rejected(&c, assign(t, [max, 1]), &[(sum, F::ZERO)]);
    let (c, t, difference) = circuit(|b, [x, y]| sub_amounts(b, x, y));
    run(&c, t, [5, 5], &[]).unwrap();
    run(&c, t, [max, 0], &[]).unwrap();
    for [a, b] in [[5, 6], [0, max], [0, 1]] {
        assert!(run(&c, t, [a, b], &[]).is_err());
    }
    assert_rejected(&c, assign(t, [5, 6]), &[(difference, F::ZERO)]);
}

#[test]
fn comparison() {
    let max = (1u64 << 62) - 1;
    let (c, t, less) = circuit(|b, [x, y]| less_than(b, x, y));
    for [a, b] in [[0, 0], [0, 1], [1, 0], [max, max], [0, max], [max, 0], [max - 1, max]] {
        let witness = generate(&c, assign(t, [a, b]), &[]).unwrap();
        check(&c, &witness).unwrap();
        assert_eq!(witness.get_bool_target(less), a < b);
        for lie in [F::from_bool(a >= b), F::TWO, F::NEG_ONE] {
            assert_rejected(&c, assign(t, [a, b]), &[(less.target, lie)]);
        }
    }
    let (c, t, ()) = circuit(|b, [x, y]| assert_le(b, x, y));
    run(&c, t, [4, 4], &[]).unwrap();
    assert!(run(&c, t, [5, 4], &[]).is_err());
    let (c, t, ()) = circuit(|b, [x, y]| assert_lt(b, x, y));
    run(&c, t, [4, 5], &[]).unwrap();
    assert!(run(&c, t, [4, 4], &[]).is_err());
    assert!(run(&c, t, [max, 0], &[]).is_err());
}

#[test]
fn zero_test() {
    let (c, t, zero) = circuit(|b, [x]| is_zero(b, x));
    for x in [0, 1, F::ORDER - 1] {
        run(&c, t, [x], &[]).unwrap();
        assert_rejected(&c, assign(t, [x]), &[(zero.target, F::from_bool(x != 0))]);
    }
}

#[test]
fn canonical_halves() {
    let (c, t, h) = circuit(|b, [x]| halves(b, x));
    for x in [0, 1, u32::MAX as u64, 1 << 32, F::ORDER - 1] {
        let witness = generate(&c, assign(t, [x]), &[]).unwrap();
        check(&c, &witness).unwrap();
        assert_eq!(witness.get_target(h.hi).to_canonical_u64(), x >> 32);
        assert_eq!(witness.get_target(h.lo).to_canonical_u64(), x & 0xffff_ffff);
    }
    // The alias x + p: hi = 2^32 - 1, lo = x + 1.
    let top = F::from_canonical_u64(u32::MAX as u64);
    for x in [0, 1, 77] {
        let violation =
            assert_rejected(&c, assign(t, [x]), &[(h.hi, top), (h.lo, F::from_canonical_u64(x + 1))]);
        assert!(matches!(violation, Violation::Gate { .. } | Violation::Conflict(_)), "{violation}");
    }
    // A half that is too wide.
    assert_rejected(&c, assign(t, [1 << 32]), &[(h.hi, F::ZERO), (h.lo, F::from_canonical_u64(1 << 32))]);
    let minus = F::from_canonical_u64(1 << 32);
    assert_rejected(&c, assign(t, [0]), &[(h.hi, F::ONE), (h.lo, -minus)]);
}

#[test]
fn fields_of_a_limb() {
    let (c, t, fields) = circuit(|b, [x]| split_fields(b, x, [1, 2, 4]));
    let limb = 0x0012_3456_789a_bcde;
    let witness = generate(&c, assign(t, [limb]), &[]).unwrap();
    check(&c, &witness).unwrap();
    assert_eq!(fields.map(|f| witness.get_target(f).to_canonical_u64()), [0x12, 0x3456, 0x789a_bcde]);
    assert!(run(&c, t, [1 << 56], &[]).is_err());
    // Moving a unit between neighbouring fields keeps the sum and is still rejected.
    let moved = [(fields[0], F::from_canonical_u64(0x11)), (fields[1], F::from_canonical_u64(0x13456))];
    assert_rejected(&c, assign(t, [limb]), &moved);
    let (c, t, _) = circuit(|b, [x]| split_fields(b, x, [1, 2]));
    run(&c, t, [0xff_ffff], &[]).unwrap();
    assert!(run(&c, t, [0x100_0000], &[]).is_err());
}

#[test]
fn selection() {
    let (c, t, out) = circuit(|b, [flag, x, y]| {
        let flag = BoolTarget::new_unsafe(flag);
        b.assert_bool(flag);
        assert_equal_if(b, flag, x, y);
        select(b, flag, &[x], &[y])
    });
    run(&c, t, [0, 3, 4], &[]).unwrap();
    run(&c, t, [1, 4, 4], &[]).unwrap();
    assert!(run(&c, t, [1, 3, 4], &[]).is_err());
    assert_rejected(&c, assign(t, [0, 3, 4]), &[(out[0], F::from_canonical_u64(3))]);
}

/// The gadgets against integer arithmetic, one circuit for all of them: comparison, canonical halves, fields of a limb.
#[test]
fn random_values_agree_with_integers() {
    type Out = (BoolTarget, Halves, [Target; 4]);
    static CIRCUIT: LazyLock<(CircuitData<F, C, D>, [Target; 4], Out)> = LazyLock::new(|| {
        circuit(|b, [x, y, element, limb]| {
            (less_than(b, x, y), halves(b, element), split_fields(b, limb, [1, 3, 1, 2]))
        })
    });
    let (circuit, inputs, (less, halves, fields)) = &*CIRCUIT;
    let amount = || 0..1u64 << AMOUNT_BITS;
    proptest!(ProptestConfig::with_cases(64), |(
        x in amount(), y in amount(), element in 0..F::ORDER, limb in 0..1u64 << 56
    )| {
        let witness = generate(circuit, assign(*inputs, [x, y, element, limb]), &[]).unwrap();
        check(circuit, &witness).unwrap();
        let value = |t: Target| witness.get_target(t).to_canonical_u64();
        prop_assert_eq!(witness.get_bool_target(*less), x < y);
        prop_assert_eq!((value(halves.hi) << 32) + value(halves.lo), element);
        let expected = [limb >> 48, (limb >> 24) & 0xff_ffff, (limb >> 16) & 0xff, limb & 0xffff];
        prop_assert_eq!(fields.map(value), expected);
    });
}
