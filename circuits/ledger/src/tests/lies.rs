//! Lies nobody thought of: any one value of a step's witness, changed, with everything that depends on it following.
//!
//! What a step does is determined by the run state before it, its kind, its blocks and (for `Open`) r. So whatever else the
//! prover changes, either the circuit refuses or the run state after the step is the same.

use janction_gadgets::test_utils::{check, generate};
use janction_protocol::stream::Kind;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness};

use super::random::Dice;
use super::{F, ONE_STEP, STORY};
use crate::kind::KINDS;

/// Lies a kind; more with the environment variable `LIES`.
const LIES: usize = 60;

/// What determines a step besides the run state before it, which is fixed by the public inputs.
fn said(witness: &PartitionWitness<F>) -> Vec<F> {
    let step = &ONE_STEP.step;
    let flags = step.flags.iter().map(|(_, flag)| flag.target);
    let blocks = step.blocks.limbs().iter().flatten().copied();
    flags.chain(blocks).chain(step.r).map(|t| witness.get_target(t)).collect()
}

#[test]
fn no_single_lie_changes_the_end() {
    let mut dice = Dice(7);
    let data = &ONE_STEP.data;
    let public = &data.prover_only.public_inputs;
    let lies = std::env::var("LIES").ok().and_then(|n| n.parse().ok()).unwrap_or(LIES);
    let mut unnoticed = 0;
    for kind in KINDS.into_iter().filter(|&kind| kind != Kind::Noop) {
        let scene = STORY.scene(kind, 0);
        let honest = generate(data, ONE_STEP.inputs(scene), &[]).unwrap();
        let before: Vec<(Target, F)> = public[..4].iter().map(|&t| (t, honest.get_target(t))).collect();
        for _ in 0..lies {
            let row = dice.roll(data.common.degree() as u64) as usize;
            let column = dice.roll(data.common.config.num_wires as u64) as usize;
            let target = Target::wire(row, column);
            let Some(truth) = honest.try_get_target(target) else { continue };
            let lie = match dice.roll(4) {
                0 => truth + F::ONE,
                1 => F::ONE - truth,
                2 => F::from_canonical_u64(dice.roll(1 << 32)),
                _ => F::from_noncanonical_u64(dice.roll(u64::MAX)),
            };
            let mut forced = before.clone();
            forced.push((target, lie));
            let Ok(witness) = generate(data, ONE_STEP.inputs(scene), &forced) else { continue };
            if check(data, &witness).is_err() || said(&witness) != said(&honest) {
                continue;
            }
            unnoticed += 1;
            for &end in &public[4..8] {
                let (got, expected) = (witness.get_target(end), honest.get_target(end));
                assert_eq!(got, expected, "{kind:?}: row {row}, column {column}: {truth} -> {lie}");
            }
        }
    }
    // Such as a hint that nothing reads: few, or the test tests nothing.
    assert!(unnoticed * 20 < lies * KINDS.len(), "{unnoticed} of {lies} lies a kind were not noticed");
}
