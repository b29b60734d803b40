//! A chunk: so many steps, from one run state to another; the ledger's segment circuit.

use janction_aggregate::config::{Builder, Circuit, Proof, circuit_config};
use janction_aggregate::run::RunTargets;
use janction_aggregate::{Prover, SegmentTargets, prove_verified};
use janction_protocol::state::RunState;
use janction_protocol::transition::StepWitness;

use crate::error::LedgerError;
use crate::step::StepTargets;
use crate::witness::ChunkWitness;

const NAME: &str = "chunk";

/// Steps of a chunk of the house: as many as fit into 2^14 rows.
pub const STEPS_PER_CHUNK: usize = 49;

/// The circuit of a chunk.
///
/// *Public inputs*: before[4], after[4]: digests of the run states. *Witness*: the run state before, and its steps.
/// *Enforced*: the second run state is what the steps make of the first ([`StepTargets::build`]). *The caller must
/// ensure* what a step demands of the first run state: the root does.
#[derive(Debug)]
pub struct ChunkCircuit {
    data: Circuit,
    pub(crate) before: RunTargets,
    pub(crate) steps: Vec<StepTargets>,
}

impl ChunkCircuit {
    /// Builds the circuit for `steps` steps ([`STEPS_PER_CHUNK`] but in tests).
    #[must_use]
    pub fn build(steps: usize) -> Self {
        let mut builder = Builder::new(circuit_config());
        let (before, steps, _) = add_steps(&mut builder, steps);
        Self { data: janction_gadgets::build(builder), before, steps }
    }

    /// The same circuit around data that was built before (a cached key): only the layout is made again. The caller must
    /// ensure that `data` is this circuit's: compare its digest.
    #[must_use]
    pub fn restore(steps: usize, data: Circuit) -> Self {
        let mut builder = Builder::new(circuit_config());
        let (before, steps, _) = add_steps(&mut builder, steps);
        Self { data, before, steps }
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// Steps that fit.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.steps.len()
    }

    /// The inputs from which the prover completes the witness, and the run state after the chunk. Steps that are missing
    /// to a full chunk are `Noop`s.
    ///
    /// # Errors
    /// [`LedgerError::TooManySteps`]; [`LedgerError::Replay`] when a step does not hold natively.
    pub fn witness(&self, before: &RunState, steps: &[StepWitness]) -> Result<ChunkWitness, LedgerError> {
        ChunkWitness::new(self, before, steps)
    }

    /// Proves that `steps` lead on from `before` and verifies the proof; returns it with the run state after them.
    ///
    /// # Errors
    /// Those of [`Self::witness`], and of the prover.
    pub fn prove(
        &self,
        prover: &dyn Prover,
        before: &RunState,
        steps: &[StepWitness],
    ) -> Result<(Proof, RunState), LedgerError> {
        let witness = self.witness(before, steps)?;
        let proof = prove_verified(prover, NAME, &self.data, witness.inputs)?;
        Ok((proof, witness.after))
    }
}

/// Adds a chunk to a builder: the run state before, the steps, the run state after; the ends are public inputs.
pub(crate) fn add_steps(b: &mut Builder, steps: usize) -> (RunTargets, Vec<StepTargets>, RunTargets) {
    let before = RunTargets::new(b);
    let mut run = before;
    let steps = (0..steps)
        .map(|_| {
            let (step, next) = StepTargets::build(b, &run);
            run = next;
            step
        })
        .collect();
    SegmentTargets { before: before.digest(b), after: run.digest(b) }.register(b);
    (before, steps, run)
}
