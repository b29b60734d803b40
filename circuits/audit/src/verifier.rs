//! What it takes to check audits: the shape of nodes and the key of gatherings. No prover's key, no program.

use janction_aggregate::config::{C, Key};
use janction_aggregate::{AggregateError, NODE_INPUTS, NodeShape, SEGMENT_INPUTS};
use janction_gadgets::serializer::Gates;
use janction_gadgets::{D, F};
use janction_protocol::claim::Claim;
use janction_protocol::{Digest, hash::hash};
use janction_trace::{Commitment, Policy};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::VerifierCircuitData;

use crate::gather::{self, AuditNode, GatherCircuit};
use crate::subject::{State, Subject};
use crate::{AuditError, AuditProof, Execution, audit_key_digest, keys, tags};

const NAME: &str = "verifier";

/// Verifies audits of all programs: what a sequencer needs to ask for before it takes a `Settle`. Two kilobytes; the same
/// for everybody, and pinned by [`keys::DIGESTS`].
#[derive(Clone, Debug)]
pub struct AuditVerifier {
    shape: NodeShape,
    gather_key: Key,
}

impl AuditVerifier {
    /// Builds the gather circuit for its key: some seconds.
    ///
    /// # Errors
    /// When the circuit does not have the shape of the tree's nodes (never with the circuits of the house).
    pub fn build() -> Result<Self, AuditError> {
        let shape = NodeShape::find()?;
        let gather = GatherCircuit::build(&shape)?;
        Ok(Self::of(shape, &gather))
    }

    /// The verifier of the nodes that `gather` makes.
    pub(crate) fn of(shape: NodeShape, gather: &GatherCircuit) -> Self {
        Self { shape, gather_key: gather.data().verifier_only.clone() }
    }

    /// The verifier as bytes, for a cache.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] (never with the circuits of the house).
    pub fn to_bytes(&self) -> Result<Vec<u8>, AuditError> {
        self.data(&self.gather_key)
            .to_bytes(&Gates::default())
            .map_err(|_| AuditError::KeyBytes { circuit: NAME, action: "written" })
    }

    /// The verifier from a cache. Every byte is compared with what [`keys::DIGESTS`] says, before it is read.
    ///
    /// # Errors
    /// [`AuditError::Key`] when it is of another build.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, AuditError> {
        keys::same(NAME, keys::expected(NAME), digest_of(&bytes))?;
        let data = VerifierCircuitData::<F, C, D>::from_bytes(bytes, &Gates::default())
            .map_err(|_| AuditError::KeyBytes { circuit: NAME, action: "read" })?;
        Ok(Self { shape: NodeShape::restore(data.common), gather_key: data.verifier_only })
    }

    /// The verifier's digest as in [`keys::DIGESTS`]: over all bytes of [`Self::to_bytes`].
    ///
    /// # Errors
    /// As [`Self::to_bytes`].
    pub fn digest(&self) -> Result<Digest, AuditError> {
        Ok(digest_of(&self.to_bytes()?))
    }

    /// The shape of the tree's nodes.
    #[must_use]
    pub const fn shape(&self) -> &NodeShape {
        &self.shape
    }

    /// The key that gatherings are verified with.
    #[must_use]
    pub const fn gather_key(&self) -> &Key {
        &self.gather_key
    }

    fn data(&self, key: &Key) -> VerifierCircuitData<F, C, D> {
        VerifierCircuitData { verifier_only: key.clone(), common: self.shape.common().clone() }
    }

    /// Checks that `audit` proves all of `claim` but its place in the chain of claims.
    ///
    /// # Errors
    /// [`AuditError::Node`], [`AuditError::Coverage`], or [`AuditError::Aggregate`] when the proof does not verify.
    pub fn verify(&self, audit: &AuditProof, claim: &Claim) -> Result<(), AuditError> {
        self.check(audit, claim)?;
        self.verify_node(audit)
    }

    /// Checks that `audit` proves the execution of `program` that `commitment` commits to, as far as its policy says. Returns
    /// what a proof of it for a contract states.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_execution(
        &self,
        audit: &AuditProof,
        program: Digest,
        commitment: &Commitment,
    ) -> Result<Execution, AuditError> {
        let &Commitment { input_root, rows, output_root, policy, .. } = commitment;
        // At most 2^24.
        let rows = rows as u32;
        let coverage = if policy == Policy::Full { rows } else { policy.code() };
        check_coverage(audit.end, policy.code(), coverage, rows)?;
        let subject = Subject::of_execution(program, commitment, audit.end, audit.checked, audit.folds);
        let audit_key = audit_key_digest(&audit.audit_key);
        self.check_node(audit, &subject, audit_key)?;
        self.verify_node(audit)?;
        Ok(Execution { audit_key, program, input_root, output_root, rows, policy })
    }

    fn verify_node(&self, audit: &AuditProof) -> Result<(), AuditError> {
        let key = match &audit.node {
            AuditNode::Leaf(_) => &audit.audit_key,
            AuditNode::Gathered(_) => &self.gather_key,
        };
        self.data(key).verify(audit.node.proof().clone()).map_err(|e| {
            AuditError::Aggregate(AggregateError::Invalid { circuit: "audit node", reason: e.to_string() })
        })
    }

    /// Checks the node's public inputs and the coverage against the claim.
    pub(crate) fn check(&self, audit: &AuditProof, claim: &Claim) -> Result<(), AuditError> {
        check_coverage(audit.end, claim.policy, claim.coverage, claim.input_rows)?;
        let subject = Subject::of(claim, audit.end, audit.checked, audit.folds);
        self.check_node(audit, &subject, claim.audit_key)
    }

    /// Checks the node's public inputs against the subject, and the key that it was made with.
    fn check_node(
        &self,
        audit: &AuditProof,
        subject: &Subject,
        expected_key: Digest,
    ) -> Result<(), AuditError> {
        let AuditProof { audit_key, node, checked, .. } = audit;
        let inputs = &node.proof().public_inputs;
        if inputs.len() != NODE_INPUTS {
            return Err(AuditError::NodeInputs { expected: NODE_INPUTS, got: inputs.len() });
        }
        let audit_key = audit_key_digest(audit_key);
        let mark = match node {
            AuditNode::Leaf(_) => Digest(gather::FAMILY.leaf_mark().elements),
            AuditNode::Gathered(_) => gather::mark(&self.gather_key, audit_key),
        };
        let segment = node.segment();
        let node_mark = HashOut::from_partial(&inputs[SEGMENT_INPUTS..]);
        for (what, got, expected) in [
            ("audit key", audit_key, expected_key),
            ("start", Digest(segment.before.elements), subject.state(&State::START)),
            ("end", Digest(segment.after.elements), subject.state(&State::done(*checked))),
            ("mark", Digest(node_mark.elements), mark),
        ] {
            if got != expected {
                return Err(AuditError::Node { what, expected, got });
            }
        }
        Ok(())
    }
}

/// Checks that an audit which ends at `end` covers so many rows or draws: what `complete.rs` enforces.
fn check_coverage(end: u32, policy: u32, coverage: u32, rows: u32) -> Result<(), AuditError> {
    let covered = match policy {
        0 => end == rows && coverage == end,
        draws => end.checked_sub(draws).is_some_and(|surplus| surplus < 1 << 24) && coverage == draws,
    };
    if covered { Ok(()) } else { Err(AuditError::Coverage { end, policy, coverage, rows }) }
}

/// `H(VERIFIER, [length] ++ bytes, seven to an element)`.
fn digest_of(bytes: &[u8]) -> Digest {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    let words = bytes.chunks(7).map(|bytes| F::from_canonical_u64(word(bytes)));
    let data: Vec<F> = [F::from_canonical_usize(bytes.len())].into_iter().chain(words).collect();
    hash(tags::VERIFIER, &data)
}
