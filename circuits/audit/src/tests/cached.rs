//! Keys are reproducible and survive the disk.

use janction_aggregate::Stock;
use janction_aggregate::config::Proof;
use janction_trace::Policy;

use super::flipped::two_layers;
use super::satisfied;
use super::world::{Audited, BEFORE, WORLD};
use crate::{AuditCircuits, AuditError, AuditVerifier, Wrapper, keys};

/// Anyone recomputes the audit key from the job binary.
#[test]
fn audit_keys_are_reproducible() {
    let w = &*WORLD;
    let binary = janction_program::container::encode(w.full.circuits.program());
    let program = janction_program::container::decode(&binary).unwrap();
    let again = AuditCircuits::of_size(w.wrapper.shape(), program, Policy::Full, 0, 1);
    assert_eq!(again.audit_key_digest(), w.full.circuits.audit_key_digest());
    assert_eq!(again.audit_key(), w.full.circuits.audit_key());
}

/// Keys survive the disk, and a wrong one is found.
#[test]
fn keys_are_restored() {
    let w = &*WORLD;
    assert_eq!(
        w.wrapper.digests().unwrap(),
        keys::DIGESTS,
        "a circuit changed; if on purpose, put the left side into keys.txt"
    );
    let wrapper = Wrapper::from_keys(|name| w.wrapper.key(name)).unwrap();
    let Audited { circuits, openings, claim, preparation, node, .. } = &w.drawn;
    let elements = claim.elements();
    let inputs = wrapper.assign(&w.drawn.proof(node, 8), &elements, BEFORE).unwrap();
    satisfied(wrapper.data(), inputs, &[]).unwrap();
    let inputs = wrapper.gather().assign(circuits.audit_key(), std::slice::from_ref(node)).unwrap();
    satisfied(wrapper.gather().data(), inputs, &[]).unwrap();

    let restore = |fetch: &dyn Fn(&'static str) -> Result<Vec<u8>, AuditError>, digest| {
        AuditCircuits::from_keys(circuits.program().clone(), circuits.policy(), digest, fetch)
    };
    let right = circuits.audit_key_digest();
    let restored = restore(&|name| circuits.key(name), right).unwrap();
    let pieces: Vec<Proof> =
        (0..2).map(|index| restored.prove_piece(&Stock, openings, preparation, index).unwrap()).collect();
    satisfied(restored.leaf().data(), restored.leaf().witness(&pieces).unwrap(), &[]).unwrap();

    let other = restore(&|name| circuits.key(name), w.full.circuits.audit_key_digest()).unwrap_err();
    assert!(matches!(other, AuditError::Key { circuit: "leaf", .. }), "{other}");
    for name in keys::OWN {
        let cut = |wanted| {
            circuits.key(wanted).map(|bytes| bytes[..if wanted == name { 3 } else { bytes.len() }].to_vec())
        };
        let error = restore(&cut, right).unwrap_err();
        assert!(
            matches!(error, AuditError::KeyBytes { circuit, action: "read" } if circuit == name),
            "{error}"
        );
    }
    // A job of another program or policy that names this audit key.
    for (program, policy) in
        [(two_layers(2, "of_another_name"), circuits.policy()), (circuits.program().clone(), Policy::Rows(4))]
    {
        let fetch = |name| circuits.key(name);
        let error = AuditCircuits::from_keys(program, policy, right, fetch).unwrap_err();
        assert!(matches!(error, AuditError::Key { circuit: "piece", .. }), "{error}");
    }
    let swapped = Wrapper::from_keys(|_| w.wrapper.key("wrapper")).unwrap_err();
    assert!(matches!(swapped, AuditError::Key { circuit: "gather", .. }), "{swapped}");

    let verifier = w.wrapper.verifier();
    let bytes = verifier.to_bytes().unwrap();
    let restored_verifier = AuditVerifier::from_bytes(bytes.clone()).unwrap();
    assert_eq!(restored_verifier.shape().common(), verifier.shape().common());
    assert_eq!(restored_verifier.gather_key(), verifier.gather_key());
    for at in (0..bytes.len()).step_by(101) {
        let mut other = bytes.clone();
        other[at] ^= 4;
        let error = AuditVerifier::from_bytes(other).unwrap_err();
        assert!(matches!(error, AuditError::Key { circuit: "verifier", .. }), "{error}");
    }
    assert!(matches!(w.wrapper.key("leaf"), Err(AuditError::KeyBytes { circuit: "leaf", .. })));
}
