use janction_protocol::crypto::scalar::ORDER;
use janction_protocol::crypto::schnorr::{CHALLENGE_OFFSET, challenge_bits};
use janction_protocol::crypto::{GFp5, Point, Scalar};
use plonky2::field::types::{Field64, Sample};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use proptest::prelude::*;

use super::*;
use crate::C;
use crate::test_utils::{Violation, assert_rejected, check, generate, prove};

/// A circuit that verifies one signature of inputs.
struct Fixture {
    circuit: CircuitData<F, C, D>,
    key: [Target; 5],
    message: [Target; 4],
    enabled: BoolTarget,
    signature: SignatureTargets,
}

fn fixture() -> Fixture {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let key = builder.add_virtual_target_arr();
    let message = builder.add_virtual_target_arr();
    let enabled = builder.add_virtual_bool_target_safe();
    let signature = verify_signature(&mut builder, &key, &message, enabled);
    Fixture { circuit: builder.build::<C>(), key, message, enabled, signature }
}

impl Fixture {
    fn inputs(
        &self,
        key: [F; 5],
        message: Digest,
        signature: Option<&Signature>,
        enabled: bool,
    ) -> PartialWitness<F> {
        let mut pw = PartialWitness::new();
        pw.set_target_arr(&self.key, &key).unwrap();
        pw.set_target_arr(&self.message, &message.0).unwrap();
        pw.set_bool_target(self.enabled, enabled).unwrap();
        self.signature.set(&mut pw, signature).unwrap();
        pw
    }

    /// The ladder's first row. Its last one holds a copy of the lowest word of s.
    fn first_row(&self) -> usize {
        let common = &self.circuit.common;
        let map = &self.circuit.prover_only.representative_map;
        let set = |t: Target| map[t.index(common.config.num_wires, common.degree())];
        let word = set(self.signature.s[0]);
        let is_last = |&row: &usize| set(Target::wire(row, LadderGate::SUMS_AFTER + 1)) == word;
        (0..common.degree()).find(is_last).expect("a ladder") + 1 - ROWS
    }

    fn accepts(&self, inputs: PartialWitness<F>) -> bool {
        generate(&self.circuit, inputs, &[]).is_ok_and(|w| check(&self.circuit, &w).is_ok())
    }
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_entropy(&[seed; 64]).unwrap()
}

fn message(seed: u64) -> Digest {
    Digest([0, 1, 2, 3].map(|i| F::from_canonical_u64(seed + i)))
}

#[test]
fn rows_of_a_signature() {
    let count = |n: usize| {
        let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
        for _ in 0..n {
            let key = builder.add_virtual_target_arr();
            let message = builder.add_virtual_target_arr();
            let enabled = builder.add_virtual_bool_target_safe();
            verify_signature(&mut builder, &key, &message, enabled);
        }
        builder.num_gates()
    };
    // 40 rows of the ladder, two of decoding, two of hashing, and a share of rows of arithmetic and bytes.
    let ten = count(20) - count(10);
    assert!((440..=460).contains(&ten), "{ten} rows for ten signatures");
}

#[test]
fn accepts_what_native_accepts() {
    let f = fixture();
    for i in 2..6 {
        let (sk, m) = (secret(i), message(u64::from(i) << 33));
        let signature = sk.sign(&m);
        let witness =
            generate(&f.circuit, f.inputs(sk.public().to_elements(), m, Some(&signature), true), &[])
                .unwrap();
        check(&f.circuit, &witness).unwrap();
        if i == 2 {
            prove(&f.circuit, witness).unwrap();
        }
    }
    // Disabled: any key (also one that decodes to nothing) and any message.
    for key in [[F::ZERO; 5], [F::TWO; 5], secret(4).public().to_elements()] {
        assert!(f.accepts(f.inputs(key, message(1), None, false)));
    }
}

#[test]
fn refuses_forgeries() {
    let f = fixture();
    let (sk, m) = (secret(2), message(2));
    let key = sk.public().to_elements();
    let signature = sk.sign(&m);
    let accepts = |key, m, s: &Signature| f.accepts(f.inputs(key, m, Some(s), true));
    assert!(accepts(key, m, &signature));
    assert!(!accepts(key, message(3), &signature), "another message");
    assert!(!accepts(secret(3).public().to_elements(), m, &signature), "another key");
    let changed = |r: [F; 5], s: Scalar| Signature::new(r, s).unwrap();
    assert!(!accepts(key, m, &changed(signature.r(), signature.s() + Scalar::ONE)), "another s");
    assert!(!accepts(key, m, &changed(signature.r(), Scalar::ZERO)), "s = 0");
    assert!(!accepts(key, m, &changed(sk.sign(&message(3)).r(), signature.s())), "another R");
    assert!(!accepts(key, m, &changed([F::ZERO; 5], signature.s())), "a neutral R");
    // The neutral key would accept R = s G for any message.
    let s = Scalar::from_u64(77);
    let r = Point::GENERATOR.mul(&s).encode().0;
    assert!(!accepts([F::ZERO; 5], m, &changed(r, s)), "the neutral key");
    // A key that is on no point, and the dummy's signature for another key.
    let off = std::iter::repeat_with(GFp5::rand).find(|&w| Point::decode(w).is_none()).unwrap();
    assert!(!accepts(off.0, m, &signature), "a key that is no point");
    assert!(!accepts(key, m, &dummy_signature()), "the dummy's signature");
    assert!(!accepts(key, Digest::ZERO, &dummy_signature()), "the dummy's signature");
    // `enabled` is what switches: a disabled verification takes the dummy's signature only.
    assert!(!f.accepts(f.inputs(key, m, Some(&signature), false)));
}

/// s + n gives the same point; only the bound on the highest word refuses it.
#[test]
fn refuses_s_that_is_not_canonical() {
    let (sk, m) = (secret(2), message(2));
    let signature = sk.sign(&m);
    let mut carry = 0;
    let limbs = std::array::from_fn::<u64, 5, _>(|i| {
        let sum = u128::from(signature.s().to_limbs()[i]) + u128::from(ORDER[i]) + carry;
        carry = sum >> 64;
        sum as u64
    });
    assert_eq!(carry, 0);
    let words: Vec<F> =
        limbs.iter().flat_map(|l| [l & 0xffff_ffff, l >> 32]).map(F::from_canonical_u64).collect();

    let f = fixture();
    let lie: Vec<(Target, F)> = f.signature.s.into_iter().zip(words.iter().copied()).collect();
    assert_rejected(&f.circuit, f.inputs(sk.public().to_elements(), m, Some(&signature), true), &lie);

    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let key = builder.add_virtual_target_arr();
    let message = builder.add_virtual_target_arr();
    let targets = verify_equation(&mut builder, &key, &message);
    let circuit = builder.build::<C>();
    let mut pw = PartialWitness::new();
    pw.set_target_arr(&key, &sk.public().to_elements()).unwrap();
    pw.set_target_arr(&message, &m.0).unwrap();
    pw.set_target_arr(&targets.r, &signature.r()).unwrap();
    pw.set_target_arr(&targets.s, &words).unwrap();
    check(&circuit, &generate(&circuit, pw, &[]).unwrap()).unwrap();
}

/// The bound is S_BOUND itself.
#[test]
fn bound_of_s_is_exact() {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let word = builder.add_virtual_target();
    assert_bound(&mut builder, word);
    let circuit = builder.build::<C>();
    let accepts = |value: u64| {
        let mut pw = PartialWitness::new();
        pw.set_target(word, F::from_canonical_u64(value)).unwrap();
        generate(&circuit, pw, &[]).is_ok_and(|w| check(&circuit, &w).is_ok())
    };
    assert!(accepts(0) && accepts(S_BOUND - 1));
    assert!(!accepts(S_BOUND) && !accepts(S_BOUND + 1) && !accepts(u64::from(u32::MAX)));
}

/// Lies about single digits, sums and points of the ladder, with everything after them recomputed.
#[test]
fn refuses_forged_ladders() {
    let f = fixture();
    let (sk, m) = (secret(2), message(2));
    let signature = sk.sign(&m);
    let inputs = || f.inputs(sk.public().to_elements(), m, Some(&signature), true);
    let honest = generate(&f.circuit, inputs(), &[]).unwrap();
    let first = f.first_row();
    let last = first + ROWS - 1;
    for row in [first, first + 7, first + 8, first + 20, last] {
        for step in 0..STEPS_PER_ROW {
            // A flipped bit of s, consistently recomputed: the sums no longer give s, or the result is not R.
            for i in 0..4 {
                let t = Target::wire(row, LadderGate::bit(step, i));
                assert_rejected(&f.circuit, inputs(), &[(t, F::ONE - honest.get_target(t))]);
            }
            // Every other digit of e.
            let wires = [0, 1, 2].map(|i| Target::wire(row, LadderGate::digit(step, i)));
            for e in 0..4 {
                let lie: Vec<_> = digit_wires(row, step, Digits { e, s: 0 }).take(3).collect();
                if lie.iter().all(|&(t, v)| honest.get_target(t) == v) {
                    continue;
                }
                assert_eq!(lie.iter().map(|l| l.0).collect::<Vec<_>>(), wires);
                assert_rejected(&f.circuit, inputs(), &lie);
            }
        }
        // A wrong intermediate point, from which the rest of the ladder follows.
        let other = Point::GENERATOR.affine();
        let after = point_at(row, LadderGate::AFTER);
        let lie: Vec<_> =
            after.x.into_iter().zip(other.0.0).chain(after.u.into_iter().zip(other.1.0)).collect();
        assert_rejected(&f.circuit, inputs(), &lie);
        // A sum that starts anew.
        assert_rejected(&f.circuit, inputs(), &[(Target::wire(row, LadderGate::SUMS_AFTER), F::ZERO)]);
    }
}

/// With a challenge of the forger's choice the equation holds for any key: only the binding to the hash refuses it.
#[test]
fn refuses_a_chosen_challenge() {
    let f = fixture();
    let (key, m) = (secret(2).public(), message(2));
    // R = s G + e Q for s = 9 and digits of e that are all 1, whose M is 0xaa..aa.
    let s = Scalar::from_u64(9);
    let e = Scalar::from_u128((0..64).map(|i| 1u128 << (2 * i)).sum());
    let r = Point::GENERATOR.mul(&s) + key.point().mul(&e);
    let forged = Signature::new(r.encode().0, s).unwrap();
    let first = f.first_row();
    let digits: Vec<_> = (ROWS_PER_WORD..ROWS)
        .flat_map(|row| [(row, 0), (row, 1)])
        .flat_map(|(row, step)| digit_wires(first + row, step, Digits { e: 2, s: 0 }).take(3))
        .collect();
    let inputs = || f.inputs(key.to_elements(), m, Some(&forged), true);
    assert_rejected(&f.circuit, inputs(), &digits);

    // With the digest (in the row before the ladder) held at M, everything holds but the hash itself.
    let digest =
        [12, 13].map(|lane| (Target::wire(first - 1, lane), F::from_canonical_u64(0xaaaa_aaaa_aaaa_aaaa)));
    match assert_rejected(&f.circuit, inputs(), &[digits, digest.to_vec()].concat()) {
        Violation::Gate { row, gate, .. } => {
            assert_eq!(row, first - 1);
            assert!(gate.starts_with("PoseidonGate"), "{gate}");
        }
        v => panic!("{v}"),
    }
}

/// e has 128 bits: whoever may add digits above them chooses among 2^64 challenges. Only the constant that the highest
/// word must be refuses it.
#[test]
fn refuses_digits_above_the_challenge() {
    let f = fixture();
    let (secret, m) = (Scalar::from_u64(0x1234_5678), message(5));
    let key = Point::GENERATOR.mul(&secret).encode().0;
    let forged = (1..8)
        .find_map(|i| {
            let k = Scalar::from_elements(&[F::from_canonical_u64(i << 60); 8]);
            let r = Point::GENERATOR.mul(&k).encode().0;
            let bits = Scalar::from_u128(challenge_bits(&r, &key, &m));
            let above = Scalar::from_u64(1 << 32) * Scalar::from_u64(1 << 32);
            let e = bits - Scalar::from_u128(CHALLENGE_OFFSET) + above * above;
            Signature::new(r, k - e * secret).ok()
        })
        .expect("nearly every s of full length is in its range");
    let inputs = || f.inputs(key, m, Some(&forged), true);
    assert_rejected(&f.circuit, inputs(), &[]);
    // The lowest digit of the highest word is 1 instead of 0.
    let row = f.first_row() + ROWS_PER_WORD - 1;
    let mut lie: Vec<_> = digit_wires(row, STEPS_PER_ROW - 1, Digits { e: 2, s: 0 }).take(3).collect();
    assert_rejected(&f.circuit, inputs(), &lie);
    lie.push((Target::wire(row, LadderGate::SUMS_AFTER), F::from_canonical_u64(0x5555_5556)));
    match assert_rejected(&f.circuit, inputs(), &lie) {
        Violation::Gate { gate, .. } => assert!(gate.starts_with("ConstantGate"), "{gate}"),
        v => panic!("{v}"),
    }
}

/// A challenge element h below 2^32 - 1 is also h + p. Digits in that form lead to another R; everything but the check of
/// canonical halves holds for it, as it does (but for the hash) for the digits of every canonical challenge.
#[test]
fn refuses_digits_of_a_challenge_that_is_not_canonical() {
    let f = fixture();
    let (key, m) = (secret(2).public(), message(2));
    let first = f.first_row();
    let s = Scalar::from_u64(9);
    let outcome = |words: [u64; 2]| {
        let bits = u128::from(words[0]) | u128::from(words[1]) << 64;
        let e = Scalar::from_u128(bits) - Scalar::from_u128(CHALLENGE_OFFSET);
        let r = Point::GENERATOR.mul(&s) + key.point().mul(&e);
        let forged = Signature::new(r.encode().0, s).unwrap();
        let digits = (0..64).flat_map(|i| {
            let at = STEPS - 1 - i;
            let digits = Digits { e: (bits >> (2 * i)) as u64 & 3, s: 0 };
            digit_wires(first + at / STEPS_PER_ROW, at % STEPS_PER_ROW, digits).take(3)
        });
        // The digest, in the row before the ladder.
        let digest = [0, 1].map(|i| (Target::wire(first - 1, 12 + i), F::from_noncanonical_u64(words[i])));
        let lie: Vec<_> = digits.chain(digest).collect();
        assert_rejected(&f.circuit, f.inputs(key.to_elements(), m, Some(&forged), true), &lie)
    };
    let p = F::ORDER;
    for words in [[5, 7], [0, 0], [p - 1, 7], [5, p - 1]] {
        match outcome(words) {
            Violation::Gate { row, gate, .. } => {
                assert_eq!(row, first - 1);
                assert!(gate.starts_with("PoseidonGate"), "{gate}");
            }
            v => panic!("{words:?}: {v}"),
        }
    }
    for words in [[p, 7], [p + 5, 7], [5, p], [5, p + 7], [u64::MAX, 7], [5, u64::MAX]] {
        let violation = outcome(words);
        assert!(matches!(violation, Violation::Conflict(_)), "{words:?}: {violation}");
    }
}

/// The check itself, at its limits.
#[test]
fn canonical_halves_end_at_the_order() {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let [hi, lo] = builder.add_virtual_target_arr();
    let joined = join_canonical_halves(&mut builder, hi, lo);
    let circuit = builder.build::<C>();
    let accepts = |h: u64| {
        let mut pw = PartialWitness::new();
        pw.set_target(hi, F::from_canonical_u64(h >> 32)).unwrap();
        pw.set_target(lo, F::from_canonical_u64(h & 0xffff_ffff)).unwrap();
        generate(&circuit, pw, &[]).is_ok_and(|witness| {
            assert_eq!(witness.get_target(joined), F::from_noncanonical_u64(h));
            check(&circuit, &witness).is_ok()
        })
    };
    assert!(accepts(0) && accepts(F::ORDER - 1));
    assert!(!accepts(F::ORDER) && !accepts(F::ORDER + 5) && !accepts(u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn circuit_and_native_agree(seed in 2u8..255, other in 2u8..255, tamper in 0usize..4) {
        use std::sync::LazyLock;
        static FIXTURE: LazyLock<Fixture> = LazyLock::new(fixture);

        let sk = secret(seed);
        let m = Digest(std::array::from_fn(|_| F::rand()));
        let good = sk.sign(&m);
        let (key, m, signature) = match tamper {
            0 => (sk.public(), m, good),
            1 => (secret(other).public(), m, good),
            2 => (sk.public(), message(u64::from(other)), good),
            _ => (sk.public(), m, Signature::new(good.r(), Scalar::from_u64(u64::from(other))).unwrap()),
        };
        let native = key.verify(&m, &signature).is_ok();
        let circuit = FIXTURE.accepts(FIXTURE.inputs(key.to_elements(), m, Some(&signature), true));
        prop_assert_eq!(native, circuit);
    }
}
