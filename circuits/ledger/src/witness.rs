//! From the native step witness to the circuit's inputs.

use janction_aggregate::config::F;
use janction_gadgets::merkle::PathTarget;
use janction_protocol::state::{ACCOUNT_ELEMENTS, Account, JOB_ELEMENTS, Job, Leaf, RunState};
use janction_protocol::stream::{BLOCK_LIMBS, Kind};
use janction_protocol::transition::{Role, Slot as SlotWitness, StepWitness, replay};
use janction_protocol::tree::Opening;
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::chunk::ChunkCircuit;
use crate::error::LedgerError;
use crate::slot::Slot;
use crate::step::StepTargets;

/// A leaf as elements.
trait Elements<const N: usize>: Leaf {
    fn to_elements(&self) -> [F; N];
}

impl Elements<ACCOUNT_ELEMENTS> for Account {
    fn to_elements(&self) -> [F; ACCOUNT_ELEMENTS] {
        self.elements()
    }
}

impl Elements<JOB_ELEMENTS> for Job {
    fn to_elements(&self) -> [F; JOB_ELEMENTS] {
        self.elements()
    }
}

/// The inputs of a chunk.
#[derive(Clone, Debug)]
pub struct ChunkWitness {
    /// What the prover completes.
    pub inputs: PartialWitness<F>,
    /// The run state after the chunk.
    pub after: RunState,
}

impl ChunkWitness {
    pub(crate) fn new(
        chunk: &ChunkCircuit,
        before: &RunState,
        steps: &[StepWitness],
    ) -> Result<Self, LedgerError> {
        if steps.len() > chunk.capacity() {
            return Err(LedgerError::TooManySteps { limit: chunk.capacity(), got: steps.len() });
        }
        let mut run = *before;
        let mut inputs = PartialWitness::new();
        let assigned =
            |index: usize| move |e: anyhow::Error| LedgerError::Assign { index, reason: e.to_string() };
        chunk.before.assign(&mut inputs, before).map_err(assigned(0))?;
        for (index, step) in steps.iter().enumerate() {
            run = replay(&run, step).map_err(|source| LedgerError::Replay { index, source })?;
            chunk.steps[index].assign(&mut inputs, step).map_err(assigned(index))?;
        }
        if steps.len() < chunk.capacity() {
            let noop = steps.last().and_then(noop_after).ok_or(LedgerError::Padding)?;
            for (index, step) in chunk.steps.iter().enumerate().skip(steps.len()) {
                step.assign(&mut inputs, &noop).map_err(assigned(index))?;
            }
        }
        Ok(Self { inputs, after: run })
    }
}

/// A `Noop` after `last`: it opens leaf 0 of both trees, as `last` did in slots B and J (a `Close` does) and left it.
fn noop_after(last: &StepWitness) -> Option<StepWitness> {
    let idle = last.b.opening.index == 0 && last.j.opening.index == 0;
    idle.then(|| StepWitness {
        kind: Kind::Noop,
        blocks: Vec::new(),
        a: last.b,
        b: last.b,
        j: last.j,
        authorization: None,
        r: [F::ZERO; 2],
    })
}

impl StepTargets {
    /// Sets the step from its native witness.
    ///
    /// # Errors
    /// When a target already has another value.
    pub fn assign(&self, inputs: &mut impl WitnessWrite<F>, step: &StepWitness) -> anyhow::Result<()> {
        for (kind, flag) in self.flags.iter() {
            inputs.set_bool_target(flag, kind == step.kind)?;
        }
        for (i, targets) in self.blocks.limbs().iter().enumerate() {
            let limbs = step.blocks.get(i).map_or([F::ZERO; BLOCK_LIMBS], |block| block.elements());
            inputs.set_target_arr(targets, &limbs)?;
        }
        inputs.set_target_arr(&self.r, &step.r)?;
        assign_slot(inputs, &self.a, &step.a)?;
        assign_slot(inputs, &self.b, &step.b)?;
        assign_slot(inputs, &self.j, &step.j)?;
        let by_operator = step.authorization.is_some_and(|a| a.role == Role::Operator);
        inputs.set_bool_target(self.by_operator, by_operator)?;
        self.signature.set(inputs, step.authorization.as_ref().map(|a| &a.signature))?;
        let locked = step.a.old.locked.units();
        for (i, &bit) in self.locked_bits.iter().enumerate() {
            inputs.set_bool_target(bit, (locked >> i) & 1 == 1)?;
        }
        Ok(())
    }
}

fn assign_slot<const N: usize, L: Elements<N>>(
    inputs: &mut impl WitnessWrite<F>,
    slot: &Slot<N>,
    witness: &SlotWitness<L>,
) -> anyhow::Result<()> {
    inputs.set_target_arr(&slot.old, &witness.old.to_elements())?;
    assign_path(inputs, &slot.path, &witness.opening)
}

fn assign_path(
    inputs: &mut impl WitnessWrite<F>,
    path: &PathTarget,
    opening: &Opening,
) -> anyhow::Result<()> {
    for (level, (&bit, &sibling)) in path.bits.iter().zip(&path.siblings).enumerate() {
        inputs.set_bool_target(bit, (opening.index >> level) & 1 == 1)?;
        inputs.set_hash_target(sibling, opening.siblings[level].0.into())?;
    }
    Ok(())
}
