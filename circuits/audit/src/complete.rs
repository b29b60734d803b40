//! A complete audit in a circuit: that one node of a program's audit covers an execution, whatever the program.
//!
//! *Witness*: the audit key, one node of the program's audit, `end`, `checked`, `folds`. *Enforced*, of a statement whose
//! elements the caller gives ([`StatementTargets`]):
//! 1. H(AUDIT_KEY, elements of the audit key) = the statement's audit key: digest *and* cap of the key that was used;
//! 2. the node verifies: against the gather key, a constant, with the mark of that key and the audit key; or as a leaf
//!    against the audit key;
//! 3. coverage: under `full` (policy = 0) end = rows and coverage = rows; under `rows(s)` (policy = s)
//!    0 <= end - s < 2^24 and coverage = s. The subject's mode is that of the policy;
//! 4. the node begins in the first audit state of the statement's subject and ends in the last one, with `checked` the digest
//!    of all accumulators that were checked; the subject's challenge is the hash of its roots and of `checked`.
//!
//! *The caller must ensure* where the statement comes from: [`crate::Wrapper`] takes it from a claim, [`crate::ExecutionCircuit`]
//! from its public inputs.

use janction_aggregate::NodeShape;
use janction_aggregate::config::Key;
use janction_gadgets::{Builder, F, uint};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use crate::gather::{NodeTargets, mark_target};
use crate::subject::{State, StateTargets, SubjectTargets};
use crate::{AuditProof, key};

/// What is audited, in a circuit.
#[derive(Clone, Debug)]
pub(crate) struct StatementTargets {
    pub audit_key: HashOutTarget,
    pub program: HashOutTarget,
    pub input_root: HashOutTarget,
    pub trace_root: HashOutTarget,
    pub output_root: HashOutTarget,
    pub beacon: [Target; 4],
    pub rows: Target,
    pub policy: Target,
    pub coverage: Target,
}

/// What the prover sets.
#[derive(Clone, Debug)]
pub(crate) struct CompleteAuditTargets {
    end: Target,
    checked: HashOutTarget,
    folds: HashOutTarget,
    audit_key: VerifierCircuitTarget,
    node: NodeTargets,
}

impl CompleteAuditTargets {
    pub fn new(
        builder: &mut Builder,
        shape: &NodeShape,
        gather_key: &Key,
        statement: &StatementTargets,
    ) -> Self {
        let end = builder.add_virtual_target();
        let [checked, folds] = [(); 2].map(|()| builder.add_virtual_hash());
        let audit_key = builder.add_virtual_verifier_data(shape.common().config.fri_config.cap_height);
        let audit_key_digest = key::audit_key_digest_target(builder, &audit_key);
        builder.connect_hashes(audit_key_digest, statement.audit_key);

        let gather_key = builder.constant_verifier_data(gather_key);
        let gather_elements = key::element_targets(builder, &gather_key);
        let mark = mark_target(builder, gather_elements, audit_key_digest);
        let node = NodeTargets::new(builder, shape, &gather_key, &audit_key, mark);

        let mode = cover(builder, statement, end);
        let mut subject = SubjectTargets {
            program: statement.program,
            input_root: statement.input_root,
            trace_root: statement.trace_root,
            output_root: statement.output_root,
            beacon: statement.beacon,
            rows: statement.rows,
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
        Self { end, checked, folds, audit_key, node }
    }

    pub fn assign(&self, inputs: &mut PartialWitness<F>, audit: &AuditProof) -> anyhow::Result<()> {
        inputs.set_target(self.end, F::from_canonical_u32(audit.end))?;
        inputs.set_hash_target(self.checked, HashOut { elements: audit.checked.0 })?;
        inputs.set_hash_target(self.folds, HashOut { elements: audit.folds.0 })?;
        inputs.set_verifier_data_target(&self.audit_key, &audit.audit_key)?;
        self.node.assign(inputs, &audit.node)
    }
}

/// Enforces that an audit up to position `end` covers the statement. Returns the subject's mode.
fn cover(builder: &mut Builder, statement: &StatementTargets, end: Target) -> Target {
    let &StatementTargets { rows, policy, .. } = statement;
    let is_full = uint::is_zero(builder, policy);
    let coverage = builder.select(is_full, rows, policy);
    builder.connect(coverage, statement.coverage);
    // Positions beyond s are further draws; under `full` there is none beyond the rows.
    let surplus = builder.sub(end, coverage);
    uint::range_check(builder, surplus, 24);
    let none = builder.mul(is_full.target, surplus);
    builder.assert_zero(none);
    builder.not(is_full).target
}

#[cfg(test)]
mod tests {
    use janction_aggregate::config::{C, circuit_config};
    use janction_gadgets::test_utils::{check, generate};
    use plonky2::field::types::Field64;

    use super::*;

    /// Which ends cover which statements: only those of all rows, or of at least as many draws as the policy has.
    #[test]
    fn coverage_is_exact() {
        let mut builder = Builder::new(circuit_config());
        let digest = builder.add_virtual_hash();
        let [rows, policy, coverage, end] = builder.add_virtual_target_arr();
        let statement = StatementTargets {
            audit_key: digest,
            program: digest,
            input_root: digest,
            trace_root: digest,
            output_root: digest,
            beacon: digest.elements,
            rows,
            policy,
            coverage,
        };
        let mode = cover(&mut builder, &statement, end);
        let circuit = builder.build::<C>();
        let covers = |of_policy: u64, covered: u64, of_rows: u64, position: u64, is_drawn: u64| {
            let mut inputs = PartialWitness::new();
            let element = F::from_canonical_u64;
            let targets = [policy, coverage, rows, end];
            inputs.set_target_arr(&targets, &[of_policy, covered, of_rows, position].map(element)).unwrap();
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
