//! Every condition of every rule, broken: leaves, blocks and run state are free here (no trees, no signatures), so only
//! the rule itself can object.

use std::sync::LazyLock;

use janction_aggregate::config::{C, Circuit};
use janction_aggregate::run::RunTargets;
use janction_gadgets::test_utils::{Violation, check, generate};
use janction_gadgets::uint::{AMOUNT_BITS, range_check};
use janction_protocol::state::{ACCOUNT_ELEMENTS, JOB_ELEMENTS, RunState};
use janction_protocol::stream::Kind;
use janction_protocol::{Amount, stream::BLOCK_LIMBS};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::story::{Scene, amount};
use super::{Builder, F, STORY, circuit_config};
use crate::kind::Flags;
use crate::leaf::{account, job};
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
struct Draft {
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
    fn of(scene: &Scene) -> Self {
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

    fn check(&self) -> Result<(), Violation> {
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

    /// Puts a non-canonical pair of halves into limbs `i` and `i + 1`: hi = 2^32 - 1, lo = 1, the upper parts as they are.
    fn alias(&mut self, i: usize, next: usize) {
        for (i, half) in [(i, u64::from(u32::MAX)), (next, 1)] {
            let limb = self.limb(i);
            *limb = n(limb.to_canonical_u64() >> 32 << 32 | half);
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

const MAX: u64 = (1 << 62) - 1;

#[test]
fn open() {
    refused(
        Kind::Open,
        2,
        &[
            ("a batch is open", |d| d.run.open = true),
            ("version", |d| d.limbs[0][0] += n(1 << 40)),
            ("longer", |d| d.limbs[0][0] += n(56)),
            ("shorter", |d| d.limbs[0][0] -= n(56)),
            ("odd length", |d| d.limbs[0][0] += n(1)),
            ("tag", |d| d.limbs[0][0] += n(1 << 48)),
            ("batch number", |d| d.limbs[0][1] += n(1)),
            ("the same batch again", |d| d.limbs[0][1] -= n(1)),
            ("before the last batch", |d| d.run.ledger.time = d.limbs[0][2].to_canonical_u64() + 1),
            ("time of 40 bits", |d| d.limbs[0][2] = n(1 << 39)),
            ("L2 blocks without length", |d| d.limbs[0][3] += n(1 << 32)),
            ("padding after the fee account", |d| d.limbs[0][3] += n(1)),
            ("first L1 operation", |d| d.limbs[0][4] += n(1 << 16)),
            ("L1 operations without length", |d| d.limbs[0][4] += n(1)),
            ("first beacon record", |d| d.limbs[0][5] += n(1 << 16)),
            ("beacon records without length", |d| d.limbs[0][5] += n(1)),
            ("padding after the events", |d| d.limbs[0][6] += n(1 << 39)),
            ("last limb", |d| d.limbs[0][7] = n(1)),
            ("a limb of 57 bits", |d| d.limbs[0][1] += n(1 << 56)),
            ("a second block", |d| d.limbs[1][1] = n(1)),
            ("a continuation", |d| d.limbs[1][0] = n(0xff << 48)),
        ],
    );
}

#[test]
fn close() {
    refused(
        Kind::Close,
        2,
        &[
            ("not open", |d| d.run.open = false),
            ("a block is left", |d| d.run.end += 1),
            ("the tail is skipped", |d| d.run.position = d.run.l2_end),
            ("an event is missing", |d| d.run.events = 1),
            ("an L1 operation is missing", |d| d.run.batch_l1_end += 1),
            ("a beacon record is missing", |d| d.run.batch_beacon_end += 1),
            ("nobody is credited", |d| d.a = [F::ZERO; ACCOUNT_ELEMENTS]),
            ("the balance overflows", |d| d.a[account::BALANCE] = n(MAX)),
            ("a block", |d| d.limbs[0][1] = n(1)),
        ],
    );
}

#[test]
fn noop_has_no_blocks() {
    let mut draft = Draft::of(STORY.scene(Kind::Close, 2));
    draft.kind = Kind::Noop;
    draft.check().unwrap();
    for (block, limb) in [(0, 0), (0, 5), (1, 0), (3, 7)] {
        let mut lie = draft.clone();
        lie.limbs[block][limb] = n(1);
        assert!(lie.check().is_err());
    }
}

#[test]
fn deposit() {
    for nth in [4, 6] {
        refused(
            Kind::Deposit,
            nth,
            &[
                ("not open", |d| d.run.open = false),
                ("tag", |d| d.limbs[0][0] += n(1 << 48)),
                ("a fee", |d| d.limbs[0][0] += n(1)),
                ("an account B", |d| d.limbs[0][2] += n(1 << 32)),
                ("value of 63 bits", |d| d.limbs[0][1] += n(1 << 30)),
                ("the value's alias", |d| {
                    d.limbs[0][1] += n(u64::from(u32::MAX));
                    d.limbs[0][2] += n(1);
                }),
                ("key in another form", |d| d.alias(0, 1)),
                ("key's last element in another form", |d| d.alias(8, 9)),
                ("bytes above a half", |d| d.payload(3, 1 << 32)),
                ("payload 10", |d| d.payload(10, 1)),
                ("payload 11", |d| d.payload(11, 1)),
                ("no continuation", |d| d.limbs[1][0] = F::ZERO),
                ("padding of the continuation", |d| d.limbs[1][0] += n(1)),
                ("a third block", |d| d.limbs[2][4] = n(1)),
                ("in the L2 part", |d| d.run.l2_end = d.run.position + 1),
                ("in the beacon part", |d| d.run.l1_end = d.run.position + 1),
            ],
        );
    }
    refused(Kind::Deposit, 4, &[("the balance overflows", |d| d.a[account::BALANCE] = n(MAX))]);
    refused(Kind::Deposit, 6, &[("the new leaf is not empty", |d| d.b[account::KIND] = F::ONE)]);
}

#[test]
fn record_beacon() {
    for nth in [0, 2, 3] {
        refused(
            Kind::RecordBeacon,
            nth,
            &[
                ("time of 40 bits", |d| d.limbs[0][1] += n(1 << 7)),
                ("a fee", |d| d.limbs[0][0] += n(1)),
                ("an account A", |d| d.limbs[0][1] += n(1 << 32)),
                ("first half in another form", |d| d.alias(0, 5)),
                ("last half in another form", |d| d.alias(10, 11)),
                ("bytes above a half", |d| d.payload(7, 1 << 32)),
                ("among the L1 operations", |d| d.run.l1_end = d.run.position + 1),
                ("beyond the end", |d| d.run.end = d.run.position + 1),
                ("not open", |d| d.run.open = false),
            ],
        );
    }
}

#[test]
fn transfer() {
    refused(
        Kind::Transfer,
        6,
        &[
            ("one unit short", |d| d.a[account::BALANCE] = n((2 << 32) + 5 + 2 - 1)),
            ("nothing", |d| d.a[account::BALANCE] = F::ZERO),
            ("to nobody", |d| d.b[account::KIND] = F::ZERO),
            ("from nobody", |d| d.a[account::KIND] = F::ZERO),
            ("B's balance overflows", |d| d.b[account::BALANCE] = n(MAX)),
            ("fees overflow", |d| d.run.fees = amount(MAX)),
            ("nonce overflows", |d| d.a[account::NONCE] = n(u64::from(u32::MAX))),
            ("value of 63 bits", |d| d.limbs[0][1] += n(1 << 30)),
            ("tag", |d| d.limbs[0][0] += n(1 << 48)),
            ("padding", |d| d.payload(0, 1)),
            ("padding's upper bytes", |d| d.payload(4, 1 << 55)),
            ("a continuation", |d| d.limbs[1][0] = n(0xff << 48)),
            ("in the tail", |d| d.run.l2_end = d.run.position),
            ("not open", |d| d.run.open = false),
        ],
    );
    accepted(
        Kind::Transfer,
        6,
        &[
            ("to the last unit", |d| d.a[account::BALANCE] = n((2 << 32) + 5 + 2)),
            ("to the brim", |d| d.b[account::BALANCE] = n(MAX - (2 << 32) - 5)),
        ],
    );
}

#[test]
fn withdraw() {
    refused(
        Kind::Withdraw,
        0,
        &[
            ("one unit short", |d| d.a[account::BALANCE] = n(8)),
            ("no address", |d| (0..3).for_each(|i| d.limbs[0][3 + i] = F::ZERO)),
            ("address of 21 bytes", |d| d.payload(0, 1 << 48)),
            ("an account B", |d| d.limbs[0][2] += n(1 << 32)),
            ("padding", |d| d.payload(3, 1)),
            ("one event too many", |d| d.run.events = 0),
            ("from nobody", |d| d.a[account::KIND] = F::ZERO),
        ],
    );
}

#[test]
fn register() {
    refused(
        Kind::Register,
        0,
        &[
            ("by a unit", |d| d.a[account::KIND] = F::TWO),
            ("the tree's half is full", |d| d.run.ledger.next_account = 1 << 23),
            ("a leaf in use", |d| d.b[account::KIND] = F::ONE),
            ("no money for the fee", |d| d.a[account::BALANCE] = n(4)),
            ("GPU class of 17 bits", |d| d.payload(10, 1 << 16)),
            ("region of 9 bits", |d| d.payload(11, 1 << 8)),
            ("bytes above the region", |d| d.payload(11, 1 << 32)),
            ("operator key in another form", |d| d.alias(4, 5)),
            ("a value", |d| d.limbs[0][2] += n(1)),
        ],
    );
    accepted(Kind::Register, 0, &[("the last index", |d| d.run.ledger.next_account = (1 << 23) - 1)]);
}

#[test]
fn stake_and_unstake() {
    refused(
        Kind::Stake,
        0,
        &[
            ("by a wallet", |d| d.a[account::KIND] = F::ONE),
            ("one unit short", |d| d.a[account::BALANCE] = n(5000)),
            ("the stake overflows", |d| d.a[account::STAKE] = n(MAX)),
            ("padding", |d| d.payload(0, 1)),
        ],
    );
    refused(
        Kind::Unstake,
        0,
        &[
            ("by a wallet", |d| d.a[account::KIND] = F::ONE),
            ("more than is unlocked", |d| d.a[account::LOCKED] = n(4901)),
            ("more than the stake", |d| d.a[account::STAKE] = n(99)),
            ("padding", |d| d.payload(2, 1)),
        ],
    );
    accepted(
        Kind::Unstake,
        0,
        &[
            ("all that is unlocked", |d| d.a[account::LOCKED] = n(4900)),
            ("the fee out of the value", |d| d.a[account::BALANCE] = F::ZERO),
        ],
    );
}

#[test]
fn post_job() {
    const UPPER: u64 = 1 << 32;
    refused(
        Kind::PostJob,
        0,
        &[
            ("by a unit", |d| d.a[account::KIND] = F::TWO),
            ("no bid window", |d| d.payload_sub(0, 10 * UPPER)),
            ("no reveal window", |d| d.payload_sub(1, 10 * UPPER)),
            ("no submit window", |d| d.payload_sub(2, 10 * UPPER)),
            ("no proving window", |d| d.payload_sub(3, 10 * UPPER)),
            ("no beacon window", |d| d.payload_sub(4, 10 * UPPER)),
            ("no input rows", |d| d.payload_sub(6, 360 * UPPER)),
            ("stake below budget and fee", |d| d.payload_sub(25, 1103 - 1012)),
            ("GPU class of 17 bits", |d| d.payload(9, 1 << 48)),
            ("region of 9 bits", |d| d.payload(10, 1 << 40)),
            ("job fee of 49 bits", |d| {
                d.payload(24, 1 << 48);
                d.payload(25, 1 << 50);
                d.a[account::BALANCE] = n(1 << 60);
            }),
            ("one unit short", |d| d.a[account::BALANCE] = n(1000 + 13 + 7 - 1)),
            ("a leaf in use", |d| d.j[job::STATUS] = F::ONE),
            ("audit key in another form", |d| d.alias(8, 9)),
            ("bytes above a half", |d| d.payload(12, 1 << 32)),
            ("no fourth block", |d| d.limbs[3][0] = F::ZERO),
        ],
    );
    accepted(
        Kind::PostJob,
        0,
        &[
            ("the least stake", |d| d.payload_sub(25, 1103 - 1013)),
            ("the last unit", |d| d.a[account::BALANCE] = n(1000 + 13 + 7)),
        ],
    );
}

/// What a bid's unit must bring along, in `SealBid` and `RevealBid` alike.
const BIDDER: [Lie; 8] = [
    ("by a wallet", |d| d.a[account::KIND] = F::ONE),
    ("a fee of 31 bits", |d| {
        d.limbs[0][0] += n(1 << 30);
        d.a[account::BALANCE] = n(1 << 40);
    }),
    ("not posted", |d| d.j[job::STATUS] = F::TWO),
    ("GPU class", |d| d.a[account::GPU_CLASS] = n(79)),
    ("VRAM", |d| d.a[account::VRAM] = n(15_999)),
    ("reputation", |d| d.j[job::REPUTATION] = n(1)),
    ("region", |d| d.j[job::REGION] = n(2)),
    ("no money for the fee", |d| d.a[account::BALANCE] = n(2)),
];

#[test]
fn seal_bid() {
    refused(Kind::SealBid, 0, &BIDDER);
    refused(
        Kind::SealBid,
        0,
        &[
            ("too late", |d| d.run.ledger.time = d.j[job::BID_END].to_canonical_u64() + 1),
            ("at no time", |d| d.run.ledger.time = 0),
            ("locked already", |d| d.a[account::LOCK_JOB] = n(3)),
            ("stake", |d| d.a[account::STAKE] = n(1102)),
            ("seal in another form", |d| d.alias(1, 2)),
            ("bytes below the job", |d| d.payload(0, 1)),
            ("a value", |d| d.limbs[0][2] += n(1)),
        ],
    );
    accepted(
        Kind::SealBid,
        0,
        &[
            ("in the last second", |d| d.run.ledger.time = d.j[job::BID_END].to_canonical_u64()),
            ("the least stake", |d| d.a[account::STAKE] = n(1103)),
            ("its own region", |d| d.j[job::REGION] = d.a[account::REGION]),
        ],
    );
}

#[test]
fn reveal_bid() {
    // The first, one that displaces it, one that becomes runner-up, one that does neither.
    for nth in 0..4 {
        refused(Kind::RevealBid, nth, &BIDDER);
        refused(
            Kind::RevealBid,
            nth,
            &[
                ("too early", |d| d.run.ledger.time = d.j[job::BID_END].to_canonical_u64()),
                ("too late", |d| d.run.ledger.time = d.j[job::REVEAL_END].to_canonical_u64() + 1),
                ("locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE),
                ("another seal", |d| d.a[account::SEAL + 3] += F::ONE),
                ("another salt", |d| d.payload(2, 1)),
                ("another price", |d| d.limbs[0][2] += F::ONE),
                ("above the budget", |d| d.j[job::BUDGET] = n(39)),
            ],
        );
    }
    refused(
        Kind::RevealBid,
        1,
        &[("the displaced unit holds no lock", |d| d.b[account::LOCK_JOB] = F::ZERO)],
    );
    accepted(Kind::RevealBid, 0, &[("nobody is displaced", |d| d.b[account::LOCK_JOB] = n(4))]);
}

#[test]
fn forfeit() {
    refused(
        Kind::Forfeit,
        0,
        &[
            ("of a wallet", |d| d.a[account::KIND] = F::ONE),
            ("locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE),
            ("another fee", |d| d.limbs[0][0] += F::ONE),
            ("revealed", |d| d.a[account::LOCK_EXPIRY] = F::ZERO),
            ("too early", |d| d.run.l1_time = d.a[account::LOCK_EXPIRY].to_canonical_u64()),
            ("the fee is more than the bond", |d| d.a[account::LOCKED] = n(12)),
            ("the bond is more than the stake", |d| d.a[account::STAKE] = n(1102)),
            ("burned overflows", |d| d.run.ledger.burned = amount(MAX)),
            ("bytes below the job", |d| d.payload(0, 1)),
        ],
    );
    accepted(
        Kind::Forfeit,
        0,
        &[("the next second", |d| {
            d.run.l1_time = d.a[account::LOCK_EXPIRY].to_canonical_u64() + 1;
        })],
    );
}

#[test]
fn submit() {
    for nth in [0, 1] {
        refused(
            Kind::Submit,
            nth,
            &[
                ("by a wallet", |d| d.a[account::KIND] = F::ONE),
                ("a fee of 31 bits", |d| {
                    d.limbs[0][0] += n(1 << 30);
                    d.a[account::BALANCE] = n(1 << 40);
                }),
                ("not posted", |d| d.j[job::STATUS] = F::TWO),
                ("too early", |d| d.run.ledger.time = d.j[job::REVEAL_END].to_canonical_u64()),
                ("too late", |d| d.run.ledger.time = d.j[job::SUBMIT_END].to_canonical_u64() + 1),
                ("not the winner", |d| d.j[job::WINNER] += F::ONE),
                ("trace root in another form", |d| d.alias(1, 2)),
                ("output root in another form", |d| d.alias(15, 16)),
                ("padding", |d| d.payload(17, 1)),
                ("one event too many", |d| d.run.events = 0),
            ],
        );
    }
}

#[test]
fn settle() {
    for nth in [0, 1] {
        refused(
            Kind::Settle,
            nth,
            &[
                ("not proving", |d| d.j[job::STATUS] = F::TWO),
                ("settled already", |d| d.j[job::STATUS] = n(job::SETTLED)),
                ("too late", |d| d.run.ledger.time = d.j[job::DEADLINE].to_canonical_u64() + 1),
                ("another fee", |d| d.limbs[0][0] += F::ONE),
                ("another price", |d| d.limbs[0][2] += F::ONE),
                ("another second price", |d| d.j[job::SECOND_PRICE] -= F::ONE),
                ("another output root", |d| d.payload(2, 1)),
                ("a winner locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE),
                ("a price above the budget", |d| d.j[job::BUDGET] = d.j[job::SECOND_PRICE] - F::ONE),
                ("reputation overflows", |d| d.a[account::REPUTATION] = n(u64::from(u32::MAX))),
                ("the winner's balance overflows", |d| d.a[account::BALANCE] = n(MAX)),
                ("one event too many", |d| d.run.events = 0),
                ("an account A", |d| d.limbs[0][1] += n(1 << 32)),
            ],
        );
    }
    refused(Kind::Settle, 0, &[("the developer's balance overflows", |d| d.b[account::BALANCE] = n(MAX))]);
}

#[test]
fn expire() {
    // Two without a winner, one with a missing Submit, one with a missing beacon, one with a missing proof.
    for nth in 0..5 {
        refused(
            Kind::Expire,
            nth,
            &[
                ("no job", |d| d.j[job::STATUS] = F::ZERO),
                ("settled", |d| d.j[job::STATUS] = n(job::SETTLED)),
                ("expired already", |d| d.j[job::STATUS] = n(job::EXPIRED)),
                ("in time", |d| d.run.l1_time = d.j[job::DEADLINE].to_canonical_u64()),
                ("another fee", |d| d.limbs[0][0] += F::ONE),
                ("the developer's balance overflows", |d| d.b[account::BALANCE] = n(MAX)),
                ("an account A", |d| d.limbs[0][1] += n(1 << 32)),
                ("another remainder", |d| d.false_remainder = 1),
                ("another remainder, higher", |d| d.false_remainder = 4),
            ],
        );
    }
    for nth in 2..5 {
        refused(
            Kind::Expire,
            nth,
            &[("a winner locked by another job", |d| d.a[account::LOCK_JOB] += F::ONE)],
        );
    }
    for nth in [2, 4] {
        refused(
            Kind::Expire,
            nth,
            &[
                ("the slash is more than the stake", |d| d.a[account::STAKE] = n(1102)),
                ("burned overflows", |d| d.run.ledger.burned = Amount::new(MAX).unwrap()),
            ],
        );
    }
    // Nobody is slashed for a missing beacon.
    accepted(Kind::Expire, 3, &[("no stake", |d| d.a[account::STAKE] = F::ZERO)]);
}
