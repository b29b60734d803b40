//! The wrapper: whatever the program, its audit ends in one circuit of one key, a segment of the chain of claims.
//!
//! *Public inputs*: before[4], after[4], states of the chain of claims. *Witness*: the claim, the audit key, one node of the
//! program's audit. *Enforced*:
//! 1. the node verifies: against the gather key, a constant, with the mark of that key and the audit key; or as a leaf
//!    against the audit key;
//! 2. H(AUDIT_KEY, elements of the audit key) = the claim's audit key: digest *and* cap of the key that was used;
//! 3. the node begins in the first audit state of the claim's subject and ends in the last one, with `checked` the digest of
//!    all accumulators that were checked; the subject's challenge is the hash of its roots and of `checked`;
//! 4. coverage: under `full` (policy = 0) end = input rows and coverage = input rows; under `rows(s)` (policy = s)
//!    0 <= end - s < 2^24 and coverage = s. The subject's mode is that of the policy;
//! 5. after = C(CLAIMS, before, H(CLAIM, claim)).
//!
//! *The caller must ensure* that the chain of claims equals the ledger's: deployment, job, nonce and winner are named here
//! and bound there.

use janction_aggregate::config::{C, Circuit, Key, Proof, circuit_config};
use janction_aggregate::{NodeShape, Prover, SegmentTargets, prove_verified};
use janction_gadgets::{Builder, F, sponge, uint};
use janction_protocol::claim::{CLAIM_ELEMENTS, Claim};
use janction_protocol::{Digest, hash::tag};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use crate::error::inputs_error;
use crate::gather::{GatherCircuit, NodeTargets, mark_target};
use crate::key;
use crate::subject::{State, StateTargets, SubjectTargets};
use crate::{AuditError, AuditProof, AuditVerifier};

const NAME: &str = "audit wrapper";

/// Places of a claim's fields.
mod at {
    pub const PROGRAM: usize = 7;
    pub const AUDIT_KEY: usize = 11;
    pub const INPUT_ROOT: usize = 15;
    pub const INPUT_ROWS: usize = 19;
    pub const TRACE_ROOT: usize = 20;
    pub const OUTPUT_ROOT: usize = 24;
    pub const BEACON: usize = 28;
    pub const POLICY: usize = 32;
    pub const COVERAGE: usize = 33;
}

/// The circuits that all programs share, built once.
#[derive(Debug)]
pub struct Wrapper {
    verifier: AuditVerifier,
    gather: GatherCircuit,
    data: Circuit,
    targets: WrapperTargets,
}

#[derive(Clone, Debug)]
struct WrapperTargets {
    before: HashOutTarget,
    claim: [Target; CLAIM_ELEMENTS],
    end: Target,
    checked: HashOutTarget,
    folds: HashOutTarget,
    audit_key: VerifierCircuitTarget,
    node: NodeTargets,
}

impl Wrapper {
    /// Builds the gather and the wrapper circuit for nodes of `shape`.
    ///
    /// # Errors
    /// When a circuit does not have the shape of the tree's nodes.
    pub fn build(shape: NodeShape) -> Result<Self, AuditError> {
        let gather = GatherCircuit::build(&shape)?;
        let (builder, targets) = WrapperTargets::new(&shape, &gather.data().verifier_only);
        let data = builder.build::<C>();
        Ok(Self { verifier: AuditVerifier::of(shape, &gather), gather, data, targets })
    }

    /// The same circuits around data that was built before. The caller must ensure that the data is these circuits'.
    pub(crate) fn restore(gather: Circuit, data: Circuit) -> Self {
        let shape = NodeShape::of(&gather);
        let gather = GatherCircuit::restore(gather);
        let (_, targets) = WrapperTargets::new(&shape, &gather.data().verifier_only);
        Self { verifier: AuditVerifier::of(shape, &gather), gather, data, targets }
    }

    /// The shape of the tree's nodes.
    #[must_use]
    pub const fn shape(&self) -> &NodeShape {
        self.verifier.shape()
    }

    /// The circuit that joins nodes of one audit.
    #[must_use]
    pub const fn gather(&self) -> &GatherCircuit {
        &self.gather
    }

    /// The wrapper circuit: the segment circuit of [`janction_aggregate::Family::Audit`].
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// What checks an audit before it is wrapped.
    #[must_use]
    pub const fn verifier(&self) -> &AuditVerifier {
        &self.verifier
    }

    /// Appends `claim` to the chain of claims that stands at `before`, on the word of `audit`. The proof is a segment of
    /// [`janction_aggregate::Family::Audit`], whatever the program.
    ///
    /// # Errors
    /// As [`AuditVerifier::verify`].
    pub fn prove(
        &self,
        prover: &dyn Prover,
        audit: &AuditProof,
        claim: &Claim,
        before: Digest,
    ) -> Result<Proof, AuditError> {
        self.verifier.verify(audit, claim)?;
        let inputs = self.assign(audit, &claim.elements(), before)?;
        Ok(prove_verified(prover, NAME, &self.data, inputs)?)
    }

    /// The inputs, without a look at whether they fit together.
    pub(crate) fn assign(
        &self,
        audit: &AuditProof,
        claim: &[F; CLAIM_ELEMENTS],
        before: Digest,
    ) -> Result<PartialWitness<F>, AuditError> {
        let mut inputs = PartialWitness::new();
        let mut fill = || {
            let t = &self.targets;
            inputs.set_hash_target(t.before, HashOut { elements: before.0 })?;
            inputs.set_target_arr(&t.claim, claim)?;
            inputs.set_target(t.end, F::from_canonical_u32(audit.end))?;
            inputs.set_hash_target(t.checked, HashOut { elements: audit.checked.0 })?;
            inputs.set_hash_target(t.folds, HashOut { elements: audit.folds.0 })?;
            inputs.set_verifier_data_target(&t.audit_key, &audit.audit_key)?;
            t.node.assign(&mut inputs, &audit.node)
        };
        fill().map_err(inputs_error(NAME))?;
        Ok(inputs)
    }
}

/// Four elements of a claim.
fn digest_at(claim: &[Target; CLAIM_ELEMENTS], at: usize) -> HashOutTarget {
    HashOutTarget::from_vec(claim[at..at + 4].to_vec())
}

impl WrapperTargets {
    fn new(shape: &NodeShape, gather_key: &Key) -> (Builder, Self) {
        let mut builder = Builder::new(circuit_config());
        let targets = Self::build(&mut builder, shape, gather_key);
        (builder, targets)
    }

    fn build(builder: &mut Builder, shape: &NodeShape, gather_key: &Key) -> Self {
        let before = builder.add_virtual_hash();
        let claim: [Target; CLAIM_ELEMENTS] = builder.add_virtual_target_arr();
        let end = builder.add_virtual_target();
        let [checked, folds] = [(); 2].map(|()| builder.add_virtual_hash());
        let audit_key = builder.add_virtual_verifier_data(shape.common().config.fri_config.cap_height);
        let audit_key_digest = key::audit_key_digest_target(builder, &audit_key);
        builder.connect_hashes(audit_key_digest, digest_at(&claim, at::AUDIT_KEY));

        let gather_key = builder.constant_verifier_data(gather_key);
        let gather_elements = key::element_targets(builder, &gather_key);
        let mark = mark_target(builder, gather_elements, audit_key_digest);
        let node = NodeTargets::new(builder, shape, &gather_key, &audit_key, mark);

        let mode = cover(builder, &claim, end);
        let mut subject = SubjectTargets {
            program: digest_at(&claim, at::PROGRAM),
            input_root: digest_at(&claim, at::INPUT_ROOT),
            trace_root: digest_at(&claim, at::TRACE_ROOT),
            output_root: digest_at(&claim, at::OUTPUT_ROOT),
            beacon: digest_at(&claim, at::BEACON).elements,
            rows: claim[at::INPUT_ROWS],
            mode,
            end,
            challenge: checked,
            folds,
        };
        subject.challenge = subject.challenge_for(builder, checked);
        let zero = builder.zero();
        let done = builder.constant(F::from_canonical_u32(State::DONE));
        let zeros = HashOutTarget { elements: [zero; 4] };
        let start = StateTargets { stage: zero, position: zero, checked: zeros, folded: zeros };
        let segment = node.segment();
        for (state, audited) in
            [(start, segment.before), (StateTargets { stage: done, checked, ..start }, segment.after)]
        {
            let state = subject.state(builder, &state);
            builder.connect_hashes(state, audited);
        }

        let digest = sponge::hash(builder, tag::CLAIM, &claim);
        let link: Vec<Target> = before.elements.into_iter().chain(digest.elements).collect();
        let after = sponge::hash(builder, tag::CLAIMS, &link);
        SegmentTargets { before, after }.register(builder);
        Self { before, claim, end, checked, folds, audit_key, node }
    }
}

/// Enforces that an audit up to position `end` covers the claim. Returns the subject's mode.
fn cover(builder: &mut Builder, claim: &[Target; CLAIM_ELEMENTS], end: Target) -> Target {
    let (rows, policy) = (claim[at::INPUT_ROWS], claim[at::POLICY]);
    let is_full = uint::is_zero(builder, policy);
    let coverage = builder.select(is_full, rows, policy);
    builder.connect(coverage, claim[at::COVERAGE]);
    // Positions beyond s are further draws; under `full` there is none beyond the rows.
    let surplus = builder.sub(end, coverage);
    uint::range_check(builder, surplus, 24);
    let none = builder.mul(is_full.target, surplus);
    builder.assert_zero(none);
    builder.not(is_full).target
}

#[cfg(test)]
mod tests {
    use janction_gadgets::test_utils::{check, generate};
    use plonky2::field::types::Field64;

    use super::*;

    /// Which ends cover which claims: only those of all rows, or of at least as many draws as the policy has.
    #[test]
    fn coverage_is_exact() {
        let mut builder = Builder::new(circuit_config());
        let claim: [Target; CLAIM_ELEMENTS] = builder.add_virtual_target_arr();
        let end = builder.add_virtual_target();
        let mode = cover(&mut builder, &claim, end);
        let circuit = builder.build::<C>();
        let covers = |policy: u64, coverage: u64, rows: u64, position: u64, is_drawn: u64| {
            let mut inputs = PartialWitness::new();
            let element = F::from_canonical_u64;
            let targets = [claim[at::POLICY], claim[at::COVERAGE], claim[at::INPUT_ROWS], end];
            inputs.set_target_arr(&targets, &[policy, coverage, rows, position].map(element)).unwrap();
            let forced = [(mode, element(is_drawn))];
            generate(&circuit, inputs, &forced).and_then(|witness| check(&circuit, &witness)).is_ok()
        };
        let (p, far) = (F::ORDER, 1 << 24);
        assert!(covers(0, 360, 360, 360, 0));
        assert!(!covers(0, 360, 360, 360, 1), "the mode is the policy's");
        for position in [0, 359, 361, 360 + far, p - 1] {
            assert!(!covers(0, 360, 360, position, 0), "{position} of 360 rows");
        }
        assert!(!covers(0, 359, 360, 359, 0) && !covers(0, 359, 360, 360, 0) && !covers(0, 361, 360, 361, 0));
        assert!(!covers(0, 0, 360, 0, 0));
        for position in [44, 45, 256, 44 + far - 1] {
            assert!(covers(44, 44, 360, position, 1), "{position} draws of 44");
            assert!(!covers(44, 44, 360, position, 0), "the mode is the policy's");
        }
        for position in [0, 43, 44 + far, p - 1] {
            assert!(!covers(44, 44, 360, position, 1), "{position} draws of 44");
        }
        assert!(!covers(44, 43, 360, 44, 1) && !covers(44, 360, 360, 360, 1) && !covers(44, 0, 360, 44, 1));
    }
}
