//! Native rules against the circuit on the same transactions, and every constraint broken once.

mod agree;
mod forged_rules;
mod forged_steps;
mod honest;
mod lies;
mod random;
mod range;
mod story;

use std::sync::LazyLock;

pub(crate) use janction_aggregate::config::{Builder, F, circuit_config};
use janction_aggregate::config::{C, Circuit};
use janction_aggregate::run::RunTargets;
use janction_gadgets::test_utils::{Violation, check, generate};
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use crate::chunk::add_steps;
use crate::step::StepTargets;
use story::{Scene, Story};

static STORY: LazyLock<Story> = LazyLock::new(story::tell);

/// A chunk of one step, which takes milliseconds where a proof takes seconds.
struct OneStep {
    data: Circuit,
    before: RunTargets,
    step: StepTargets,
}

static ONE_STEP: LazyLock<OneStep> = LazyLock::new(|| {
    let mut builder = Builder::new(circuit_config());
    let (before, mut steps, _) = add_steps(&mut builder, 1);
    OneStep { data: builder.build::<C>(), before, step: steps.remove(0) }
});

impl OneStep {
    fn inputs(&self, scene: &Scene) -> PartialWitness<F> {
        let mut inputs = PartialWitness::new();
        self.before.assign(&mut inputs, &scene.before).unwrap();
        self.step.assign(&mut inputs, &scene.step).unwrap();
        inputs
    }

    /// Whether a scene and its forced values satisfy the circuit.
    fn run(&self, scene: &Scene, forced: &[(Target, F)]) -> Result<(), Violation> {
        check(&self.data, &generate(&self.data, self.inputs(scene), forced)?)
    }

    /// Values for the digests in the public inputs: the run state after must be the scene's.
    fn end(&self, scene: &Scene) -> Vec<(Target, F)> {
        let inputs = &self.data.prover_only.public_inputs;
        inputs[4..8].iter().copied().zip(scene.after.digest().0).collect()
    }
}
