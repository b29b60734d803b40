//! From a range's steps and audits to its root.
//!
//! ```text
//! steps ─ N a chunk ─> chunk proofs ─> leaves ─> joins ┐
//! audit proofs ─ one a Settle ─> wraps ─> leaves ─> joins ┴> root
//! ```
//!
//! Every finished part is kept on disk under what it proves (`tree.rs`), so a prover that was killed goes on where it
//! stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use janction_aggregate::config::{C, Circuit, F as Element, Proof};
use janction_aggregate::{BoxError, Node, Prover, Segment};
use janction_audit::AuditProof;
use janction_engine::Engine;
use janction_protocol::binding::{PUBLIC_INPUTS, PublicInputs, Range};
use janction_protocol::claim::Claim;
use janction_protocol::state::{JobStatus, RunState};
use janction_protocol::stream::Kind;
use janction_protocol::transition::{StepWitness, replay};
use janction_protocol::{Address, Digest};
use plonky2::iop::witness::PartialWitness;

use crate::cache::Cache;
use crate::error::ProverError;
use crate::keys::RangeCircuits;
use crate::progress::{Meter, Progress, Stage};
use crate::side_by_side;
use crate::tree::{AUDITS, Kept, LEDGER, fold};

/// All that a range's proof is made of.
#[derive(Clone, Debug)]
pub struct RangeWitness {
    /// The run state before the first step.
    pub run: RunState,
    /// Every step of every batch, in order.
    pub steps: Vec<StepWitness>,
    /// The audit proof of each `Settle`, in order, as it was attached.
    pub audits: Vec<Vec<u8>>,
    /// What the proof must say.
    pub public_inputs: [u64; PUBLIC_INPUTS],
}

/// What a range comes to, found by replaying it natively.
#[derive(Debug)]
struct Plan {
    /// Run states at the ends of its chunks.
    ends: Vec<RunState>,
    last: RunState,
    audits: Vec<Audited>,
}

/// A claim with what backs it.
#[derive(Debug)]
struct Audited {
    claim: Claim,
    proof: AuditProof,
    /// The chain of claims before this one.
    before: Digest,
}

/// Proves the roots of ranges: all of a range's proof below the last layer.
#[derive(Debug)]
pub struct RootPipeline<E> {
    circuits: Arc<RangeCircuits>,
    engine: E,
    kept: Cache,
    cancelled: Arc<AtomicBool>,
}

impl<E: Engine<C>> RootPipeline<E> {
    /// A pipeline over built circuits. Unfinished work is kept in `kept`; setting `cancelled` ends a range after the proof
    /// that is being made.
    #[must_use]
    pub const fn new(
        circuits: Arc<RangeCircuits>,
        engine: E,
        kept: Cache,
        cancelled: Arc<AtomicBool>,
    ) -> Self {
        Self { circuits, engine, kept, cancelled }
    }

    /// Proves the root of a range for `payee`.
    ///
    /// # Errors
    /// [`ProverError`]: the witness breaks a rule (with the step and the rule), a claim is not backed by its audit, the
    /// steps say something else than promised, or proving fails. Finished parts stay on disk.
    pub fn prove(
        &self,
        range: &RangeWitness,
        payee: Address,
        progress: &dyn Progress,
    ) -> Result<Proof, ProverError> {
        let plan = self.plan(range, payee)?;
        let prover = |circuit: &Circuit, inputs: PartialWitness<Element>| -> Result<Proof, BoxError> {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Box::new(ProverError::Cancelled));
            }
            Ok(self.engine.prove(circuit, inputs)?)
        };
        let result = self.prove_plan(range, &plan, payee, &prover, progress);
        match result {
            Err(_) if self.cancelled.load(Ordering::Relaxed) => Err(ProverError::Cancelled),
            result => result,
        }
    }

    fn prove_plan(
        &self,
        range: &RangeWitness,
        plan: &Plan,
        payee: Address,
        prover: &(dyn Prover + Sync),
        progress: &dyn Progress,
    ) -> Result<Proof, ProverError> {
        let RangeCircuits { ledger, root, .. } = self.circuits.as_ref();
        let chunks = self.chunks(range, &plan.ends, prover, progress)?;
        let at_once = self.engine.at_once();
        let top = fold(prover, at_once, ledger.tree(), &LEDGER, &self.kept, progress, &chunks)?;
        let audits: Option<Node> = if plan.audits.is_empty() {
            None
        } else {
            let wraps = self.wraps(&plan.audits, prover, progress)?;
            Some(fold(prover, at_once, root.tree(), &AUDITS, &self.kept, progress, &wraps)?)
        };
        let meter = Meter::start(progress, Stage::Root, 1);
        let proof = root.root.prove(prover, &top, audits.as_ref(), &range.run, &plan.last, payee)?;
        meter.advance();
        Ok(proof)
    }

    fn chunks(
        &self,
        range: &RangeWitness,
        ends: &[RunState],
        prover: &(dyn Prover + Sync),
        progress: &dyn Progress,
    ) -> Result<Vec<Proof>, ProverError> {
        let chunk = &self.circuits.ledger.chunk;
        let meter = Meter::start(progress, Stage::Chunks, ends.len() - 1);
        let kept = Kept::new(&self.kept, "chunk", chunk.data());
        let parts: Vec<_> = ends.windows(2).zip(range.steps.chunks(chunk.capacity())).collect();
        side_by_side::map(self.engine.at_once(), &parts, |_, (pair, steps)| {
            let proof = kept.or_make(&segment(pair[0].digest(), pair[1].digest()), || {
                Ok(chunk.prove(prover, &pair[0], steps)?.0)
            })?;
            meter.advance();
            Ok(proof)
        })
    }

    /// The audits, each as a link of the chain of claims.
    fn wraps(
        &self,
        audits: &[Audited],
        prover: &(dyn Prover + Sync),
        progress: &dyn Progress,
    ) -> Result<Vec<Proof>, ProverError> {
        let wrapper = &self.circuits.wrapper;
        let meter = Meter::start(progress, Stage::AuditWraps, audits.len());
        let kept = Kept::new(&self.kept, "audit", wrapper.data());
        side_by_side::map(self.engine.at_once(), audits, |_, Audited { claim, proof, before }| {
            let link = segment(*before, claim.append_to(*before));
            let proof = kept.or_make(&link, || Ok(wrapper.prove(prover, proof, claim, *before)?))?;
            meter.advance();
            Ok(proof)
        })
    }

    /// Replays the range natively: the run states at the ends of its chunks, and its claims with what backs them. What the
    /// circuits would refuse after minutes is refused here at once, with the rule that it breaks.
    fn plan(&self, range: &RangeWitness, payee: Address) -> Result<Plan, ProverError> {
        let capacity = self.circuits.ledger.chunk.capacity();
        if range.steps.is_empty() {
            return Err(ProverError::EmptyRange);
        }
        let mut run = range.run;
        let (mut ends, mut claims) = (vec![run], Vec::new());
        for (index, step) in range.steps.iter().enumerate() {
            let before = run;
            run =
                replay(&run, step).map_err(|source| ProverError::Step { index, kind: step.kind, source })?;
            if run.claim_count != before.claim_count {
                claims.push((index, claim_of(&before, step), before.claims));
            }
            if (index + 1) % capacity == 0 || index + 1 == range.steps.len() {
                ends.push(run);
            }
        }
        if run.open {
            return Err(ProverError::OpenBatch);
        }
        let says = PublicInputs {
            old_root: range.run.ledger.root(),
            new_root: run.ledger.root(),
            range: Range { digest: run.range_digest(), r_star: run.r_star, f_star: run.f_star },
            payee,
            deployment: run.ledger.deployment,
        };
        let (expected, got) = (range.public_inputs, says.to_u64s());
        if let Some(index) = expected.iter().zip(&got).position(|(a, b)| a != b) {
            return Err(ProverError::PublicInput { index, expected: expected[index], got: got[index] });
        }
        if claims.len() != range.audits.len() {
            return Err(ProverError::Audits { expected: claims.len(), got: range.audits.len() });
        }
        let audits = claims.into_iter().zip(&range.audits).map(|((step, claim, before), bytes)| {
            let proof = self.backed(&claim, bytes).map_err(|source| ProverError::Unbacked {
                step,
                job: claim.job,
                source: Box::new(source),
            })?;
            Ok(Audited { claim, proof, before })
        });
        Ok(Plan { ends, last: run, audits: audits.collect::<Result<_, ProverError>>()? })
    }

    /// The audit proof in `bytes`, verified for `claim`.
    fn backed(&self, claim: &Claim, bytes: &[u8]) -> Result<AuditProof, janction_audit::AuditError> {
        let verifier = self.circuits.wrapper.verifier();
        let proof = AuditProof::from_bytes(verifier.shape(), bytes)?;
        proof.verify(verifier, claim)?;
        Ok(proof)
    }
}

/// The claim that a `Settle` made, which has just been replayed.
fn claim_of(run: &RunState, step: &StepWitness) -> Claim {
    debug_assert!(step.kind == Kind::Settle && step.j.old.status == JobStatus::Proving);
    Claim::of(run.ledger.deployment, step.j.opening.index, &step.j.old)
}

fn segment(before: Digest, after: Digest) -> Segment {
    Segment { before: before.0.into(), after: after.0.into() }
}
