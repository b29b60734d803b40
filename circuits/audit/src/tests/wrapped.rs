//! From pieces to the claim, with real proofs; then every lie about keys, coverage and claims.

use janction_aggregate::config::Proof;
use janction_aggregate::{AggregateError, Family, LeafCircuit, Segment, Stock};
use janction_gadgets::F;
use janction_gadgets::test_utils::{check, generate};
use janction_protocol::claim::{CLAIM_ELEMENTS, Claim};
use janction_protocol::{Digest, hash::chain, hash::hash, hash::tag};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::satisfied;
use super::world::{Audited, BEFORE, WORLD};
use crate::{AuditError, AuditNode, AuditProof, audit_key_digest};

fn inner(node: &mut AuditNode) -> &mut Proof {
    match node {
        AuditNode::Leaf(proof) | AuditNode::Gathered(proof) => proof,
    }
}

/// Whether the wrapper accepts a node for a claim that ends at `end`; then the chain of claims after it.
fn wrap(audited: &Audited, node: &AuditNode, end: u32, claim: &[F; CLAIM_ELEMENTS]) -> Option<Digest> {
    let w = &WORLD.wrapper;
    let inputs = w.assign(&audited.proof(node, end), claim, BEFORE).unwrap();
    let witness = generate(w.data(), inputs, &[]).ok()?;
    check(w.data(), &witness).ok()?;
    let public = |i: usize| {
        use plonky2::iop::witness::Witness;
        witness.get_target(w.data().prover_only.public_inputs[i])
    };
    assert_eq!(core::array::from_fn(public), BEFORE.0);
    Some(Digest(core::array::from_fn(|i| public(4 + i))))
}

#[test]
fn both_policies_end_in_one_circuit() {
    let w = &*WORLD;
    for (audited, end) in [(&w.full, 4), (&w.drawn, 8)] {
        let after = wrap(audited, &audited.node, end, &audited.claim.elements());
        assert_eq!(after, Some(audited.claim.append_to(BEFORE)));
    }
    let verifier = w.wrapper.verifier();
    for (audited, end) in [(&w.full, 4), (&w.drawn, 8)] {
        let Audited { circuits, claim, preparation, node, .. } = audited;
        assert_eq!(circuits.end(4), end);
        let proof = circuits.proof_of(node.clone(), preparation);
        assert_eq!(proof, audited.proof(node, end));
        proof.verify(verifier, claim).unwrap();
        // A proof whose inside was changed.
        let mut broken = proof.clone();
        inner(&mut broken.node).proof.openings.wires[3].0[0] += F::ONE;
        let error = broken.verify(verifier, claim).unwrap_err();
        assert!(matches!(error, AuditError::Aggregate(AggregateError::Invalid { .. })), "{error}");
        let error = AuditProof { end: end - 4, ..proof.clone() }.verify(verifier, claim).unwrap_err();
        assert!(matches!(error, AuditError::Coverage { .. }), "{error}");
        // More surplus than the wrapper takes.
        let error = AuditProof { end: end + (1 << 24), ..proof.clone() }.verify(verifier, claim).unwrap_err();
        assert!(matches!(error, AuditError::Coverage { .. }), "{error}");
        let mut short = proof;
        inner(&mut short.node).public_inputs.pop();
        let error = short.verify(verifier, claim).unwrap_err();
        assert!(matches!(error, AuditError::NodeInputs { expected: 12, got: 11 }), "{error}");
    }
    assert_ne!(w.full.circuits.audit_key_digest(), w.drawn.circuits.audit_key_digest());
    assert!(w.full.node.is_gathered() && !w.drawn.node.is_gathered());
}

/// A real proof, taken by the aggregation's leaf for the audit family.
#[test]
fn the_aggregation_takes_the_proof() {
    let w = &*WORLD;
    let Audited { circuits, openings, claim, .. } = &w.drawn;
    let audit = circuits.prove(&Stock, &w.wrapper, openings, claim).unwrap();
    let proof = w.wrapper.prove(&Stock, &audit, claim, Digest::ZERO).unwrap();
    let segment = Segment::of(&proof);
    assert_eq!(segment.before.elements, Digest::ZERO.0);
    assert_eq!(segment.after.elements, claim.append_to(Digest::ZERO).0);
    let leaf =
        LeafCircuit::build(w.wrapper.shape(), Family::Audit, &w.wrapper.data().verifier_data()).unwrap();
    satisfied(leaf.data(), leaf.witness(&[proof]).unwrap(), &[]).unwrap();
}

#[test]
fn every_element_of_the_claim_is_bound() {
    let w = &*WORLD;
    for (audited, end) in [(&w.full, 4), (&w.drawn, 8)] {
        for i in 0..CLAIM_ELEMENTS {
            let mut claim = audited.claim.elements();
            claim[i] += F::ONE;
            let after = wrap(audited, &audited.node, end, &claim);
            if i < 7 {
                // Deployment, job, nonce and winner are the ledger's to compare, by the chain.
                assert_eq!(after, Some(chain(tag::CLAIMS, BEFORE, hash(tag::CLAIM, &claim))));
                assert_ne!(after, Some(audited.claim.append_to(BEFORE)));
            } else {
                assert_eq!(after, None, "element {i}");
            }
        }
    }
}

/// What was joined of too few pieces is not handed out.
#[test]
fn all_pieces_are_joined() {
    let w = &*WORLD;
    let Audited { circuits, openings, claim, preparation, .. } = &w.drawn;
    let pieces: Vec<Proof> =
        (0..2).map(|index| circuits.prove_piece(&Stock, openings, preparation, index).unwrap()).collect();
    let error = circuits.join(&Stock, &w.wrapper, claim, preparation, &pieces[..1]).unwrap_err();
    assert!(matches!(error, AuditError::Node { what: "end", .. }), "{error}");
    let error = circuits.join(&Stock, &w.wrapper, claim, preparation, &pieces[1..]).unwrap_err();
    assert!(matches!(error, AuditError::Node { what: "start", .. }), "{error}");
    let swapped = [pieces[1].clone(), pieces[0].clone()];
    let error = circuits.join(&Stock, &w.wrapper, claim, preparation, &swapped).unwrap_err();
    assert!(matches!(error, AuditError::Aggregate(AggregateError::Gap { .. })), "{error}");
    let error = circuits.join(&Stock, &w.wrapper, claim, preparation, &[]).unwrap_err();
    assert!(matches!(error, AuditError::Aggregate(AggregateError::Empty)), "{error}");
}

#[test]
fn coverage_must_be_complete() {
    let w = &*WORLD;
    let elements = w.full.claim.elements();
    for end in [0, 3, 5] {
        assert_eq!(wrap(&w.full, &w.full.node, end, &elements), None, "end {end}");
    }
    for leaf in &w.full.leaves {
        for end in [3, 4] {
            assert_eq!(wrap(&w.full, leaf, end, &elements), None, "one leaf of two, end {end}");
        }
    }
    let claim = |policy, coverage| Claim { policy, coverage, ..w.drawn.claim }.elements();
    // The same pieces cover any number of draws up to theirs.
    assert!(wrap(&w.drawn, &w.drawn.node, 8, &claim(8, 8)).is_some());
    assert_eq!(wrap(&w.drawn, &w.drawn.node, 8, &claim(9, 9)), None);
    assert_eq!(wrap(&w.drawn, &w.drawn.node, 8, &claim(8, 9)), None);
    assert_eq!(wrap(&w.drawn, &w.drawn.node, 8, &claim(9, 8)), None);
    assert_eq!(wrap(&w.drawn, &w.drawn.node, 12, &claim(9, 9)), None);
    // Another policy than the pieces'.
    assert_eq!(wrap(&w.drawn, &w.drawn.node, 4, &claim(0, 4)), None);
    assert_eq!(wrap(&w.drawn, &w.drawn.node, 8, &claim(0, 4)), None);
    let claim = Claim { policy: 4, coverage: 4, ..w.full.claim }.elements();
    assert_eq!(wrap(&w.full, &w.full.node, 4, &claim), None);
}

#[test]
fn the_audit_key_is_the_one_that_verified() {
    let w = &*WORLD;
    let key = w.full.circuits.audit_key();
    let mut other_digest = key.clone();
    other_digest.circuit_digest.elements[1] += F::ONE;
    let mut other_cap = key.clone();
    other_cap.constants_sigmas_cap.0[7].elements[2] += F::ONE;
    let foreign = w.drawn.circuits.audit_key();
    for (name, key) in [("digest", &other_digest), ("cap", &other_cap), ("foreign", foreign)] {
        // A claim that names the key that was put in, and one that names the real one.
        for audit_key in [audit_key_digest(key), w.full.claim.audit_key] {
            let claim = Claim { audit_key, ..w.full.claim };
            for node in [&w.full.node, &w.full.leaves[0]] {
                let audit = AuditProof { audit_key: key.clone(), ..w.full.proof(node, 4) };
                let inputs = w.wrapper.assign(&audit, &claim.elements(), BEFORE).unwrap();
                assert!(satisfied(w.wrapper.data(), inputs, &[]).is_err(), "{name}");
            }
        }
    }
}

#[test]
fn kinds_cannot_be_exchanged() {
    let w = &*WORLD;
    let elements = w.full.claim.elements();
    let posing = AuditNode::Leaf(w.full.node.proof().clone());
    assert_eq!(wrap(&w.full, &posing, 4, &elements), None);
    let posing = AuditNode::Gathered(w.drawn.node.proof().clone());
    assert_eq!(wrap(&w.drawn, &posing, 8, &w.drawn.claim.elements()), None);
    for (audited, node, end) in [(&w.full, &w.full.leaves[0], 4), (&w.drawn, &posing, 8)] {
        let audit = audited.proof(node, end);
        let error = w.wrapper.prove(&Stock, &audit, &audited.claim, BEFORE).unwrap_err();
        assert!(matches!(error, AuditError::Node { what: "end" | "mark", .. }), "{error}");
    }
    // A mark put right afterwards is not what was proven.
    let mut proof = w.drawn.node.proof().clone();
    let mark = crate::gather::mark(&w.wrapper.gather().data().verifier_only, w.drawn.claim.audit_key);
    proof.public_inputs[8..].copy_from_slice(&mark.0);
    assert_eq!(wrap(&w.drawn, &AuditNode::Gathered(proof), 8, &w.drawn.claim.elements()), None);
    // Nor are ends.
    let mut proof = w.full.leaves[0].proof().clone();
    proof.public_inputs[4..8].copy_from_slice(&w.full.node.proof().public_inputs[4..8]);
    assert_eq!(wrap(&w.full, &AuditNode::Leaf(proof), 4, &elements), None);
}

#[test]
fn gathering_joins_neighbours_of_one_audit() {
    let w = &*WORLD;
    let gather = w.wrapper.gather();
    let [first, second] = &w.full.leaves[..] else { unreachable!("four pieces make two leaves") };
    let accepts = |nodes: &[&AuditNode]| {
        let nodes: Vec<AuditNode> = nodes.iter().map(|&node| node.clone()).collect();
        let inputs = gather.assign(w.full.circuits.audit_key(), &nodes).unwrap();
        satisfied(gather.data(), inputs, &[]).is_ok()
    };
    assert!(accepts(&[first, second]) && accepts(&[first]) && accepts(&[&w.full.node]));
    for nodes in [[second, first], [first, first], [second, second], [&w.full.node, first]] {
        assert!(!accepts(&nodes), "no neighbours");
    }
    assert!(!accepts(&[&w.drawn.node]), "another audit key");
    assert!(!accepts(&[first, second, &w.drawn.node]), "another audit key");
    assert!(!accepts(&[&AuditNode::Leaf(w.full.node.proof().clone())]));
    assert!(!accepts(&[&AuditNode::Gathered(first.proof().clone())]));

    // Unused nodes say nothing, and whether one is used is a bit.
    let inputs = gather.assign(w.full.circuits.audit_key(), std::slice::from_ref(first)).unwrap();
    let public = &gather.data().prover_only.public_inputs;
    let end: Vec<(Target, F)> = (4..8).map(|i| (public[i], second.proof().public_inputs[i])).collect();
    assert!(satisfied(gather.data(), inputs.clone(), &end).is_err());
    for flag in gather.used() {
        for value in [F::ONE, F::TWO] {
            assert!(satisfied(gather.data(), inputs.clone(), &[(flag.target, value)]).is_err());
        }
    }

    for kind in [F::ONE, F::TWO] {
        let kinds = gather.kinds().map(|kind_of| (kind_of.target, kind));
        for lie in kinds {
            assert!(satisfied(gather.data(), inputs.clone(), &[lie]).is_err());
        }
    }

    // A counterfeit own key is satisfiable as long as no gathering is below, and shows in the mark.
    let honest: Vec<(Target, F)> =
        (8..12).map(|i| (public[i], w.full.node.proof().public_inputs[i])).collect();
    satisfied(gather.data(), inputs.clone(), &honest).unwrap();
    for target in
        [gather.own_key().circuit_digest.elements[0], gather.own_key().constants_sigmas_cap.0[15].elements[3]]
    {
        satisfied(gather.data(), inputs.clone(), &[(target, F::ONE)]).unwrap();
        let lie: Vec<_> = honest.iter().copied().chain([(target, F::ONE)]).collect();
        assert!(satisfied(gather.data(), inputs.clone(), &lie).is_err());
    }

    let group = [second.clone(), first.clone()];
    let error = gather.prove(&Stock, w.full.circuits.leaf(), &group).unwrap_err();
    assert!(matches!(error, AuditError::Aggregate(AggregateError::Gap { index: 1, .. })));
}
