//! From pieces to the claim, with real proofs; then every lie about keys, coverage and claims.

use std::sync::LazyLock;

use janction_aggregate::config::Proof;
use janction_aggregate::{AggregateError, Family, LeafCircuit, NodeShape, Segment, Stock};
use janction_gadgets::F;
use janction_gadgets::test_utils::{check, generate};
use janction_program::Program;
use janction_program::commitment::row_digests;
use janction_protocol::claim::{CLAIM_ELEMENTS, Claim};
use janction_protocol::{Digest, hash::chain, hash::hash, hash::tag};
use janction_trace::{CommittedTensor, Openings, OpeningsError, Policy, Trace};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::flipped::{flip, input, replace, two_layers};
use super::{claim_of, honest, satisfied};
use crate::{
    AuditCircuits, AuditError, AuditNode, AuditProof, AuditVerifier, Place, Rule, Wrapper, audit_key_digest,
    keys,
};

/// An audit that has been proven up to its node.
struct Audited {
    circuits: AuditCircuits,
    trace: Trace,
    openings: Openings,
    claim: Claim,
    /// All leaves, in order.
    leaves: Vec<AuditNode>,
    node: AuditNode,
}

struct World {
    wrapper: Wrapper,
    /// Four rows in four pieces, gathered.
    full: Audited,
    /// Eight draws in two pieces, one leaf.
    drawn: Audited,
}

impl Audited {
    /// `node` as an audit of this program that ends at `end`.
    fn proof(&self, node: &AuditNode, end: u32) -> AuditProof {
        AuditProof { audit_key: self.circuits.audit_key().clone(), node: node.clone(), end }
    }
}

fn audited(wrapper: &Wrapper, program: Program, policy: Policy) -> Audited {
    let trace = honest(&program, &input(4));
    let circuits = AuditCircuits::of_size(wrapper.shape(), program.clone(), policy, 0, 1);
    let claim = claim_of(&program, circuits.audit_key_digest(), policy, &trace);
    let openings = circuits.openings(trace.clone(), &claim).unwrap();
    circuits.check(&openings, &claim).unwrap();
    let pieces: Vec<Proof> = (0..circuits.pieces(4))
        .map(|index| circuits.prove_piece(&Stock, &openings, &claim, index).unwrap())
        .collect();
    let leaves: Vec<AuditNode> = pieces
        .chunks(3)
        .map(|group| AuditNode::Leaf(circuits.leaf().prove(&Stock, group).unwrap().proof().clone()))
        .collect();
    let node = match &leaves[..] {
        [leaf] => leaf.clone(),
        leaves => wrapper.gather().prove(&Stock, circuits.leaf(), leaves).unwrap(),
    };
    Audited { circuits, trace, openings, claim, leaves, node }
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let wrapper = Wrapper::build(NodeShape::find().unwrap()).unwrap();
    let full = audited(&wrapper, two_layers(2, "two_layers"), Policy::Full);
    let drawn = audited(&wrapper, two_layers(2, "two_layers"), Policy::Rows(5));
    World { wrapper, full, drawn }
});

const BEFORE: Digest = Digest([F::TWO; 4]);

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
        let Audited { circuits, claim, node, .. } = audited;
        assert_eq!(circuits.end(4), end);
        let proof = circuits.proof_of(node.clone(), claim);
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
                let audit = AuditProof { audit_key: key.clone(), node: node.clone(), end: 4 };
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

/// A false trace is refused before it is proven, and the error names operation, row and rule.
#[test]
fn errors_name_operation_row_and_rule() {
    let w = &*WORLD;
    let Audited { circuits, trace, claim, .. } = &w.full;
    let program = circuits.program();
    for (k, name) in [(1, "y"), (2, "z")] {
        let forged = replace(program, trace, k, flip(crate::piece::tensor(trace, k).tensor(), 2, 1));
        let claim = claim_of(program, claim.audit_key, Policy::Full, &forged);
        let openings = circuits.openings(forged, &claim).unwrap();
        let error = circuits.prove(&Stock, &w.wrapper, &openings, &claim).unwrap_err();
        let AuditError::FalseRow { operation, row, place, rule, .. } = &error else { panic!("{error}") };
        assert_eq!((operation.as_str(), *row, *place, *rule), (name, 2, Place::Column(1), Rule::Result));
        assert!(error.to_string().contains(&format!("operation \"{name}\", row 2, column 1")), "{error}");
    }
    // A digest that is not the row's.
    let y = trace.tensors()[0].tensor().clone();
    let mut digests = row_digests(&y);
    digests[3] = Digest([F::ONE; 4]);
    let tensors = vec![CommittedTensor::with_digests(y, digests, 2).unwrap(), trace.tensors()[1].clone()];
    let forged = Trace::of(program, trace.input().clone(), tensors).unwrap();
    let forged_claim = claim_of(program, claim.audit_key, Policy::Full, &forged);
    let openings = circuits.openings(forged, &forged_claim).unwrap();
    let error = circuits.check(&openings, &forged_claim).unwrap_err();
    let AuditError::FalseRow { operation, row, rule, .. } = error else { panic!("{error}") };
    assert_eq!((operation.as_str(), row, rule), ("y", 3, Rule::Digest));
    // Without the check the prover fails all the same.
    assert!(circuits.prove_piece(&Stock, &openings, &forged_claim, 3).is_err());
}

#[test]
fn a_claim_of_another_job_is_refused() {
    let w = &*WORLD;
    let Audited { circuits, openings, claim, .. } = &w.drawn;
    let field = |claim: Claim| match circuits.check(openings, &claim).unwrap_err() {
        AuditError::Claim { field, .. } => field,
        error => panic!("{error}"),
    };
    let other = Digest([F::TWO; 4]);
    assert_eq!(field(Claim { program: other, ..*claim }), "program");
    assert_eq!(field(Claim { audit_key: other, ..*claim }), "audit key");
    assert_eq!(field(Claim { policy: 0, ..*claim }), "policy");
    assert_eq!(field(Claim { coverage: 4, ..*claim }), "coverage");
    let wrong = w.drawn.proof(&w.full.node, 8).verify(w.wrapper.verifier(), claim).unwrap_err();
    assert!(matches!(wrong, AuditError::Node { what: "start", .. }), "{wrong}");
    let error = circuits.prove_piece(&Stock, openings, claim, 2).unwrap_err();
    assert!(matches!(error, AuditError::NoSuchPiece { index: 2, pieces: 2 }));
}

/// Openings of another job, policy or beacon, and too few of them.
#[test]
fn openings_of_another_job_are_refused() {
    let w = &*WORLD;
    let other = Digest([F::TWO; 4]);
    for (audited, foreign) in [(&w.full, &w.drawn), (&w.drawn, &w.full)] {
        let Audited { circuits, trace, openings, claim, .. } = audited;
        let refused = |openings: &Openings, claim: Claim| match circuits.check(openings, &claim).unwrap_err()
        {
            AuditError::Openings(error) => error,
            error => panic!("{error}"),
        };
        let error = refused(&foreign.openings, *claim);
        assert!(matches!(error, OpeningsError::Policy { .. }), "{error}");
        let error = circuits.prove_piece(&Stock, &foreign.openings, claim, 0).unwrap_err();
        assert!(matches!(error, AuditError::Openings(OpeningsError::Policy { .. })), "{error}");
        let error = refused(openings, Claim { trace_root: other, ..*claim });
        assert!(matches!(error, OpeningsError::TraceRoot { .. }), "{error}");
        let error = refused(openings, Claim { output_root: other, ..*claim });
        assert!(matches!(error, OpeningsError::OutputRoot { .. }), "{error}");
        let error = refused(openings, Claim { input_root: other, ..*claim });
        assert!(
            matches!(error, OpeningsError::InputRoot { .. } | OpeningsError::Opening { side: "operand", .. }),
            "{error}"
        );
        let coverage = if claim.policy == 0 { 3 } else { claim.coverage };
        let error = refused(openings, Claim { input_rows: 3, coverage, ..*claim });
        assert!(matches!(error, OpeningsError::RowCount { .. } | OpeningsError::Rows { .. }), "{error}");
        // Nor can they be made of another trace.
        let mut tensors: Vec<_> = trace.tensors().iter().map(|t| t.tensor().clone()).collect();
        tensors[1] = flip(&tensors[1], 0, 0);
        let forged = Trace::commit(circuits.program(), trace.input().tensor().clone(), tensors).unwrap();
        let error = circuits.openings(forged, claim).unwrap_err();
        assert!(matches!(error, AuditError::Openings(OpeningsError::TraceRoot { .. })), "{error}");
        let deeper = honest(&two_layers(3, "deeper"), &input(4));
        let error = circuits.openings(deeper, claim).unwrap_err();
        assert!(matches!(error, AuditError::Openings(OpeningsError::Check(_))), "{error}");
    }
    let Audited { circuits, trace, openings, claim, .. } = &w.drawn;
    let Openings::Drawn(rows) = openings else { panic!("the policy is rows") };
    assert_eq!(rows.draws(), 8);
    // Enough for the policy, not for the last piece.
    let mut fewer = rows.clone();
    fewer.operations.iter_mut().for_each(|pairs| pairs.truncate(7));
    let fewer = Openings::Drawn(fewer);
    for error in [
        circuits.check(&fewer, claim).unwrap_err(),
        circuits.prove_piece(&Stock, &fewer, claim, 1).unwrap_err(),
    ] {
        let wanted = matches!(error, AuditError::Openings(OpeningsError::Draws { least: 8, got: 7, .. }));
        assert!(wanted, "{error}");
    }
    // No beacon, no rows.
    let error = circuits.openings(trace.clone(), &Claim { beacon: [0; 4], ..*claim }).unwrap_err();
    assert!(matches!(error, AuditError::Openings(OpeningsError::Undrawn(_))), "{error}");
}

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
    let Audited { circuits, openings, claim, node, .. } = &w.drawn;
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
        (0..2).map(|index| restored.prove_piece(&Stock, openings, claim, index).unwrap()).collect();
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

/// What is read is what was written, and nothing else can be read.
#[test]
fn audits_survive_the_wire() {
    let w = &*WORLD;
    let shape = w.wrapper.verifier().shape();
    for (audited, end) in [(&w.full, 4), (&w.drawn, 8)] {
        let audit = audited.proof(&audited.node, end);
        let bytes = audit.to_bytes();
        assert_eq!(bytes.len(), AuditProof::length(shape));
        let read = AuditProof::from_bytes(shape, &bytes).unwrap();
        assert_eq!(read, audit);
        read.verify(w.wrapper.verifier(), &audited.claim).unwrap();

        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(400) });
        let place = (0..bytes.len(), 1u8..);
        // Any changed byte is refused, at once or when it is verified.
        runner
            .run(&place, |(at, flip)| {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                match AuditProof::from_bytes(shape, &changed) {
                    Ok(read) => {
                        prop_assert_eq!(read.to_bytes(), changed);
                        prop_assert!(read.verify(w.wrapper.verifier(), &audited.claim).is_err());
                    }
                    Err(AuditError::ProofBytes(_)) => {}
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
                Ok(())
            })
            .unwrap();
        // Junk is refused; what can be read has one encoding.
        runner
            .run(&(place, proptest::collection::vec(any::<u8>(), 1..200)), |((at, _), junk)| {
                let mut changed = bytes.clone();
                let end = bytes.len().min(at + junk.len());
                changed[at..end].copy_from_slice(&junk[..end - at]);
                if let Ok(read) = AuditProof::from_bytes(shape, &changed) {
                    prop_assert_eq!(read.to_bytes(), changed);
                }
                let read = AuditProof::from_bytes(shape, &junk);
                prop_assert!(matches!(read, Err(AuditError::ProofBytes(_))));
                let read = AuditProof::from_bytes(shape, &bytes[..at]);
                prop_assert!(matches!(read, Err(AuditError::ProofBytes(_))));
                Ok(())
            })
            .unwrap();
    }
}
