//! Tests of the arithmetic, hashing and transcript stages. Forged witnesses are made by changing values of a
//! finished tape, which leaves its gates and copies as they were.

use ark_ff::PrimeField;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field as _, PrimeField64, Sample};
use plonky2::hash::merkle_tree::MerkleTree;
use plonky2::plonk::config::Hasher;

use super::bound::U256;
use super::challenger::Challenger;
use super::extension::NativeExt;
use super::goldilocks::{Gl, P};
use super::hash::permute;
use super::tape::{Input, Tape};
use super::testing::is_satisfied;
use super::unbound_tests::unbound_cells;
use super::{extension, merkle};
use crate::config::{Bn254Digest, Bn254Poseidon2};

pub fn digest_to_fr(digest: Bn254Digest) -> Fr {
    U256(digest.0.into_bigint().0).to_fr()
}

#[test]
fn permutation_agrees_with_the_native_one_and_is_constrained() {
    let inputs = [1u64, u64::MAX - 9, 12345];
    let mut native = inputs.map(ark_bn254::Fr::from);
    crate::poseidon2::permute(&mut native);
    let outputs = permute(inputs.map(Fr::from));
    assert_eq!(outputs, native.map(|x| U256(x.into_bigint().0).to_fr()));

    let mut tape = Tape::default();
    for round in 0..3u64 {
        let cells = inputs.map(|x| tape.push(Input::Witness(Fr::from(x + round))));
        let outputs = tape.permute(cells.map(Input::Cell));
        let expected = permute(inputs.map(|x| Fr::from(x + round)));
        for (cell, expected) in outputs.into_iter().zip(expected) {
            tape.assert_constant(cell, expected);
        }
    }
    assert!(is_satisfied(tape.clone()));
    // The permutation is of other inputs than those the cells hold.
    let mut forged = tape.clone();
    forged.permutations[1][2] += Fr::ONE;
    assert!(!is_satisfied(forged));
    // One cell of each kind: S-box inputs and squares of all kinds of rounds, and an output.
    for row in [6, 21, 27, 28, 29, 30, 33, 136, 140, 141, 161, 165] {
        let mut forged = tape.clone();
        forged.hash_fault = Some(row);
        assert!(!is_satisfied(forged), "row {row} of a slot is free");
    }
}

#[test]
fn range_check_bounds() {
    for (value, limbs, ok) in [
        (U256::from(u64::MAX), 4, true),
        (U256::power_of_two(64), 4, false),
        (U256::power_of_two(79), 5, true),
        (U256::power_of_two(80), 5, false),
    ] {
        let mut tape = Tape::default();
        let cell = tape.push(Input::Witness(value.to_fr()));
        tape.range_check(cell, limbs);
        assert_eq!(is_satisfied(tape), ok, "{value:?} in {limbs} limbs");
    }
    for (value, ok) in [(1u64 << 46, false), ((1 << 46) - 1, true)] {
        let mut tape = Tape::default();
        let cell = tape.push(Input::Witness(Fr::from(value)));
        tape.assert_bits(cell, 46);
        assert_eq!(is_satisfied(tape), ok);
    }
}

#[test]
fn canonical_decomposition_is_unique() {
    for value in [Fr::ZERO, -Fr::ONE, Fr::from(7), U256::power_of_two(128).to_fr()] {
        let mut tape = Tape::default();
        let cell = tape.push(Input::Witness(value));
        let sums = tape.decompose_canonical(cell);
        assert_eq!(sums[15].value, U256::from_fr(&value).shift_right(240).to_fr());
        assert!(is_satisfied(tape));
    }
    // 5 + r in place of 5: consistent as field elements, but not canonical.
    let mut tape = Tape::default();
    let cell = tape.push(Input::Witness(Fr::from(5)));
    tape.decompose_canonical(cell);
    let modulus = U256::from_fr(&-Fr::ONE).checked_add(U256::from(1)).expect("254 bits");
    let forged = modulus.checked_add(U256::from(5)).expect("255 bits");
    for i in 1..16 {
        tape.range[i] = forged.shift_right(16 * i).to_fr();
    }
    assert!(!is_satisfied(tape));
}

#[test]
fn goldilocks_arithmetic_agrees_and_is_constrained() {
    let (a, b, c) = (F::rand(), F::NEG_ONE, F::rand());
    let mut tape = Tape::default();
    let [x, y, z] = [a, b, c].map(|v| tape.gl_witness(v));
    // ((x - y)·z - x)·(y·z·x) + 3 crosses zero and needs a reduction on the way.
    let difference = tape.gl_sub(x, y);
    let product = tape.gl_mul(difference, z);
    let left = tape.gl_sub(product, x);
    let right = tape.gl_mul(y, z);
    let right = tape.gl_mul(right, x);
    let product = tape.gl_dot(Gl::integer(3), &[(left, right)]);
    let expected = ((a - b) * c - a) * (b * c * a) + F::from_canonical_u64(3);
    assert_eq!(product.value(), expected);
    let reduced = tape.gl_reduce(product);
    assert_eq!(reduced.value(), expected);
    let cell = tape.gl_canonical(product);
    tape.assert_constant(cell, Fr::from(expected.to_canonical_u64()));
    assert!(is_satisfied(tape.clone()));

    // A remainder that is one too large.
    let Input::Cell(remainder) = reduced.input() else { panic!("not a constant") };
    let mut forged = tape;
    forged.range[remainder.at.row as usize] += Fr::ONE;
    assert!(!is_satisfied(forged));
}

#[test]
fn zero_is_asserted_modulo_p() {
    for (value, ok) in [(0, true), (3, true), (1, false)] {
        let mut tape = Tape::default();
        let x = tape.gl_witness(F::from_canonical_u64(5));
        let y = tape.gl_witness(F::from_canonical_u64(if value == 1 { 6 } else { 5 }));
        let difference = tape.gl_sub(x, y);
        let multiple = tape.gl_dot(difference, &[(Gl::integer(i128::from(P)), Gl::integer(value))]);
        tape.gl_assert_zero(multiple);
        assert_eq!(is_satisfied(tape), ok);
    }
}

/// x + p instead of x is a fine lazy form but not the canonical one.
#[test]
fn canonical_form_is_unique() {
    let mut tape = Tape::default();
    let x = tape.gl_witness(F::TWO);
    tape.gl_canonical(x);
    assert!(is_satisfied(tape.clone()));
    let shifted = U256::from(2 + P);
    let gap = U256::from(P - 1);
    for i in 0..4 {
        tape.range[i] = shifted.shift_right(16 * i).to_fr();
    }
    // flex: P - 1, x, -1, gap
    tape.flex[1] = shifted.to_fr();
    tape.flex[3] = gap.to_fr() - shifted.to_fr();
    for i in 0..4 {
        tape.range[5 + i] = U256::from_fr(&tape.flex[3]).shift_right(16 * i).to_fr();
    }
    assert!(!is_satisfied(tape));
}

#[test]
fn extension_arithmetic_agrees() {
    let (a, b) = (NativeExt::rand(), NativeExt::rand());
    let mut tape = Tape::default();
    let (x, y) = (tape.ext_witness(a), tape.ext_witness(b));
    let product = tape.ext_mul(x, y);
    assert_eq!(product.value(), a * b);
    let cube = tape.ext_mul(product, x);
    assert_eq!(cube.value(), a * b * a);
    let inverse = tape.ext_inverse(cube);
    assert_eq!(inverse.value(), (a * b * a).inverse());
    let expected = tape.ext_witness(a * b * a);
    tape.ext_assert_equal(cube, expected);
    let powers = tape.ext_powers(x, 5);
    assert_eq!(powers[4].value(), a.exp_u64(4));
    assert!(is_satisfied(tape.clone()));
    let wrong = tape.ext_witness(a + NativeExt::ONE);
    tape.ext_assert_equal(x, wrong);
    assert!(!is_satisfied(tape));
}

#[test]
fn zero_has_no_inverse() {
    let mut tape = Tape::default();
    let zero = tape.ext_witness(NativeExt::ZERO);
    tape.ext_inverse(zero);
    assert!(!is_satisfied(tape));
}

#[test]
fn challenger_agrees_with_plonky2() {
    // The second round ends at a full block.
    let elements = F::rand_vec(14);
    let digest = Bn254Poseidon2::hash_no_pad(&elements);
    let mut native = plonky2::iop::challenger::Challenger::<F, Bn254Poseidon2>::new();
    let mut tape = Tape::default();
    let mut challenger = Challenger::default();
    for round in 0..2 {
        native.observe_elements(&elements[round..]);
        native.observe_hash::<Bn254Poseidon2>(digest);
        for &element in &elements[round..] {
            let element = tape.gl_witness(element);
            challenger.observe(&mut tape, element);
        }
        let cell = tape.push(Input::Witness(digest_to_fr(digest)));
        challenger.observe_digest(&mut tape, cell);
        for expected in native.get_n_challenges(8) {
            let challenge = challenger.canonical_challenge(&mut tape);
            tape.assert_constant(challenge, Fr::from(expected.to_canonical_u64()));
        }
        let expected = native.get_extension_challenge::<2>();
        assert_eq!(challenger.extension_challenge(&mut tape).value(), expected);
    }
    assert!(is_satisfied(tape.clone()));
    // Another observed element with the same challenges.
    let mut forged = tape;
    forged.range[0] += Fr::ONE;
    assert!(!is_satisfied(forged));
}

/// Many transcripts of random shape: elements, digests, and challenges drawn at every fill of the block.
#[test]
fn random_transcripts_agree_with_plonky2() {
    let mut choices = F::rand_vec(4000).into_iter().map(|choice| choice.to_canonical_u64() as usize);
    let mut choose = |below: usize| choices.next().expect("enough") % below;
    for _ in 0..60 {
        let mut native = plonky2::iop::challenger::Challenger::<F, Bn254Poseidon2>::new();
        let mut tape = Tape::default();
        let mut challenger = Challenger::default();
        for _ in 0..5 {
            for _ in 0..choose(14) {
                let element = [F::ZERO, F::ONE, F::NEG_ONE, F::rand()][choose(4)];
                native.observe_element(element);
                let element = tape.gl_witness(element);
                challenger.observe(&mut tape, element);
            }
            if choose(2) == 0 {
                let digest = [
                    Bn254Digest(-ark_bn254::Fr::from(1u64)),
                    Bn254Digest::default(),
                    Bn254Poseidon2::hash_no_pad(&F::rand_vec(1)),
                ][choose(3)];
                native.observe_hash::<Bn254Poseidon2>(digest);
                let cell = tape.push(Input::Witness(digest_to_fr(digest)));
                challenger.observe_digest(&mut tape, cell);
            }
            for expected in native.get_n_challenges(choose(9)) {
                let challenge = challenger.canonical_challenge(&mut tape);
                assert_eq!(challenge.value, Fr::from(expected.to_canonical_u64()));
            }
        }
        // What no challenge follows is bound by none.
        let last = challenger.canonical_challenge(&mut tape);
        assert_eq!(last.value, Fr::from(native.get_challenge().to_canonical_u64()));
        assert_eq!(unbound_cells(&tape), []);
    }
}

#[test]
fn merkle_paths() {
    let leaves: Vec<Vec<F>> = (0..8).map(|_| F::rand_vec(7)).collect();
    let tree = MerkleTree::<F, Bn254Poseidon2>::new(leaves.clone(), 0);
    let root = digest_to_fr(tree.cap.0[0]);
    let run = |index: usize, leaf: &[F], siblings: Vec<Fr>| {
        let mut tape = Tape::default();
        let leaf: Vec<Gl> = leaf.iter().map(|&element| tape.gl_witness(element)).collect();
        let bits: Vec<_> = (0..3)
            .map(|i| {
                let bit = tape.push(Input::Witness(Fr::from((index >> i & 1) as u64)));
                tape.assert_bit(bit);
                bit
            })
            .collect();
        let siblings: Vec<_> = siblings.iter().map(|&s| tape.push(Input::Witness(s))).collect();
        let computed = merkle::root(&mut tape, &leaf, &bits, &siblings);
        tape.assert_constant(computed, root);
        is_satisfied(tape)
    };
    let siblings = |index| -> Vec<Fr> { tree.prove(index).siblings.into_iter().map(digest_to_fr).collect() };
    assert!(run(5, &leaves[5], siblings(5)));
    assert!(!run(4, &leaves[5], siblings(5)), "wrong index");
    assert!(!run(5, &leaves[4], siblings(5)), "wrong leaf");
    let mut forged = siblings(5);
    forged[1] += Fr::ONE;
    assert!(!run(5, &leaves[5], forged), "wrong sibling");
}

#[test]
fn algebra_agrees() {
    let values: Vec<NativeExt> = (0..4).map(|_| NativeExt::rand()).collect();
    let mut tape = Tape::default();
    let cells: Vec<_> = values.iter().map(|&v| tape.ext_witness(v)).collect();
    let (a, b) = (extension::Algebra::wires(&cells, 0), extension::Algebra::wires(&cells, 2));
    let product = tape.alg_mul(a, b);
    let seven = NativeExt::from_canonical_u64(7);
    assert_eq!(product.0[0].value(), values[0] * values[2] + seven * values[1] * values[3]);
    assert_eq!(product.0[1].value(), values[0] * values[3] + values[1] * values[2]);
    assert!(is_satisfied(tape));
}
