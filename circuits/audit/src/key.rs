//! The audit key: by what key the proofs of a program's audit are verified.

use janction_aggregate::config::{Builder, Key};
use janction_gadgets::{F, sponge};
use janction_protocol::{
    Digest,
    hash::{hash, tag},
};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOutTarget, MerkleCapTarget};
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

/// The elements of a key: number of cap entries, circuit digest, cap. The digest alone does not bind the gates, because
/// a proof is checked against the cap.
pub(crate) fn elements(key: &Key) -> Vec<F> {
    let cap = &key.constants_sigmas_cap.0;
    std::iter::once(F::from_canonical_usize(cap.len()))
        .chain(key.circuit_digest.elements)
        .chain(cap.iter().flat_map(|hash| hash.elements))
        .collect()
}

/// [`elements`] in a circuit.
pub(crate) fn element_targets(builder: &mut Builder, key: &VerifierCircuitTarget) -> Vec<Target> {
    let MerkleCapTarget(cap) = &key.constants_sigmas_cap;
    std::iter::once(builder.constant(F::from_canonical_usize(cap.len())))
        .chain(key.circuit_digest.elements)
        .chain(cap.iter().flat_map(|hash| hash.elements))
        .collect()
}

/// The audit key digest of a job leaf: `H(AUDIT_KEY, [cap entries] ++ circuit digest ++ cap)`.
#[must_use]
pub fn audit_key_digest(key: &Key) -> Digest {
    hash(tag::AUDIT_KEY, &elements(key))
}

/// [`audit_key_digest`] of a key that is a witness. Nine rows.
pub(crate) fn audit_key_digest_target(builder: &mut Builder, key: &VerifierCircuitTarget) -> HashOutTarget {
    let elements = element_targets(builder, key);
    sponge::hash(builder, tag::AUDIT_KEY, &elements)
}
