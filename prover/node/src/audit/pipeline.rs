//! From a job's openings to the proof that settles it.
//!
//! ```text
//! openings ─> native check ─> pieces ─ up to three ─> leaves ─ up to three ─> gatherings ─> audit proof
//! ```
//!
//! Every part is kept on disk as it is made, in a folder of the claim's, so a prover that was killed goes on where it
//! stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use janction_aggregate::config::{C, Circuit, F as Element, Proof};
use janction_aggregate::{AggregateError, BoxError, Prover, Segment};
use janction_audit::{AuditCircuits, AuditError, AuditNode, AuditProof, Wrapper};
use janction_engine::Engine;
use janction_protocol::claim::Claim;
use plonky2::iop::witness::PartialWitness;

use super::circuits::CircuitsOfPrograms;
use super::materials::Materials;
use crate::cache::Cache;
use crate::error::ProverError;
use crate::progress::{Meter, Progress, Stage};
use crate::side_by_side;
use crate::tree::{Kept, climb, cover};

/// Claims whose parts stay on disk; of one that another prover settled in the meantime nobody hears.
const KEPT_CLAIMS: usize = 16;
/// The finished proof, until it is settled.
const FINISHED: &str = "finished.audit";

/// Proves audits. Cheap to share; proves one at a time per call.
#[derive(Debug)]
pub struct AuditPipeline<E> {
    wrapper: Arc<Wrapper>,
    circuits: CircuitsOfPrograms,
    engine: E,
    kept: Cache,
    cancelled: Arc<AtomicBool>,
}

impl<E: Engine<C>> AuditPipeline<E> {
    /// A pipeline over the circuits that all programs share. Those of a program are kept in `keys`, unfinished work in
    /// `kept`; setting `cancelled` ends an audit after the proof that is being made.
    #[must_use]
    pub const fn new(
        wrapper: Arc<Wrapper>,
        engine: E,
        keys: Cache,
        kept: Cache,
        cancelled: Arc<AtomicBool>,
    ) -> Self {
        Self { wrapper, circuits: CircuitsOfPrograms::new(keys), engine, kept, cancelled }
    }

    /// Proves all of `materials.claim` but its place in the chain of claims.
    ///
    /// # Errors
    /// [`ProverError::Audit`] with [`AuditError::FalseRow`] (operation, row, rule) when a row is false, or another of its
    /// kinds when the openings are not the claim's; [`ProverError::AuditKey`]; [`ProverError::Cancelled`]. Finished parts
    /// stay on disk until [`Self::forget`].
    pub fn prove(&self, materials: &Materials, progress: &dyn Progress) -> Result<AuditProof, ProverError> {
        let Materials { claim, policy, program, openings } = materials;
        self.kept.keep_newest(KEPT_CLAIMS)?;
        let kept = self.folder(claim)?;
        if let Some(finished) = self.finished(&kept, claim) {
            return Ok(finished);
        }
        let meter = Meter::start(progress, Stage::AuditKeys, 1);
        let circuits = self.circuits.get(&self.wrapper, program, *policy, claim.audit_key)?;
        meter.advance();
        let meter = Meter::start(progress, Stage::AuditCheck, 1);
        circuits.check(openings, claim)?;
        meter.advance();

        let prover = |circuit: &Circuit, inputs: PartialWitness<Element>| -> Result<Proof, BoxError> {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Box::new(ProverError::Cancelled));
            }
            Ok(self.engine.prove(circuit, inputs)?)
        };
        let preparation = circuits.prepare(openings, claim);
        let meter = Meter::start(progress, Stage::Pieces, preparation.pieces());
        let keep: Vec<Kept<'_>> =
            circuits.pieces().circuits().map(|circuit| Kept::new(&kept, "piece", circuit)).collect();
        let indices: Vec<usize> = (0..preparation.pieces()).collect();
        let pieces = side_by_side::map(self.engine.at_once(), &indices, |_, &index| {
            let circuit = preparation.circuit(index);
            let proof = keep[circuit].or_make(&preparation.segment(index), || {
                Ok(circuits.prove_piece(&prover, openings, &preparation, index)?)
            })?;
            meter.advance();
            Ok((circuit, proof))
        });
        let node = pieces.and_then(|pieces| self.gather(&prover, &circuits, &kept, &pieces, progress));
        let node = match node {
            Err(_) if self.cancelled.load(Ordering::Relaxed) => return Err(ProverError::Cancelled),
            node => node?,
        };
        let proof = circuits.proof_of(node, &preparation);
        proof.verify(self.wrapper.verifier(), claim)?;
        kept.write(FINISHED, &proof.to_bytes())?;
        Ok(proof)
    }

    /// Drops what is kept of a claim: it is settled, or cannot be proven.
    ///
    /// # Errors
    /// [`ProverError::Cache`].
    pub fn forget(&self, claim: &Claim) -> Result<(), ProverError> {
        Ok(self.folder(claim)?.destroy()?)
    }

    /// All pieces as one node.
    fn gather(
        &self,
        prover: &(dyn Prover + Sync),
        circuits: &AuditCircuits,
        kept: &Cache,
        pieces: &[(usize, Proof)],
        progress: &dyn Progress,
    ) -> Result<AuditNode, ProverError> {
        let gather = self.wrapper.gather();
        let arity = circuits.leaf().arity();
        let meter = Meter::start(progress, Stage::AuditNodes, nodes(pieces.len(), arity));
        let keep = Kept::new(kept, "leaf", circuits.leaf().data());
        let groups: Vec<_> = pieces.chunks(arity).collect();
        let level = side_by_side::map(self.engine.at_once(), &groups, |_, group| {
            let proof = keep.or_make(&cover(group.iter().map(|(_, proof)| Segment::of(proof)))?, || {
                let group: Vec<(usize, &Proof)> = group.iter().map(|(key, proof)| (*key, proof)).collect();
                Ok(circuits.leaf().prove_of(prover, &group)?.proof().clone())
            })?;
            meter.advance();
            Ok(AuditNode::Leaf(proof))
        })?;
        // The circuit is every program's, its proofs are this one's: the folder is the claim's.
        let keep = Kept::new(kept, "gather", gather.data());
        let top = climb(self.engine.at_once(), level, |group| {
            let proof = keep.or_make(&cover(group.iter().map(AuditNode::segment))?, || {
                Ok(gather.prove(prover, circuits.leaf(), group)?.proof().clone())
            })?;
            meter.advance();
            Ok(AuditNode::Gathered(proof))
        })?;
        top.ok_or(ProverError::Audit(AuditError::Aggregate(AggregateError::Empty)))
    }

    /// The proof that was finished before the process ended.
    fn finished(&self, kept: &Cache, claim: &Claim) -> Option<AuditProof> {
        let verifier = self.wrapper.verifier();
        let proof = AuditProof::from_bytes(verifier.shape(), &kept.read(FINISHED).ok()??).ok()?;
        proof.verify(verifier, claim).is_ok().then_some(proof)
    }

    fn folder(&self, claim: &Claim) -> Result<Cache, ProverError> {
        Ok(self.kept.sub(&claim.digest().to_string())?)
    }
}

/// Leaves and gatherings over `pieces` pieces, `arity` to a leaf.
fn nodes(pieces: usize, arity: usize) -> usize {
    let leaves = pieces.div_ceil(arity);
    leaves + crate::tree::joins(leaves)
}
