//! From a range's steps to the proof that L1 verifies.
//!
//! ```text
//! steps ─ N a chunk ─> chunk proofs ─> leaves ─> joins ─> root ─> last layer ─> wrap
//! ```
//!
//! Chunks, leaves and joins are kept on disk as they are made (`tree.rs`), so a prover that was killed goes on where it
//! stopped; they are dropped once the range is proven.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use janction_aggregate::config::{C, Circuit, F as Element, Proof};
use janction_aggregate::{BoxError, Segment};
use janction_engine::{Engine, Stock};
use janction_protocol::Address;
pub use janction_protocol::binding::PUBLIC_INPUTS;
use janction_protocol::binding::{PublicInputs, Range};
use janction_protocol::state::RunState;
use janction_protocol::transition::{StepWitness, replay};
use plonky2::iop::witness::PartialWitness;

use crate::cache::Cache;
use crate::error::ProverError;
use crate::keys::Keys;
use crate::progress::{Meter, Progress, Stage};
use crate::tree::{Kept, fold};

/// All that a range's proof is made of.
#[derive(Clone, Debug)]
pub struct RangeWitness {
    /// The run state before the first step.
    pub run: RunState,
    /// Every step of every batch, in order.
    pub steps: Vec<StepWitness>,
    /// What the proof must say.
    pub public_inputs: [u64; PUBLIC_INPUTS],
}

/// A finished proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeProof {
    /// As the verifier contract takes it.
    pub proof: Vec<u8>,
    /// The 23 public inputs, canonical.
    pub public_inputs: [u64; PUBLIC_INPUTS],
}

/// Proves ranges. Cheap to share; proves one range at a time per call.
pub struct Pipeline {
    keys: Arc<Keys>,
    engine: Arc<dyn Engine<C>>,
    kept: Cache,
    cancelled: Arc<AtomicBool>,
}

impl Pipeline {
    /// A pipeline over built keys. Unfinished work is kept in `kept`; setting `cancelled` ends a range after the proof
    /// that is being made.
    #[must_use]
    pub fn new(keys: Arc<Keys>, kept: Cache, cancelled: Arc<AtomicBool>) -> Self {
        Self { keys, engine: Arc::new(Stock), kept, cancelled }
    }

    /// Proves a range for `payee`.
    ///
    /// # Errors
    /// [`ProverError`]: the witness breaks a rule (with the step and the rule), says something else than promised, or
    /// proving fails. Finished parts stay on disk.
    pub fn prove(
        &self,
        range: &RangeWitness,
        payee: Address,
        progress: &dyn Progress,
    ) -> Result<RangeProof, ProverError> {
        let (ends, last) = self.plan(range, payee)?;
        let prover = |circuit: &Circuit, inputs: PartialWitness<Element>| -> Result<Proof, BoxError> {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Box::new(ProverError::Cancelled));
            }
            Ok(self.engine.prove(circuit, inputs)?)
        };

        let Keys { ledger, .. } = self.keys.as_ref();
        let mut meter = Meter::start(progress, Stage::Chunks, ends.len() - 1);
        let kept = Kept::new(&self.kept, "chunk", ledger.chunk.data());
        let mut chunks = Vec::with_capacity(ends.len() - 1);
        for (pair, steps) in ends.windows(2).zip(range.steps.chunks(ledger.chunk.capacity())) {
            let segment = Segment { before: pair[0].digest().0.into(), after: pair[1].digest().0.into() };
            chunks.push(kept.or_make(&segment, || Ok(ledger.chunk.prove(&prover, &pair[0], steps)?.0))?);
            meter.advance();
        }
        let top = fold(&prover, &ledger.leaf, &ledger.join, &self.kept, progress, &chunks)?;
        let mut meter = Meter::start(progress, Stage::Root, 1);
        let root = ledger.prove_root(&prover, &top, &range.run, &last, payee)?;
        meter.advance();
        let cancelled = || self.cancelled.load(Ordering::Relaxed);
        let proof = self.keys.wrap(&root, &cancelled, progress)?.proof;
        self.kept.clear()?;
        Ok(RangeProof { proof, public_inputs: range.public_inputs })
    }

    /// Replays the range natively: the run states at the ends of its chunks, and the last one. What the circuits would
    /// refuse after minutes is refused here at once, with the rule that it breaks.
    fn plan(&self, range: &RangeWitness, payee: Address) -> Result<(Vec<RunState>, RunState), ProverError> {
        if range.steps.is_empty() {
            return Err(ProverError::EmptyRange);
        }
        let mut run = range.run;
        let mut ends = vec![run];
        for (index, step) in range.steps.iter().enumerate() {
            run =
                replay(&run, step).map_err(|source| ProverError::Step { index, kind: step.kind, source })?;
            if (index + 1) % self.keys.ledger.chunk.capacity() == 0 || index + 1 == range.steps.len() {
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
        match expected.iter().zip(&got).position(|(a, b)| a != b) {
            None => Ok((ends, run)),
            Some(index) => {
                Err(ProverError::PublicInput { index, expected: expected[index], got: got[index] })
            }
        }
    }
}
