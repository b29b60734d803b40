//! The proof that is checked in for the contracts' tests, verified natively under the real keys: by halo2 and, apart from
//! it, by the auditor's verifier. Nothing is proven here; `make contracts PROOF=1` makes the proof anew.

use std::sync::LazyLock;

use janction_wrap::{AuditError, AuditKey, EvmProof, WrapError};
use serde_json::Value;

use super::KEYS;

const PROOF: &str = include_str!("../../../../verifier-contracts/generated/proof.json");
const VERIFIER: &str = include_str!("../../../../verifier-contracts/generated/Halo2Verifier.json");
const SOURCE: &str = include_str!("../../../../verifier-contracts/generated/Halo2Verifier.sol");

struct World {
    audit_key: AuditKey,
    proof: EvmProof,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let audit_key = KEYS.wrap.verifier().audit_key().expect("a key");
    let fixture = json(PROOF);
    let inputs = fixture["publicInputs"].as_array().expect("a list");
    let instances = inputs.iter().map(|input| word(integer(input))).collect();
    World { audit_key, proof: EvmProof { instances, proof: bytes(&fixture["proof"]) } }
});

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn hex(value: &Value) -> &str {
    value.as_str().and_then(|text| text.strip_prefix("0x")).expect("hex")
}

fn integer(value: &Value) -> u64 {
    u64::from_str_radix(hex(value), 16).expect("64 bits")
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = hex(value).as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect()
}

/// A big-endian word of the EVM.
fn word(integer: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&integer.to_be_bytes());
    word
}

/// What halo2 and the auditor say of a changed proof: both must refuse it.
fn refused(change: impl FnOnce(&mut EvmProof)) -> (WrapError, AuditError) {
    let w = &*WORLD;
    let mut changed = w.proof.clone();
    change(&mut changed);
    assert_ne!(changed, w.proof);
    let halo2 = KEYS.wrap.verify(&changed).expect_err("a changed proof");
    (halo2, w.audit_key.verify(&changed).expect_err("a changed proof"))
}

#[test]
fn the_proof_holds_under_the_keys_of_this_source() {
    let w = &*WORLD;
    KEYS.wrap.verify(&w.proof).expect("a valid proof");
    w.audit_key.verify(&w.proof).expect("a valid proof");
    assert_eq!(w.audit_key.proof_length(), w.proof.proof.len());
    assert_eq!(w.proof.calldata().len(), 23 * 32 + w.proof.proof.len());
}

/// Golden: the verifier that is deployed changes with the circuits, on purpose only. `scripts/contracts.sh --check` compares
/// its bytecode, too.
#[test]
fn the_keys_give_the_verifier_that_is_checked_in() {
    let keys = &*KEYS;
    let (contract, artifact) = (keys.contract().expect("a key"), json(VERIFIER));
    // Not assert_eq: the two are long.
    assert!(
        contract.solidity == SOURCE,
        "another verifier: if that is intended, run `make contracts PROOF=1`"
    );
    assert_eq!(artifact["proofLength"], contract.proof_length);
    assert_eq!(artifact["developmentSrs"], contract.development_srs);
    assert_eq!(bytes(&artifact["srsHash"]), contract.srs_hash);
    for fixture in [artifact, json(PROOF)] {
        assert_eq!(bytes(&fixture["keyDigest"]), keys.wrap.key_digest());
    }
}

#[test]
fn every_public_input_is_bound() {
    for index in 0..WORLD.proof.instances.len() {
        let (halo2, audit) = refused(|p| p.instances[index][31] ^= 1);
        assert!(matches!(halo2, WrapError::InvalidProof(_)), "{index}: {halo2}");
        assert!(matches!(audit, AuditError::False), "{index}: {audit}");
    }
}

#[test]
fn public_inputs_have_one_form_and_one_number() {
    // The order of Goldilocks, more than 64 bits, and more than 254.
    let above = [
        word(0xffff_ffff_0000_0001),
        word(u64::MAX),
        [[1].as_slice(), &[0; 31]].concat().try_into().expect("32"),
    ];
    for instance in above {
        let (halo2, audit) = refused(|p| p.instances[1] = instance);
        assert!(matches!(halo2, WrapError::NonCanonicalInstance { index: 1 }), "{halo2}");
        assert!(matches!(audit, AuditError::Malformed(_)), "{audit}");
    }
    for (halo2, audit) in [
        refused(|p| p.instances.truncate(22)),
        refused(|p| p.instances.push(word(0))),
        refused(|p| p.instances.clear()),
    ] {
        assert!(matches!(halo2, WrapError::InstanceCount { expected: 23, .. }), "{halo2}");
        assert!(matches!(audit, AuditError::InstanceCount { expected: 23, .. }), "{audit}");
    }
}

#[test]
fn proofs_have_one_length() {
    for (halo2, audit) in
        [refused(|p| p.proof.push(0)), refused(|p| p.proof.truncate(100)), refused(|p| p.proof.clear())]
    {
        assert!(matches!(halo2, WrapError::InvalidProof(_)), "{halo2}");
        assert!(matches!(audit, AuditError::Malformed(_)), "{audit}");
    }
}

/// A bit in the first and in the last byte of every word: points, evaluations, opening.
#[test]
fn every_word_of_the_proof_counts() {
    let length = WORLD.proof.proof.len();
    for at in 0..length / 32 {
        for byte in [32 * at, 32 * at + 31] {
            let (halo2, audit) = refused(|p| p.proof[byte] ^= 1 << (at % 8));
            assert!(matches!(halo2, WrapError::InvalidProof(_)), "{byte}: {halo2}");
            assert!(matches!(audit, AuditError::Malformed(_) | AuditError::False), "{byte}: {audit}");
        }
    }
    // A point off the curve; the last byte of the last evaluation, which still is a field element.
    let (_, audit) = refused(|p| p.proof[3] ^= 1);
    assert!(matches!(audit, AuditError::Malformed(_)), "{audit}");
    let (_, audit) = refused(|p| p.proof[length - 2 * 64 - 1] ^= 1);
    assert!(matches!(audit, AuditError::False), "{audit}");
}
