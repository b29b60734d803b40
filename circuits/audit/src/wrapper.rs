//! The wrapper: whatever the program, its audit ends in one circuit of one key, a segment of the chain of claims.
//!
//! *Public inputs*: before[4], after[4], states of the chain of claims. *Witness*: the claim, and what a complete audit
//! takes. *Enforced*:
//! 1. the claim is audited completely, with its audit key, its beacon and its coverage (`complete.rs`);
//! 2. after = C(CLAIMS, before, H(CLAIM, claim)).
//!
//! *The caller must ensure* that the chain of claims equals the ledger's: deployment, job, nonce and winner are named here
//! and bound there.

use janction_aggregate::config::{Circuit, Key, Proof, circuit_config};
use janction_aggregate::{NodeShape, Prover, SegmentTargets, prove_verified};
use janction_gadgets::{Builder, F, sponge};
use janction_protocol::claim::{CLAIM_ELEMENTS, Claim};
use janction_protocol::{Digest, hash::tag};
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::complete::{CompleteAuditTargets, StatementTargets};
use crate::error::inputs_error;
use crate::gather::GatherCircuit;
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
    audit: CompleteAuditTargets,
}

impl Wrapper {
    /// Builds the gather and the wrapper circuit for nodes of `shape`.
    ///
    /// # Errors
    /// When a circuit does not have the shape of the tree's nodes.
    pub fn build(shape: NodeShape) -> Result<Self, AuditError> {
        let gather = GatherCircuit::build(&shape)?;
        let (builder, targets) = WrapperTargets::new(&shape, &gather.data().verifier_only);
        let data = janction_gadgets::build(builder);
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
            t.audit.assign(&mut inputs, audit)
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
        let statement = StatementTargets {
            audit_key: digest_at(&claim, at::AUDIT_KEY),
            program: digest_at(&claim, at::PROGRAM),
            input_root: digest_at(&claim, at::INPUT_ROOT),
            trace_root: digest_at(&claim, at::TRACE_ROOT),
            output_root: digest_at(&claim, at::OUTPUT_ROOT),
            beacon: digest_at(&claim, at::BEACON).elements,
            rows: claim[at::INPUT_ROWS],
            policy: claim[at::POLICY],
            coverage: claim[at::COVERAGE],
        };
        let audit = CompleteAuditTargets::new(builder, shape, gather_key, &statement);

        let digest = sponge::hash(builder, tag::CLAIM, &claim);
        let link: Vec<Target> = before.elements.into_iter().chain(digest.elements).collect();
        let after = sponge::hash(builder, tag::CLAIMS, &link);
        SegmentTargets { before, after }.register(builder);
        Self { before, claim, audit }
    }
}
