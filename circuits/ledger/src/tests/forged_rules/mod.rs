//! Every condition of every rule, broken: leaves, blocks and run state are free here (no trees, no signatures), so only
//! the rule itself can object.

mod forms;
mod frame;
mod market;
mod money;

use std::sync::LazyLock;

use janction_aggregate::config::{C, Circuit};
use janction_aggregate::run::RunTargets;
use janction_gadgets::test_utils::{Violation, check, generate};
use janction_gadgets::uint::{AMOUNT_BITS, range_check};
use janction_protocol::state::{ACCOUNT_ELEMENTS, JOB_ELEMENTS, RunState};
use janction_protocol::stream::{BLOCK_LIMBS, Kind};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::story::Scene;
use super::{Builder, F, STORY, circuit_config};
use crate::kind::Flags;
use crate::leaf::account;
use crate::rules::{self, Context, Opened};
use crate::step::{check_place, frame};
use crate::stream::Blocks;

struct RuleCircuit {
    data: Circuit,
    run: RunTargets,
    flags: Flags,
    blocks: Blocks,
    a: [Target; ACCOUNT_ELEMENTS],
    b: [Target; ACCOUNT_ELEMENTS],
    j: [Target; JOB_ELEMENTS],
    locked_bits: [BoolTarget; 3],
}

static RULES: LazyLock<RuleCircuit> = LazyLock::new(|| {
    let mut builder = Builder::new(circuit_config());
    let bld = &mut builder;
    let run = RunTargets::new(bld);
    let flags = Flags::new(bld);
    let blocks = Blocks::new(bld);
    let (a, b) = (bld.add_virtual_target_arr(), bld.add_virtual_target_arr());
    let j = bld.add_virtual_target_arr();
    let locked_bits = core::array::from_fn(|_| bld.add_virtual_bool_target_safe());
    let fields = blocks.parse(bld, &flags);
    let opened = Opened::read(bld, &fields);
    let absorbed = blocks.absorb(bld, &flags, &run, [fields.fee; 2], a[account::NONCE]);
    let context =
        Context { flags: &flags, fields: &fields, run: &run, a: &a, b: &b, j: &j, locked_bits: &locked_bits };
    let effects = rules::apply(bld, &context, &opened);
    let position = check_place(bld, &flags, &run, absorbed.blocks);
    frame(bld, &flags, &run, &opened, &absorbed, position, fields.fee);
    let burned = effects.burned.add_to(bld, run.ledger.burned);
    range_check(bld, burned, AMOUNT_BITS);
    RuleCircuit { data: builder.build::<C>(), run, flags, blocks, a, b, j, locked_bits }
});

/// What a test may change.
#[derive(Clone)]
pub(super) struct Draft {
    kind: Kind,
    run: RunState,
    limbs: [[F; BLOCK_LIMBS]; 4],
    a: [F; ACCOUNT_ELEMENTS],
    b: [F; ACCOUNT_ELEMENTS],
    j: [F; JOB_ELEMENTS],
    /// Bits by which the claimed remainder of A's locked stake differs from the true one.
    false_remainder: u64,
}

impl Draft {
    pub(super) fn of(scene: &Scene) -> Self {
        let step = &scene.step;
        let mut limbs = [[F::ZERO; BLOCK_LIMBS]; 4];
        for (limbs, block) in limbs.iter_mut().zip(&step.blocks) {
            *limbs = block.elements();
        }
        Self {
            kind: step.kind,
            run: scene.before,
            limbs,
            a: step.a.old.elements(),
            b: step.b.old.elements(),
            j: step.j.old.elements(),
            false_remainder: 0,
        }
    }

    pub(super) fn check(&self) -> Result<(), Violation> {
        let c = &*RULES;
        let mut inputs = PartialWitness::new();
        c.run.assign(&mut inputs, &self.run).unwrap();
        for (kind, flag) in c.flags.iter() {
            inputs.set_bool_target(flag, kind == self.kind).unwrap();
        }
        for (targets, limbs) in c.blocks.limbs().iter().zip(&self.limbs) {
            inputs.set_target_arr(targets, limbs).unwrap();
        }
        inputs.set_target_arr(&c.a, &self.a).unwrap();
        inputs.set_target_arr(&c.b, &self.b).unwrap();
        inputs.set_target_arr(&c.j, &self.j).unwrap();
        let remainder = self.a[account::LOCKED].to_canonical_u64() ^ self.false_remainder;
        for (i, &bit) in c.locked_bits.iter().enumerate() {
            inputs.set_bool_target(bit, (remainder >> i) & 1 == 1).unwrap();
        }
        check(&c.data, &generate(&c.data, inputs, &[])?)
    }

    /// A limb of the payload.
    fn limb(&mut self, i: usize) -> &mut F {
        let (block, limb) = if i < 5 { (0, i + 3) } else { (1 + (i - 5) / 7, 1 + (i - 5) % 7) };
        &mut self.limbs[block][limb]
    }

    fn payload(&mut self, i: usize, add: u64) {
        *self.limb(i) += n(add);
    }

    fn payload_sub(&mut self, i: usize, sub: u64) {
        *self.limb(i) -= n(sub);
    }

    /// Puts a non-canonical pair of halves into limbs `i` and `next`: hi = 2^32 - 1, lo = 1, the upper parts as they are.
    fn alias(&mut self, i: usize, next: usize) {
        self.halves(i, next, [u32::MAX, 1]);
    }

    /// Puts these into the lower parts of limbs `hi` and `lo`, the upper parts as they are.
    fn halves(&mut self, hi: usize, lo: usize, halves: [u32; 2]) {
        for (i, half) in [hi, lo].into_iter().zip(halves) {
            let limb = self.limb(i);
            *limb = n(limb.to_canonical_u64() >> 32 << 32 | u64::from(half));
        }
    }
}

fn n(x: u64) -> F {
    F::from_canonical_u64(x)
}

type Lie = (&'static str, fn(&mut Draft));

/// The scene holds, and with each lie it does not.
#[track_caller]
fn refused(kind: Kind, nth: usize, lies: &[Lie]) {
    let honest = Draft::of(STORY.scene(kind, nth));
    honest.check().unwrap_or_else(|e| panic!("{kind:?} {nth}: {e}"));
    for (what, lie) in lies {
        let mut draft = honest.clone();
        lie(&mut draft);
        assert!(draft.check().is_err(), "{kind:?} {nth}: {what}");
    }
}

/// The scene still holds with each change: where the limit is.
#[track_caller]
fn accepted(kind: Kind, nth: usize, changes: &[Lie]) {
    let honest = Draft::of(STORY.scene(kind, nth));
    for (what, change) in changes {
        let mut draft = honest.clone();
        change(&mut draft);
        draft.check().unwrap_or_else(|e| panic!("{kind:?} {nth}, {what}: {e}"));
    }
}

/// The largest amount.
const MAX: u64 = (1 << 62) - 1;
