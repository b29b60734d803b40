//! A market on the stage: three wallets, two units, and a job's life as helpers.

use janction_program::{Program, Tensor, container, npy, reference, test_utils};
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::state::{Index, Job};
use janction_protocol::transaction::{
    PostJob, Register, RevealBid, SealBid, Settle, SignedTransaction, Stake, Submit, Transfer, seal,
};
use janction_sequencer::batcher::Engine;
use janction_trace::{Commitment, Openings, Policy, Trace};

use crate::world::*;

pub const DEVELOPER: u8 = 1;
/// Wallet 2's unit and wallet 3's.
pub const UNIT: Index = 4;
pub const RIVAL: Index = 5;
pub const JOB: Index = 1;
pub const BUDGET: u64 = 1_000_000;
pub const JOB_FEE: u64 = 20_000;
pub const STAKE: u64 = 2_000_000;
pub const SALT: [u64; 4] = [1, 2, 3, 4];

/// A program with its run on an input.
pub struct Work {
    pub program: Program,
    pub trace: Trace,
    pub policy: Policy,
    pub audit_key: Digest,
}

impl Work {
    pub fn new(policy: Policy) -> Self {
        // The first one with several rows.
        let random = |seed| {
            let program = test_utils::random_program(seed);
            let input = test_utils::random_input(&program, seed);
            (input.rows() > 4).then_some((program, input))
        };
        let (program, input) = (1..).find_map(random).unwrap();
        let tensors = reference::run(&program, &input).unwrap();
        let trace = Trace::commit(&program, input, tensors).unwrap();
        Self { program, trace, policy, audit_key: Digest::default() }
    }

    pub fn input(&self) -> &Tensor {
        self.trace.input().tensor()
    }

    pub fn rows(&self) -> u32 {
        self.trace.rows() as u32
    }

    pub fn program_bytes(&self) -> Vec<u8> {
        container::encode(&self.program)
    }

    pub fn input_bytes(&self) -> Vec<u8> {
        npy::encode(self.input())
    }

    pub fn output_bytes(&self) -> Vec<u8> {
        npy::encode(self.trace.output().tensor())
    }

    pub fn openings_bytes(&self, claim: &Claim, surplus: usize) -> Vec<u8> {
        let commitment = Commitment::of(claim).unwrap();
        let draws = self.policy.code() as usize + surplus;
        Openings::of(&self.program, self.trace.clone(), &commitment, draws).unwrap().to_bytes()
    }

    pub fn post(&self, nonce: u32) -> SignedTransaction {
        let post = PostJob {
            fee: units(FEE),
            developer: DEVELOPER.into(),
            budget: units(BUDGET),
            program: self.program.digest(),
            audit_key: self.audit_key,
            input_root: self.trace.input_root(),
            input_rows: self.rows(),
            gpu_class: 0,
            vram: 0,
            region: 0,
            reputation: 0,
            stake: units(STAKE),
            policy: self.policy.code(),
            job_fee: units(JOB_FEE),
            bid_window: 60,
            reveal_window: 60,
            submit_window: 120,
            proving_window: 600,
            beacon_window: 900,
        };
        sign(DEVELOPER, nonce, post)
    }

    /// By wallet 2 for its unit.
    pub fn submit(&self, nonce: u32) -> SignedTransaction {
        let (trace_root, output_root) = (self.trace.trace_root(), self.trace.output_root());
        sign(2, nonce, Submit { fee: units(FEE), unit: UNIT, job: JOB, trace_root, output_root })
    }
}

/// A seal by a unit's wallet.
pub fn seal_bid(unit: Index, nonce: u32, price: u64) -> SignedTransaction {
    let seal = seal(unit, JOB, units(price), SALT);
    sign(unit as u8 - 2, nonce, SealBid { fee: units(FEE), unit, job: JOB, seal })
}

pub fn reveal_bid(unit: Index, nonce: u32, price: u64) -> SignedTransaction {
    sign(
        unit as u8 - 2,
        nonce,
        RevealBid { fee: units(FEE), unit, job: JOB, price: units(price), salt: SALT },
    )
}

pub fn settle(job: &Job) -> SignedTransaction {
    let (fee, price, output_root) = (job.fee, job.second_price, job.output_root);
    SignedTransaction::unsigned(Settle { fee, job: JOB, price, output_root })
}

/// Admits all and seals them.
pub fn seal_all(engine: &mut Engine, transactions: &[SignedTransaction]) {
    for signed in transactions {
        admit(engine, signed).unwrap();
    }
    engine.seal().unwrap().unwrap();
    assert_eq!(engine.pending(), 0);
}

impl Stage {
    /// Lets L1's clock run, and reads it.
    pub async fn pass(&self, seconds: u64) {
        self.l1.skip_time(seconds);
        self.l1.mine_many(2);
        self.follow().await;
    }

    /// Two units with stake, in batches that are not on L1 yet.
    pub async fn units(&self) {
        self.found().await;
        self.engine(|engine| {
            for wallet in [2u8, 3] {
                let register = Register {
                    fee: units(FEE),
                    wallet: wallet.into(),
                    operator: key(wallet + 10),
                    gpu_class: 0,
                    vram: 0,
                    region: 0,
                };
                seal_all(engine, &[sign(wallet, 0, register)]);
                let unit = Index::from(wallet) + 2;
                let (fee, value) = (units(FEE), units(50_000_000));
                let stake = Stake { fee, unit, value: units(10_000_000) };
                let money = Transfer { fee, from: wallet.into(), to: unit, value };
                seal_all(engine, &[sign(wallet, 1, money), sign(wallet, 0, stake)]);
            }
        })
        .await;
    }

    /// And a posted job with a seal of each unit (the rival's will not be revealed).
    pub async fn bids(&self, work: &Work) {
        self.units().await;
        let post = work.post(0);
        self.engine(move |engine| {
            seal_all(engine, &[post]);
            seal_all(engine, &[seal_bid(UNIT, 1, 300_000), seal_bid(RIVAL, 1, 400_000)]);
        })
        .await;
    }

    /// And a winner.
    pub async fn won(&self, work: &Work) {
        self.bids(work).await;
        self.pass(62).await;
        self.engine(|engine| seal_all(engine, &[reveal_bid(UNIT, 2, 300_000)])).await;
        self.pass(62).await;
    }

    /// And its Submit, in a batch that is not on L1 yet.
    pub async fn submitted(&self, work: &Work) {
        self.won(work).await;
        let submit = work.submit(3);
        self.engine(move |engine| seal_all(engine, &[submit])).await;
    }

    pub async fn job(&self) -> Job {
        self.engine(|engine| engine.job(JOB).unwrap()).await
    }
}
