use plonky2::field::types::{Field64, Sample};
use proptest::prelude::*;

use super::*;
use crate::crypto::scalar::ORDER;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_entropy(&[seed; 64]).unwrap()
}

fn message(seed: u64) -> Digest {
    Digest([0, 1, 2, 3].map(|i| F::from_canonical_u64(seed + i)))
}

#[test]
fn signatures_verify_and_are_deterministic() {
    for i in 1..20 {
        let (sk, m) = (key(i), message(u64::from(i)));
        let signature = sk.sign(&m);
        assert_eq!(signature, sk.sign(&m));
        sk.public().verify(&m, &signature).unwrap();
        assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
        assert_ne!(signature.r(), sk.sign(&message(100)).r(), "every message has its own nonce");
        assert_eq!(key(i + 1).public().verify(&m, &signature), Err(SignatureError::Mismatch));
        assert_eq!(sk.public().verify(&message(100), &signature), Err(SignatureError::Mismatch));
    }
}

#[test]
fn malleated_signatures_are_refused() {
    let (sk, m) = (key(1), message(1));
    let good = sk.sign(&m);
    let with = |r: [F; 5], s: Scalar| sk.public().verify(&m, &Signature { r, s });
    assert_eq!(with(good.r, good.s + Scalar::ONE), Err(SignatureError::Mismatch));
    assert_eq!(with(good.r, -good.s), Err(SignatureError::Mismatch));
    assert_eq!(with([F::ZERO; 5], good.s), Err(SignatureError::Neutral));
    let negative = (-Point::decode(GFp5 { 0: good.r }).unwrap()).encode().0;
    assert_eq!(with(negative, good.s), Err(SignatureError::Mismatch));
    let highest = Scalar::from_limbs([0, 0, 0, 0, S_BOUND << 32]).unwrap();
    assert_eq!(with(good.r, highest), Err(SignatureError::NonCanonicalScalar));
    assert!(Signature::new(good.r, highest - Scalar::ONE).is_ok());

    // s + n, and p added to a coefficient of R, are other bytes of the same values.
    let mut bytes = good.to_bytes();
    let mut carry = 0;
    for (i, limb) in ORDER.into_iter().enumerate() {
        let at = SIGNATURE_BYTES - 8 * (i + 1);
        let old = u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
        let sum = u128::from(old) + u128::from(limb) + carry;
        bytes[at..at + 8].copy_from_slice(&(sum as u64).to_be_bytes());
        carry = sum >> 64;
    }
    assert_eq!(Signature::from_bytes(&bytes), Err(SignatureError::NonCanonicalScalar));
    let mut bytes = good.to_bytes();
    bytes[..8].copy_from_slice(&F::ORDER.to_be_bytes());
    assert_eq!(Signature::from_bytes(&bytes), Err(SignatureError::NonCanonicalPoint));
}

#[test]
fn bad_keys_are_refused() {
    assert_eq!(PublicKey::from_elements([F::ZERO; 5]), Err(SignatureError::Neutral));
    assert_eq!(PublicKey::from_bytes(&[0xff; KEY_BYTES]), Err(SignatureError::NonCanonicalPoint));
    let off = (1..).map(GFp5::from_canonical_u64).find(|&w| Point::decode(w).is_none()).unwrap();
    assert_eq!(PublicKey::from_elements(off.0), Err(SignatureError::NotAPoint));
    assert!(SecretKey::from_bytes(&[0; KEY_BYTES]).is_err());
    assert!(SecretKey::from_bytes(&[0xff; KEY_BYTES]).is_err());
    assert!(SecretKey::from_entropy(&[0; 64]).is_err());
    let sk = key(9);
    assert_eq!(SecretKey::from_bytes(&sk.to_bytes()).unwrap().public(), sk.public());
    assert_eq!(PublicKey::from_bytes(&sk.public().to_bytes()), Ok(sk.public()));
}

#[test]
fn the_bound_is_below_the_order() {
    assert_eq!(ORDER[LIMBS - 1] >> 32, S_BOUND);
    assert_eq!(CHALLENGE_OFFSET, (0..64).map(|i| 1u128 << (2 * i)).sum());
}

#[test]
fn secrets_are_not_printed() {
    let sk = key(7);
    let shown = format!("{sk:?} {:?}", sk.sign(&message(1)).s());
    for limb in sk.d.to_limbs() {
        assert!(!shown.contains(&limb.to_string()) && !shown.contains(&format!("{limb:x}")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_flipped_bit_is_refused(bit in 0..8 * SIGNATURE_BYTES, seed in 1u8..255) {
        let (sk, m) = (key(seed), message(u64::from(seed)));
        let mut bytes = sk.sign(&m).to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verdict = Signature::from_bytes(&bytes).and_then(|s| sk.public().verify(&m, &s));
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn random_messages(seed in 1u8..255) {
        let m = Digest(core::array::from_fn(|_| F::rand()));
        let sk = key(seed);
        prop_assert_eq!(sk.public().verify(&m, &sk.sign(&m)), Ok(()));
    }
}

/// Signatures are consensus: these change only with a new version of the protocol.
#[test]
fn golden() {
    let got: Vec<String> = (1..=3)
        .map(|i| {
            let sk = key(i);
            let hex = |b: &[u8]| b.iter().map(|x| format!("{x:02x}")).collect::<String>();
            let signature = sk.sign(&message(u64::from(i) << 40));
            format!("{} {}", hex(&sk.public().to_bytes()), hex(&signature.to_bytes()))
        })
        .collect();
    let want: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(got, want);
}
