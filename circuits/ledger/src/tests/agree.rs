//! Native rules and the circuit's refuse the same: a step with a few random changes to blocks, leaves and run state.
//!
//! What a native rule accepts and the circuit refuses could enter a batch that nobody can prove; what the circuit accepts
//! and the native rule refuses is a theft that only the prover's software stands against.

use janction_protocol::state::{Account, AccountKind, Job, JobStatus};
use janction_protocol::stream::{Block, Kind};
use janction_protocol::transition::{Authorization, ReplayError, Role, message, replay};

use super::STORY;
use super::forged_rules::Draft;
use super::random::Dice;
use super::story::{OPERATOR, Scene, amount, deployment, key, secret};

/// Changed steps a scene; more with the environment variable `LIES`.
const LIES: usize = 24;

/// Amounts stay far below 2^62: where sums reach it, the circuit looks at the result only (docs/circuits.md).
const AMOUNT_BITS: u32 = 40;

impl Dice {
    /// A number of so many bits, often next to `x`.
    fn near(&mut self, x: u64, bits: u32) -> u64 {
        let other = match self.roll(6) {
            0 => 0,
            1 | 2 => x.wrapping_add(1),
            3 => x.wrapping_sub(1),
            4 => x ^ 1 << self.roll(bits.into()),
            _ => self.roll(1 << bits),
        };
        other & ((1 << bits) - 1)
    }

    fn limb(&mut self, blocks: &mut [Block]) {
        if blocks.is_empty() {
            return;
        }
        let block = self.roll(blocks.len() as u64) as usize;
        let mut limbs = blocks[block].limbs();
        let limb = &mut limbs[self.roll(8) as usize];
        *limb = match self.roll(3) {
            0 => self.near(*limb, 56),
            // One half of a field element, up to those that are not canonical.
            1 => *limb & !0xffff_ffff | self.near(0xffff_ffff, 32),
            _ => *limb ^ 1 << self.roll(56),
        };
        blocks[block] = Block::new(limbs).unwrap();
    }

    fn account(&mut self, a: &mut Account) {
        let bits = AMOUNT_BITS;
        match self.roll(10) {
            0 => a.balance = amount(self.near(a.balance.units(), bits)),
            1 => a.stake = amount(self.near(a.stake.units(), bits).max(a.locked.units())),
            2 => a.locked = amount(self.near(a.locked.units(), bits).min(a.stake.units())),
            3 => a.lock_job = self.near(a.lock_job.into(), 24) as u32,
            4 => a.lock_expiry = self.near(a.lock_expiry, 40),
            5 => a.gpu_class = self.near(a.gpu_class.into(), 16) as u16,
            6 => a.vram = self.near(a.vram.into(), 24) as u32,
            7 => a.region = self.near(a.region.into(), 2) as u8,
            8 => a.reputation = self.near(a.reputation.into(), 31) as u32,
            _ => a.kind = [AccountKind::Empty, AccountKind::Wallet, AccountKind::Unit][self.roll(3) as usize],
        }
    }

    fn job(&mut self, j: &mut Job) {
        use JobStatus::{Empty, Expired, Posted, Proving, Settled, Submitted};
        let bits = AMOUNT_BITS;
        match self.roll(12) {
            0 => j.status = [Empty, Posted, Submitted, Proving, Settled, Expired][self.roll(6) as usize],
            1 => j.fee = amount(self.near(j.fee.units(), bits)),
            2 => j.budget = amount(self.near(j.budget.units(), bits)),
            3 => j.stake = amount(self.near(j.stake.units(), bits)),
            4 => j.best_price = amount(self.near(j.best_price.units(), bits)),
            5 => j.second_price = amount(self.near(j.second_price.units(), bits)),
            6 => j.winner = self.near(j.winner.into(), 24) as u32,
            7 => j.bid_end = self.near(j.bid_end, 40),
            8 => j.reveal_end = self.near(j.reveal_end, 40),
            9 => j.submit_end = self.near(j.submit_end, 40),
            10 => j.deadline = self.near(j.deadline, 40),
            _ => j.region = self.near(j.region.into(), 2) as u8,
        }
    }

    /// A change anywhere.
    fn change(&mut self, scene: &mut Scene) {
        let (run, step) = (&mut scene.before, &mut scene.step);
        match self.roll(12) {
            0..=3 => self.limb(&mut step.blocks),
            // Natively an `Open` looks at its slots first, and what is created stands where nothing was, by construction.
            4..=8 if step.kind == Kind::Open => self.limb(&mut step.blocks),
            6 if matches!(step.kind, Kind::Deposit | Kind::Register) => self.limb(&mut step.blocks),
            7 | 8 if step.kind == Kind::PostJob => self.limb(&mut step.blocks),
            4 | 5 => self.account(&mut step.a.old),
            6 => self.account(&mut step.b.old),
            7 | 8 => self.job(&mut step.j.old),
            9 => match self.roll(2) {
                // Time 0 is before any batch; the circuit's windows are open from 1 on.
                0 => run.ledger.time = self.near(run.ledger.time, 39).max(1),
                _ => run.l1_time = self.near(run.l1_time, 39),
            },
            10 => match self.roll(5) {
                0 => run.position = self.near(run.position, 25),
                1 => run.l2_end = self.near(run.l2_end, 25),
                2 => run.l1_end = self.near(run.l1_end, 25),
                3 => run.end = self.near(run.end, 25),
                _ => run.events = self.near(run.events, 16),
            },
            _ => match self.roll(4) {
                0 => run.ledger.next_account = self.near(1 << 23, 24) as u32,
                1 => run.ledger.l1_cursor = self.near(run.ledger.l1_cursor, 40),
                2 => run.ledger.beacon_cursor = self.near(run.ledger.beacon_cursor, 40),
                _ => run.ledger.batch = self.near(run.ledger.batch, 40),
            },
        }
    }
}

/// Signs the step's blocks anew, in the same role.
fn sign(scene: &mut Scene) {
    let step = &mut scene.step;
    let Some(role) = step.authorization.map(|authorization| authorization.role) else { return };
    let person = match role {
        Role::Operator => OPERATOR,
        Role::Owner => (1..9).find(|&person| key(person) == step.a.old.owner).expect("an owner"),
    };
    let m = message(&deployment(), step.a.old.nonce, &step.blocks);
    step.authorization = Some(Authorization { role, signature: secret(person).sign(&m) });
}

/// Whether the native rule accepts the step. Slots come after it; the changed leaves do not fit their trees any more.
fn accepted(scene: &Scene) -> bool {
    use ReplayError::{Index, Leaf, Opening};
    matches!(replay(&scene.before, &scene.step), Ok(_) | Err(Index { .. } | Leaf { .. } | Opening { .. }))
}

#[test]
fn native_and_circuit_refuse_the_same() {
    let lies = std::env::var("LIES").ok().and_then(|n| n.parse().ok()).unwrap_or(LIES);
    let mut dice = Dice(11);
    let (mut verdicts, mut disputed) = ([0, 0], Vec::new());
    for honest in STORY.scenes.iter().filter(|scene| scene.step.kind != Kind::Noop) {
        for _ in 0..lies {
            let mut scene = honest.clone();
            for _ in 0..=dice.roll(2) {
                dice.change(&mut scene);
            }
            sign(&mut scene);
            let (native, circuit) = (accepted(&scene), Draft::of(&scene).check());
            if native != circuit.is_ok() {
                let verdict = replay(&scene.before, &scene.step).map(|_| ());
                disputed.push(format!("{verdict:?} natively, {circuit:?} in circuit: {scene:?}"));
            }
            verdicts[usize::from(native)] += 1;
        }
    }
    assert!(disputed.is_empty(), "{} disputed, the first: {}", disputed.len(), disputed[0]);
    // Neither verdict is rare, or the test tests nothing.
    assert!(verdicts.iter().all(|n| 10 * n > verdicts.iter().sum()), "{verdicts:?}");
}
