//! A life of the ledger in which every kind and every branch of every rule occurs.

use janction_protocol::crypto::SecretKey;
use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Ledger};
use janction_protocol::state::{Index, Key, RunState};
use janction_protocol::stream::Kind;
use janction_protocol::transaction::*;
use janction_protocol::transition::{Role, StepWitness, replay};
use janction_protocol::{Address, Amount, Deployment, Digest};
use plonky2::field::types::Field;

use crate::tests::F;

pub fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

pub fn deployment() -> Deployment {
    Deployment::new(31337, Address::from_limbs([1, 2, 3]).unwrap()).unwrap()
}

pub fn digest(seed: u64) -> Digest {
    // High halves of 2^32 - 1 occur, so that canonical checks see their edge.
    Digest([seed, seed + 1, 0xffff_ffff_0000_0000, u64::from(u32::MAX) << 20].map(F::from_canonical_u64))
}

/// The secret key of a person.
pub fn secret(person: u8) -> SecretKey {
    SecretKey::from_entropy(&[person + 10; 64]).unwrap()
}

pub fn key(person: u8) -> Key {
    secret(person).public().into()
}

/// The person who owns an account, and the one who operates it.
fn owner_of(account: Index) -> u8 {
    match account {
        1..=4 => account as u8,
        _ => 2,
    }
}

/// The operator key of all units.
pub const OPERATOR: u8 = 9;

/// A step of the story with the run state before it.
#[derive(Clone, Debug)]
pub struct Scene {
    pub before: RunState,
    pub step: StepWitness,
    pub after: RunState,
}

/// The story's steps in order; claims and all.
pub struct Story {
    pub scenes: Vec<Scene>,
    pub batches: Vec<ClosedBatch>,
}

struct Teller {
    ledger: Ledger,
    batches: Vec<ClosedBatch>,
    time: u64,
}

impl Teller {
    /// A batch `seconds` later, of these L2 transactions (who signs follows from the account) and this tail.
    fn batch(&mut self, seconds: u64, l2: &[Transaction], l1: &[Deposit], beacons: &[RecordBeacon]) {
        self.time += seconds;
        let mut builder = BatchBuilder::new(&mut self.ledger, self.time, 4).unwrap();
        for transaction in l2 {
            let raw = transaction.raw().unwrap();
            let (account, signer) = (raw.a, transaction.kind().signer());
            let (role, person) = match signer {
                janction_protocol::stream::Signer::OwnerOrOperator if account % 2 == 1 => {
                    (Role::Operator, OPERATOR)
                }
                _ => (Role::Owner, owner_of(account)),
            };
            let signed = if signer == janction_protocol::stream::Signer::None {
                SignedTransaction::unsigned(transaction.clone())
            } else {
                let nonce = builder.ledger().account(account).nonce;
                SignedTransaction::sign(transaction.clone(), nonce, &deployment(), role, &secret(person))
                    .unwrap()
            };
            builder.push(&signed).unwrap_or_else(|e| panic!("{transaction:?}: {e}"));
        }
        let mut batch = builder.close(l1, beacons).unwrap();
        let r = batch.challenge(&deployment());
        batch.bind(r);
        self.batches.push(batch);
    }
}

pub fn job(policy: u32) -> PostJob {
    PostJob {
        fee: amount(7),
        developer: 1,
        budget: amount(1000),
        program: digest(100),
        audit_key: digest(200),
        input_root: digest(300),
        input_rows: 360,
        gpu_class: 80,
        vram: 16_000,
        region: 0,
        reputation: 0,
        stake: amount(1103),
        policy,
        job_fee: amount(13),
        bid_window: 10,
        reveal_window: 10,
        submit_window: 10,
        proving_window: 11,
        beacon_window: 10,
    }
}

pub fn seal_bid(unit: Index, job: Index, price: u64) -> Transaction {
    let seal = seal(unit, job, amount(price), salt(unit));
    SealBid { fee: amount(3), unit, job, seal }.into()
}

fn salt(unit: Index) -> [u64; 4] {
    [(1 << 56) - 1, 5, 0, u64::from(unit)]
}

pub fn reveal(unit: Index, job: Index, price: u64) -> Transaction {
    RevealBid { fee: amount(3), unit, job, price: amount(price), salt: salt(unit) }.into()
}

pub fn submit(unit: Index, job: Index) -> Transaction {
    Submit { fee: amount(2), unit, job, trace_root: digest(u64::from(job)), output_root: digest(500) }.into()
}

pub fn settle(job: Index, price: u64) -> Transaction {
    Settle { fee: amount(13), job, price: amount(price), output_root: digest(500) }.into()
}

pub fn expire(job: Index) -> Transaction {
    Expire { fee: amount(13), job }.into()
}

pub fn beacon(job: Index, time: u64) -> RecordBeacon {
    RecordBeacon { job, trace_root: digest(u64::from(job)), beacon: [1, 2, 3, (1 << 56) - 1], time }
}

pub fn deposit(hint: Index, person: u8, units: u64) -> Deposit {
    Deposit { hint, key: key(person), value: amount(units) }
}

/// Tells the story. Accounts 1 developer, 2 owner of the units 5 to 10, 3 a bystander, 4 the sequencer.
pub fn tell() -> Story {
    let mut t = Teller { ledger: Ledger::genesis(deployment()), batches: Vec::new(), time: 1000 };
    let money = 1 << 40;
    t.batch(0, &[], &[1, 2, 3, 4].map(|person| deposit(0, person, money)), &[]);

    let units: Vec<Transaction> = (5..=10)
        .flat_map(|unit| {
            let register = Register {
                fee: amount(5),
                wallet: 2,
                operator: key(OPERATOR),
                gpu_class: 90,
                vram: 80_000,
                region: (unit % 2) as u8,
            };
            let fund = Transfer { fee: amount(1), from: 2, to: unit, value: amount(10_000) };
            let stake = Stake { fee: amount(1), unit, value: amount(5000) };
            [register.into(), fund.into(), stake.into()]
        })
        .collect();
    t.batch(1, &units, &[], &[]);

    let money_moves = [
        Transfer { fee: amount(2), from: 1, to: 3, value: amount((1 << 33) + 5) }.into(),
        Transfer { fee: amount(2), from: 1, to: 1, value: amount(77) }.into(),
        Withdraw {
            fee: amount(0),
            account: 3,
            value: amount(9),
            address: Address::from_limbs([0, 0, 1]).unwrap(),
        }
        .into(),
        Unstake { fee: amount(4), unit: 10, value: amount(100) }.into(),
        Withdraw {
            fee: amount(1),
            account: 10,
            value: amount(50),
            address: Address::from_limbs([(1 << 48) - 1, (1 << 56) - 1, 0]).unwrap(),
        }
        .into(),
    ];
    // To a known wallet, to a unit, with a wrong hint, with a hint that names nobody.
    let deposits = [deposit(1, 1, 10), deposit(5, 2, 11), deposit(3, 1, 12), deposit(900, 7, 13)];
    t.batch(1, &money_moves, &deposits, &[beacon(0, 5), beacon(3, 6)]);

    let regional = PostJob { region: 1, reputation: 2, ..job(0) };
    let posts = [job(0).into(), job(4).into(), regional.into(), job(0).into(), job(7).into()];
    t.batch(1, &posts, &[], &[]);

    // Job 1, full: 5 alone, 6 displaces it, 7 becomes runner-up, 8 neither; 9 never reveals. Job 3: 10 wins nothing yet.
    let seals: Vec<_> =
        [(5, 50), (6, 40), (7, 45), (8, 60), (9, 30)].map(|(u, p)| seal_bid(u, 1, p)).to_vec();
    t.batch(5, &seals, &[], &[]);
    let reveals: Vec<_> = [(5, 50), (6, 40), (7, 45), (8, 60)].map(|(u, p)| reveal(u, 1, p)).to_vec();
    t.batch(10, &reveals, &[], &[]);
    t.batch(10, &[submit(6, 1)], &[], &[]);
    t.batch(1, &[settle(1, 45)], &[], &[]);
    let forfeit = Forfeit { fee: amount(13), unit: 9, job: 1 };
    t.batch(1, &[forfeit.into()], &[], &[]);
    t.batch(20, &[], &[], &[]);
    // Nobody bid for jobs 2 to 5.
    t.batch(1, &[expire(2), expire(3)], &[], &[]);

    // Again, to the other ends: 6 is proven under a beacon, 7 is late with its Submit, 8 gets no beacon, 9 no proof.
    let posts = [job(4).into(), job(0).into(), job(7).into(), PostJob { region: 1, ..job(0) }.into()];
    t.batch(1, &posts, &[], &[]);
    let bids = [(5, 6), (6, 7), (7, 8), (9, 9)];
    t.batch(5, &bids.map(|(unit, job)| seal_bid(unit, job, 1000)), &[], &[]);
    t.batch(10, &bids.map(|(unit, job)| reveal(unit, job, 1000)), &[], &[]);
    t.batch(10, &[submit(5, 6), submit(7, 8), submit(9, 9)], &[], &[]);
    let late = RecordBeacon { trace_root: digest(77), ..beacon(8, t.time) };
    t.batch(1, &[], &[], &[beacon(6, t.time), late]);
    t.batch(1, &[settle(6, 1000)], &[], &[]);
    t.batch(30, &[], &[], &[]);
    t.batch(1, &[expire(7), expire(8), expire(9)], &[], &[]);
    // Nothing at all.
    t.batch(0, &[], &[], &[]);
    t.finish()
}

impl Teller {
    fn finish(self) -> Story {
        let r_star = [F::from_canonical_u64(91), F::from_canonical_u64(92)];
        let mut run = self.batches[0].start(r_star);
        let mut scenes = Vec::new();
        for step in self.batches.iter().flat_map(|batch| &batch.steps) {
            let before = run;
            run = replay(&run, step).unwrap_or_else(|e| panic!("{:?}: {e}", step.kind));
            scenes.push(Scene { before, step: step.clone(), after: run });
        }
        Story { scenes, batches: self.batches }
    }
}

impl Story {
    /// The `n`-th step of a kind.
    pub fn scene(&self, kind: Kind, n: usize) -> &Scene {
        self.scenes.iter().filter(|scene| scene.step.kind == kind).nth(n).expect("the story has it")
    }
}
