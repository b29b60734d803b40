//! The story, step by step: what native replay makes of it is what the circuit does.

use janction_protocol::stream::Kind;
use plonky2::iop::witness::Witness;

use super::{Builder, ONE_STEP, STORY, add_steps, circuit_config, generate};
use crate::STEPS_PER_CHUNK;
use crate::kind::KINDS;

#[test]
fn every_step_of_the_story_holds_and_ends_where_it_does_natively() {
    for kind in KINDS.into_iter().filter(|&kind| kind != Kind::Noop) {
        assert!(STORY.scenes.iter().any(|scene| scene.step.kind == kind), "{kind:?} does not occur");
    }
    for (i, scene) in STORY.scenes.iter().enumerate() {
        let end = ONE_STEP.end(scene);
        if let Err(violation) = ONE_STEP.run(scene, &[]) {
            panic!("step {i}, {:?}: {violation}", scene.step.kind);
        }
        let witness = generate(&ONE_STEP.data, ONE_STEP.inputs(scene), &[]).unwrap();
        for (target, value) in end {
            assert_eq!(witness.get_target(target), value, "step {i}, {:?}", scene.step.kind);
        }
    }
}

/// The budget of a transaction with its signature, whatever its kind: the design allows 500 rows.
#[test]
fn rows_of_a_step() {
    let rows = |steps: usize| {
        let mut builder = Builder::new(circuit_config());
        add_steps(&mut builder, steps);
        builder.num_gates()
    };
    let step = (rows(3) - rows(1)) / 2;
    assert!(step <= 335, "{step} rows a step");
    // As many as fit into 2^14 rows.
    assert!(rows(STEPS_PER_CHUNK) < 1 << 14);
    assert!(rows(STEPS_PER_CHUNK) + step > 1 << 14);
}
