//! A ledger to measure on: one step of every kind.

use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Ledger};
use janction_protocol::state::{Index, Key, RunState};
use janction_protocol::stream::{Kind, Signer};
use janction_protocol::transaction::*;
use janction_protocol::transition::{Role, StepWitness, replay};
use janction_protocol::{Address, Amount, Digest, F};
use janction_prover_bench::circuits::samples::{FEE, START, bind, deployment, secret};
use plonky2::field::types::Field;

const BUDGET: u64 = 1_000_000;
const DEVELOPER: Index = 1;
const OWNER: Index = 2;
const SEQUENCER: Index = 3;
/// Wins the job.
const WINNER: Index = 4;
/// Seals and does not reveal.
const SILENT: Index = 5;

fn amount(units: u64) -> Amount {
    Amount::new(units).expect("a constant below 2^62")
}

/// A step with the run state before it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The run state.
    pub before: RunState,
    /// The step.
    pub step: StepWitness,
}

/// One step of every kind but `Noop`, from the life of a job that settles and one that nobody takes.
pub fn scenes() -> anyhow::Result<Vec<(Kind, Scene)>> {
    let mut batches = Life::tell()?;
    let (first, steps) = bind(&mut batches, &deployment()?)?;
    let mut run = first;
    let mut scenes: Vec<(Kind, Scene)> = Vec::new();
    for step in steps {
        let before = run;
        run = replay(&run, &step)?;
        if scenes.iter().all(|(kind, _)| *kind != step.kind) {
            scenes.push((step.kind, Scene { before, step }));
        }
    }
    scenes.sort_by_key(|(kind, _)| kind.tag());
    Ok(scenes)
}

struct Life {
    ledger: Ledger,
    time: u64,
    batches: Vec<ClosedBatch>,
}

impl Life {
    fn tell() -> anyhow::Result<Vec<ClosedBatch>> {
        let mut life = Self { ledger: Ledger::genesis(deployment()?), time: START, batches: Vec::new() };
        let deposits = [DEVELOPER, OWNER, SEQUENCER]
            .map(|n| Ok(Deposit { hint: 0, key: secret(n)?.public().into(), value: amount(1 << 40) }));
        let deposits = deposits.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        life.batch(0, vec![], &deposits, &[])?;
        let mut opening = units()?;
        opening.extend([
            Withdraw { fee: amount(FEE), account: OWNER, value: amount(5), address: Address([0x22; 20]) }
                .into(),
            Unstake { fee: amount(FEE), unit: SILENT, value: amount(1) }.into(),
            post_job(4).into(),
            post_job(0).into(),
        ]);
        life.batch(1, opening, &[], &[])?;
        life.batch(5, vec![seal_bid(WINNER).into(), seal_bid(SILENT).into()], &[], &[])?;
        let reveal =
            RevealBid { fee: amount(FEE), unit: WINNER, job: 1, price: amount(BUDGET / 2), salt: SALT };
        life.batch(10, vec![reveal.into()], &[], &[])?;
        let (trace_root, output_root) = (digest(10), digest(20));
        let submit = Submit { fee: amount(FEE), unit: WINNER, job: 1, trace_root, output_root };
        life.batch(10, vec![submit.into()], &[], &[])?;
        let beacon = RecordBeacon { job: 1, trace_root, beacon: [1, 2, 3, 4], time: life.time };
        life.batch(1, vec![], &[], &[beacon])?;
        // Alone, the winner is paid the budget. The second job had no bid; the silent unit's bond is burned.
        let endings = vec![
            Settle { fee: amount(FEE), job: 1, price: amount(BUDGET), output_root }.into(),
            Forfeit { fee: amount(FEE), unit: SILENT, job: 1 }.into(),
            Expire { fee: amount(FEE), job: 2 }.into(),
        ];
        life.batch(1, endings, &[], &[])?;
        Ok(life.batches)
    }

    /// A batch `seconds` later; owners sign, for their units too.
    fn batch(
        &mut self,
        seconds: u64,
        transactions: Vec<Transaction>,
        deposits: &[Deposit],
        beacons: &[RecordBeacon],
    ) -> anyhow::Result<()> {
        self.time += seconds;
        let deployment = deployment()?;
        let mut builder = BatchBuilder::new(&mut self.ledger, self.time, SEQUENCER)?;
        for transaction in transactions {
            let signed = if transaction.kind().signer() == Signer::None {
                SignedTransaction::unsigned(transaction)
            } else {
                let account = transaction.raw()?.a;
                let nonce = builder.ledger().account(account).nonce;
                let signer = secret(if account > SEQUENCER { OWNER } else { account })?;
                SignedTransaction::sign(transaction, nonce, &deployment, Role::Owner, &signer)?
            };
            builder.push(&signed)?;
        }
        self.batches.push(builder.close(deposits, beacons)?);
        Ok(())
    }
}

const SALT: [u64; 4] = [1, 2, 3, 4];

fn digest(seed: u64) -> Digest {
    Digest([seed, seed + 1, seed + 2, seed + 3].map(F::from_canonical_u64))
}

/// Two units, funded and staked.
fn units() -> anyhow::Result<Vec<Transaction>> {
    let operator: Key = secret(OWNER)?.public().into();
    let unit = |unit: Index| {
        let register =
            Register { fee: amount(FEE), wallet: OWNER, operator, gpu_class: 90, vram: 80_000, region: 0 };
        let fund = Transfer { fee: amount(FEE), from: OWNER, to: unit, value: amount(10 * BUDGET) };
        let stake = Stake { fee: amount(FEE), unit, value: amount(5 * BUDGET) };
        [register.into(), fund.into(), stake.into()]
    };
    Ok([WINNER, SILENT].into_iter().flat_map(unit).collect())
}

fn seal_bid(unit: Index) -> SealBid {
    SealBid { fee: amount(FEE), unit, job: 1, seal: seal(unit, 1, amount(BUDGET / 2), SALT) }
}

fn post_job(policy: u32) -> PostJob {
    PostJob {
        fee: amount(FEE),
        developer: DEVELOPER,
        budget: amount(BUDGET),
        program: digest(30),
        audit_key: digest(40),
        input_root: digest(50),
        input_rows: 360,
        gpu_class: 80,
        vram: 16_000,
        region: 0,
        reputation: 0,
        stake: amount(BUDGET + FEE),
        policy,
        job_fee: amount(FEE),
        bid_window: 10,
        reveal_window: 10,
        submit_window: 10,
        proving_window: 100,
        beacon_window: 100,
    }
}
