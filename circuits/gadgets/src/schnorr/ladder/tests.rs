use janction_protocol::crypto::{Point, Scalar};
use plonky2::field::types::Sample;
use plonky2::fri::FriConfig;
use plonky2::gates::noop::NoopGate;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitConfig;

use super::*;
use crate::C;
use crate::test_utils::{Violation, assert_rejected, check, check_gate, generate, prove, recursion_rows};

#[test]
fn evaluations_agree() {
    check_gate(&LadderGate);
}

/// docs/circuits-gadgets.md gives these figures.
#[test]
fn rows_of_a_recursive_verifier() {
    assert_eq!(recursion_rows(&LadderGate), 238);
    assert_eq!(recursion_rows(&super::super::DecodeGate), 34);
}

/// Rows of a verifier of circuits of 2^13 rows with arithmetic, hashes, range checks and these gates.
fn rows_of_a_verifier(signatures: bool) -> usize {
    let standard = CircuitConfig::standard_recursion_config();
    let fri_config = FriConfig { num_query_rounds: 32, ..standard.fri_config.clone() };
    let config = CircuitConfig { num_challenges: 3, fri_config, ..standard };
    let mut inner = Builder::new(config.clone());
    let x = inner.add_virtual_public_input();
    crate::uint::range_check(&mut inner, x, 62);
    crate::sponge::hash(&mut inner, 1, &[x]);
    if signatures {
        inner.add_gate(LadderGate, vec![]);
        inner.add_gate(super::super::DecodeGate, vec![]);
    }
    while inner.num_gates() <= 1 << 12 {
        inner.add_gate(NoopGate, vec![]);
    }
    let common = inner.mock_build::<C>().common;
    assert_eq!(common.degree_bits(), 13);
    let mut outer = Builder::new(config);
    let proof = outer.add_virtual_proof_with_pis(&common);
    let key = outer.add_virtual_verifier_data(common.config.fri_config.cap_height);
    outer.verify_proof::<C>(&proof, &key, &common);
    outer.num_gates()
}

/// docs/circuits-gadgets.md gives these figures.
#[test]
fn rows_of_a_verifier_with_signatures() {
    assert_eq!([false, true].map(rows_of_a_verifier), [4463, 4724]);
}

fn random_point() -> Point {
    Point::GENERATOR.mul(&Scalar::from_elements(&F::rand_vec(8)))
}

/// One row: what it computes, and that each of its wires is bound.
#[test]
fn a_row_is_two_steps_and_binds_every_wire() {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let row = builder.add_gate(LadderGate, vec![]);
    let circuit = builder.build::<C>();
    let (a, q) = (random_point(), random_point());
    let sums = [5, 6, 7].map(F::from_canonical_u64);
    let inputs = |digits: [Digits; 2]| {
        let mut pw = PartialWitness::new();
        for (column, p) in [(LadderGate::BEFORE, a), (LadderGate::Q, q), (LadderGate::DOUBLED_Q, q.double())]
        {
            let (x, u) = p.affine();
            let target = point_at(row, column);
            pw.set_target_arr(&target.x, &x.0).unwrap();
            pw.set_target_arr(&target.u, &u.0).unwrap();
        }
        for (i, &sum) in sums.iter().enumerate() {
            pw.set_target(Target::wire(row, LadderGate::SUMS_BEFORE + i), sum).unwrap();
        }
        for (step, digits) in digits.into_iter().enumerate() {
            for (t, v) in digit_wires(row, step, digits) {
                pw.set_target(t, v).unwrap();
            }
        }
        pw
    };

    let half = Point::GENERATOR.mul(&Scalar::from_u64(2).inverse());
    let bases = [half, Point::GENERATOR]
        .into_iter()
        .chain([half, Point::GENERATOR].map(|p| (0..160).fold(p, |p, _| p.double())));
    let bases: Vec<Point> = bases.collect();
    for e in 0..4 {
        for s in 0..16 {
            let digits = [Digits { e, s }, Digits { e: 3 - e, s: (5 * s + 3) % 16 }];
            let witness = generate(&circuit, inputs(digits), &[]).unwrap();
            check(&circuit, &witness).unwrap();
            let mut expected = a;
            for Digits { e, s } in digits {
                expected = expected.double().double();
                expected = expected + [-q, Point::NEUTRAL, q, q.double()][e as usize];
                for (i, &base) in bases.iter().enumerate() {
                    expected = expected + if (s >> i) & 1 == 1 { base } else { -base };
                }
            }
            assert_eq!(get_point(&witness, &point_at(row, LadderGate::AFTER)), expected.affine());
            let after = [0, 1, 2].map(|i| witness.get_target(Target::wire(row, LadderGate::SUMS_AFTER + i)));
            let [a, b] = digits;
            let sum = |start: u64, x: u64, y: u64| F::from_canonical_u64(16 * start + 4 * x + y);
            let expected = [sum(5, a.e, b.e), sum(6, a.s & 3, b.s & 3), sum(7, a.s >> 2, b.s >> 2)];
            assert_eq!(after, expected);
        }
    }

    let digits = [Digits { e: 2, s: 9 }, Digits { e: 0, s: 6 }];
    let witness = generate(&circuit, inputs(digits), &[]).unwrap();
    // Everything the row computes.
    for column in (LadderGate::AFTER..LadderGate::SUMS_BEFORE)
        .chain(LadderGate::SUMS_AFTER..LadderGate::BITS)
        .chain(LadderGate::POINTS..LadderGate::WIRES)
    {
        let t = Target::wire(row, column);
        let violation = assert_rejected(&circuit, inputs(digits), &[(t, witness.get_target(t) + F::ONE)]);
        assert!(
            matches!(violation, Violation::Gate { row: r, .. } if r == row),
            "column {column}: {violation}"
        );
    }
    // Digits and bits that are none, and two choices at once.
    for column in LadderGate::BITS..LadderGate::POINTS {
        for lie in [F::TWO, F::NEG_ONE] {
            assert_rejected(&circuit, inputs(digits), &[(Target::wire(row, column), lie)]);
        }
    }
    for [i, j] in [[0, 1], [0, 2], [1, 2]] {
        let both = [i, j].map(|i| (Target::wire(row, LadderGate::digit(1, i)), F::ONE));
        assert_rejected(&circuit, inputs(digits), &both);
    }
    // The stock prover agrees with check().
    prove(&circuit, witness).unwrap();
    let lie = [(Target::wire(row, LadderGate::AFTER), F::ONE)];
    assert!(prove(&circuit, generate(&circuit, inputs(digits), &lie).unwrap()).is_err());
}

/// Adding the neutral element, doubling by addition and adding inverses need no special case.
#[test]
fn additions_without_exceptions() {
    let p = random_point();
    let neutral = (GFp5::ZERO, GFp5::ZERO);
    let at = |p: Point| p.affine();
    let cases = [(at(p), neutral, at(p)), (at(p), at(p), at(p.double())), (at(p), at(-p), neutral)];
    for (a, b, sum) in cases.into_iter().chain([(neutral, neutral, neutral), (neutral, at(p), at(p))]) {
        assert_eq!(affine::add(a, b), sum);
        let point = |(x, u): (GFp5, GFp5)| Affine { x: x.0, u: u.0 };
        let summand = Summand { x: b.0.0, u: b.1.0, v: (b.0 * b.1).0 };
        let mut g = Native::<F>::new();
        let mut zero = true;
        add(&mut g, &point(a), &summand, &point(sum), &mut |c: F| zero &= c == F::ZERO);
        assert!(zero);
        let mut other = point(sum);
        other.u[2] += F::ONE;
        add(&mut g, &point(a), &summand, &other, &mut |c: F| zero &= c == F::ZERO);
        assert!(!zero, "another sum satisfies the equations");
    }
}
