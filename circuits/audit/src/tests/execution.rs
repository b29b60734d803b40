//! The circuit that proofs for contracts end in: every lie about what is public, about draws, keys and coverage.

use std::sync::LazyLock;

use janction_aggregate::Stock;
use janction_aggregate::config::Proof;
use janction_gadgets::F;
use janction_gadgets::test_utils::{check, generate};
use janction_program::Program;
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_trace::{Commitment, Openings, Policy, Trace};
use plonky2::field::types::{Field, PrimeField64};

use super::flipped::{input, two_layers};
use super::world::WORLD;
use super::{honest, satisfied};
use crate::{
    AuditCircuits, AuditError, AuditNode, AuditProof, EXECUTION_INPUTS, Execution, ExecutionCircuit,
    execution_beacon, join,
};

static CIRCUIT: LazyLock<ExecutionCircuit> =
    LazyLock::new(|| ExecutionCircuit::build(WORLD.wrapper.verifier()));

/// An execution that is no job's, proven up to its node.
struct Proven {
    program: Digest,
    commitment: Commitment,
    audit: AuditProof,
    execution: Execution,
}

fn commitment(program: &Program, policy: Policy, trace: &Trace) -> Commitment {
    let [input_root, trace_root, output_root] = [trace.input_root(), trace.trace_root(), trace.output_root()];
    let rows = trace.rows();
    let roots = [input_root, trace_root, output_root];
    let beacon =
        (policy != Policy::Full).then(|| execution_beacon(program.digest(), roots, rows as u32, policy));
    Commitment { input_root, rows, trace_root, output_root, policy, beacon }
}

/// The audit of such an execution of [`two_layers`], or of one whose commitment is `forge`d.
fn audit(policy: Policy, forge: impl Fn(&mut Commitment)) -> (Program, Commitment, AuditProof) {
    let wrapper = &WORLD.wrapper;
    let program = two_layers(2, "two_layers");
    let circuits = AuditCircuits::of_size(wrapper.shape(), program.clone(), policy, 0, 1);
    let trace = honest(&program, &input(2));
    let mut commitment = commitment(&program, policy, &trace);
    forge(&mut commitment);
    let draws = circuits.end(2) as usize;
    let openings = Openings::of(&program, trace, &commitment, draws).unwrap();
    let pieces = circuits.pieces();
    pieces.check(&openings, &commitment).unwrap();
    let preparation = pieces.prepare_execution(&openings, &commitment);
    let proofs: Vec<Proof> = (0..preparation.pieces())
        .map(|index| pieces.prove(&Stock, &openings, &preparation, index).unwrap())
        .collect();
    let numbered: Vec<(usize, &Proof)> = proofs.iter().map(|proof| (0, proof)).collect();
    let node = join(&Stock, circuits.leaf(), wrapper.gather(), &numbered).unwrap();
    let audit = circuits.proof_of(node, &preparation);
    (program, commitment, audit)
}

fn proven(policy: Policy) -> Proven {
    let (program, commitment, audit) = audit(policy, |_| {});
    let verifier = WORLD.wrapper.verifier();
    let execution = verifier.verify_execution(&audit, program.digest(), &commitment).unwrap();
    Proven { program: program.digest(), commitment, audit, execution }
}

static FULL: LazyLock<Proven> = LazyLock::new(|| proven(Policy::Full));
static DRAWN: LazyLock<Proven> = LazyLock::new(|| proven(Policy::Rows(3)));

impl Proven {
    fn accepts(&self, audit: &AuditProof, public: &[F; EXECUTION_INPUTS], trace_root: Digest) -> bool {
        let inputs = CIRCUIT.assign(audit, public, trace_root).unwrap();
        satisfied(CIRCUIT.data(), inputs, &[]).is_ok()
    }
}

/// One real proof, whose public inputs are what the contract is asked with.
#[test]
fn an_execution_is_proven() {
    let Proven { program, commitment, audit, execution } = &*DRAWN;
    let verifier = WORLD.wrapper.verifier();
    let (stated, proof) = CIRCUIT.prove(&Stock, verifier, audit, *program, commitment).unwrap();
    assert_eq!(stated, *execution);
    assert_eq!(proof.public_inputs, execution.public_inputs());
    let instances: Vec<u64> = proof.public_inputs.iter().map(F::to_canonical_u64).collect();
    assert_eq!(instances, execution.instances());
    assert_eq!(instances[16..], [2, 3]);
    let restored = ExecutionCircuit::from_key(verifier, &CIRCUIT.key().unwrap()).unwrap();
    restored.data().verify(proof).unwrap();
    let mut damaged = CIRCUIT.key().unwrap();
    damaged.truncate(1000);
    assert!(matches!(ExecutionCircuit::from_key(verifier, &damaged), Err(AuditError::KeyBytes { .. })));
    let other = WORLD.wrapper.key("wrapper").unwrap();
    assert!(matches!(ExecutionCircuit::from_key(verifier, &other), Err(AuditError::Key { .. })));
}

#[test]
fn every_public_input_is_bound() {
    for proven in [&*FULL, &*DRAWN] {
        let public = proven.execution.public_inputs();
        let root = proven.commitment.trace_root;
        assert!(proven.accepts(&proven.audit, &public, root));
        for i in 0..EXECUTION_INPUTS {
            for change in [F::ONE, F::NEG_ONE] {
                let mut lie = public;
                lie[i] += change;
                assert!(!proven.accepts(&proven.audit, &lie, root), "input {i}");
            }
        }
        // The other policy's number, and the trace of another execution.
        let mut lie = public;
        lie[17] = if proven.commitment.policy == Policy::Full { F::TWO } else { F::ZERO };
        assert!(!proven.accepts(&proven.audit, &lie, root));
        assert!(!proven.accepts(&proven.audit, &public, Digest::ZERO));
    }
}

#[test]
fn the_audit_is_complete_and_of_the_key() {
    for proven in [&*FULL, &*DRAWN] {
        let public = proven.execution.public_inputs();
        let (root, audit) = (proven.commitment.trace_root, &proven.audit);
        let ends = [audit.end - 1, audit.end + 1, 0];
        let mut lies: Vec<AuditProof> = ends.map(|end| AuditProof { end, ..audit.clone() }).to_vec();
        for digest in [Digest([F::ONE; 4]), Digest([F::ZERO, F::ZERO, F::ZERO, F::ONE])] {
            lies.push(AuditProof { checked: digest, ..audit.clone() });
            lies.push(AuditProof { folds: digest, ..audit.clone() });
        }
        let mut other = audit.clone();
        other.audit_key.circuit_digest.elements[0] += F::ONE;
        lies.push(other);
        let mut other = audit.clone();
        other.audit_key.constants_sigmas_cap.0[15].elements[3] += F::ONE;
        lies.push(other);
        let posing = match &audit.node {
            AuditNode::Leaf(proof) => AuditNode::Gathered(proof.clone()),
            AuditNode::Gathered(proof) => AuditNode::Leaf(proof.clone()),
        };
        lies.push(AuditProof { node: posing, ..audit.clone() });
        for (i, lie) in lies.iter().enumerate() {
            assert!(!proven.accepts(lie, &public, root), "lie {i}");
            let verifier = WORLD.wrapper.verifier();
            let (program, commitment) = (proven.program, &proven.commitment);
            let native = verifier.verify_execution(lie, program, commitment);
            // Another key is no lie to a verifier that was not told one: it says which it was.
            assert!(native.is_err() || native.unwrap().audit_key != proven.execution.audit_key, "lie {i}");
        }
        // The key of another program, named or not.
        let foreign = WORLD.full.circuits.audit_key();
        let audit = AuditProof { audit_key: foreign.clone(), ..audit.clone() };
        for audit_key in [proven.execution.audit_key, crate::audit_key_digest(foreign)] {
            let public = Execution { audit_key, ..proven.execution }.public_inputs();
            let same = proven.commitment.policy == Policy::Full;
            assert_eq!(
                proven.accepts(&audit, &public, root),
                same && audit_key == proven.execution.audit_key
            );
        }
    }
}

/// What the audit of a job would prove, if it were that of an execution.
fn of_claim(claim: &Claim) -> Execution {
    Execution {
        audit_key: claim.audit_key,
        program: claim.program,
        input_root: claim.input_root,
        output_root: claim.output_root,
        rows: claim.input_rows,
        policy: Policy::from_code(claim.policy).unwrap(),
    }
}

/// Rows that were drawn by a beacon of the prover's choice: the audit of a *job* with that beacon is no proof of an execution.
#[test]
fn the_beacon_follows_from_the_commitment() {
    let audited = &WORLD.drawn;
    let claim = &audited.claim;
    let audit = audited.proof(&audited.node, 8);
    let execution = of_claim(claim);
    let inputs = CIRCUIT.assign(&audit, &execution.public_inputs(), claim.trace_root).unwrap();
    assert!(generate(CIRCUIT.data(), inputs, &[]).and_then(|w| check(CIRCUIT.data(), &w)).is_err());
    // Under `full` there is none, and the audit of a job whose claim has none is one.
    let audited = &WORLD.full;
    let claim = &audited.claim;
    let audit = audited.proof(&audited.node, 4);
    let execution = of_claim(claim);
    let inputs = CIRCUIT.assign(&audit, &execution.public_inputs(), claim.trace_root).unwrap();
    satisfied(CIRCUIT.data(), inputs, &[]).unwrap();
    // So does a gathering, and every lie about it is refused.
    let AuditNode::Gathered(proof) = &audit.node else { unreachable!("four pieces make two leaves") };
    let posing = AuditProof { node: AuditNode::Leaf(proof.clone()), ..audit.clone() };
    let partial = AuditProof { node: audited.leaves[0].clone(), ..audit.clone() };
    let public = execution.public_inputs();
    let lie = |audit: &AuditProof, public: &[F; EXECUTION_INPUTS]| {
        let inputs = CIRCUIT.assign(audit, public, claim.trace_root).unwrap();
        satisfied(CIRCUIT.data(), inputs, &[]).is_err()
    };
    assert!(lie(&posing, &public) && lie(&partial, &public));
    for i in 0..EXECUTION_INPUTS {
        let mut other = public;
        other[i] += F::ONE;
        assert!(lie(&audit, &other), "input {i}");
    }
}

/// Under `full` nothing is drawn, and the beacon is zero: the audit of a commitment with another one is of another subject.
#[test]
fn full_audits_have_no_beacon() {
    let honest = &*FULL;
    let (_, commitment, audit) = audit(Policy::Full, |commitment| {
        commitment.beacon = Some([0, 0, 0, 1].map(F::from_canonical_u64));
    });
    let (public, root) = (honest.execution.public_inputs(), honest.commitment.trace_root);
    assert_eq!((commitment.trace_root, audit.end), (root, honest.audit.end));
    assert!(honest.accepts(&honest.audit, &public, root));
    assert!(!honest.accepts(&audit, &public, root));
    let verifier = WORLD.wrapper.verifier();
    assert!(verifier.verify_execution(&audit, honest.program, &honest.commitment).is_err());
}
