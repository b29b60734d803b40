//! A ledger on which one job goes from deposit to `Settle`, with a real program and a real trace.

use janction_audit::AuditCircuits;
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor, reference};
use janction_protocol::binding::{PublicInputs, Range};
use janction_protocol::claim::Claim;
use janction_protocol::crypto::SecretKey;
use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Ledger};
use janction_protocol::state::{Index, Key};
use janction_protocol::stream::Signer;
use janction_protocol::transaction::*;
use janction_protocol::transition::Role;
use janction_protocol::{Address, Amount, Deployment};
use janction_prover::range::RangeWitness;
use janction_trace::Trace;

/// Rows of the job's input.
pub const ROWS: usize = 4;
/// Who is paid for proofs.
pub const PAYEE: Address = Address([0x77; 20]);

const DEVELOPER: Index = 1;
const OWNER: Index = 2;
const SEQUENCER: Index = 3;
const UNIT: Index = 4;
const JOB: Index = 1;
const PRICE: u64 = 40;
const BUDGET: u64 = 1000;
const JOB_FEE: u64 = 13;
const SALT: [u64; 4] = [1, 2, 3, 4];

fn amount(units: u64) -> Amount {
    Amount::new(units).expect("a small amount")
}

fn deployment() -> Deployment {
    Deployment::new(31_337, Address([0x11; 20])).expect("a deployment")
}

fn secret(account: Index) -> SecretKey {
    // The owner signs for the unit.
    let person = if account == UNIT { OWNER } else { account };
    SecretKey::from_entropy(&[person as u8; 64]).expect("a key")
}

fn key(account: Index) -> Key {
    secret(account).public().into()
}

fn tensor(rows: usize, columns: usize) -> Tensor {
    let cells = (0..rows * columns).map(|i| (i * 37 % 101) as i8 - 50).collect();
    Tensor::new(rows, columns, Cells::I8(cells)).expect("cells fit")
}

/// Two products.
pub fn program() -> Program {
    let mut b = Builder::new("two_products", 2);
    let x = b.input("x", DType::I8, &[3]);
    let w0 = b.constant("w0", tensor(3, 4));
    let w1 = b.constant("w1", tensor(4, 2));
    let half = |shift| PerColumn::All(Requantise::new(1 << 30, shift));
    let y = b.matmul("y", x, w0, DType::I8, MatMulOptions::new(half(36)).relu());
    b.matmul("z", y, w1, DType::I8, MatMulOptions::new(half(38)));
    b.build().expect("a valid program")
}

/// The honest trace.
pub fn trace() -> Trace {
    let (program, input) = (program(), tensor(ROWS, 3));
    let tensors = reference::run(&program, &input).expect("input fits");
    Trace::commit(&program, input, tensors).expect("a trace of the program")
}

/// The range from genesis to the job's settlement, whose audit is still to come, and the claim.
pub fn settled(circuits: &AuditCircuits, trace: &Trace) -> (RangeWitness, Claim) {
    let mut ledger = Ledger::genesis(deployment());
    let mut market = Market { ledger: &mut ledger, time: 1000, batches: Vec::new() };
    let deposit = |account| Deposit { hint: 0, key: key(account), value: amount(1 << 40) };
    market.batch(0, vec![], &[DEVELOPER, OWNER, SEQUENCER].map(deposit));
    let register = Register {
        fee: amount(5),
        wallet: OWNER,
        operator: key(OWNER),
        gpu_class: 90,
        vram: 80_000,
        region: 0,
    };
    let fund = Transfer { fee: amount(1), from: OWNER, to: UNIT, value: amount(10_000) };
    let stake = Stake { fee: amount(1), unit: UNIT, value: amount(5000) };
    let post = post(circuits, trace);
    market.batch(1, vec![register.into(), fund.into(), stake.into(), post.into()], &[]);
    let seal = seal(UNIT, JOB, amount(PRICE), SALT);
    market.batch(5, vec![SealBid { fee: amount(3), unit: UNIT, job: JOB, seal }.into()], &[]);
    let reveal = RevealBid { fee: amount(3), unit: UNIT, job: JOB, price: amount(PRICE), salt: SALT };
    market.batch(10, vec![reveal.into()], &[]);
    let (trace_root, output_root) = (trace.trace_root(), trace.output_root());
    let submit = Submit { fee: amount(2), unit: UNIT, job: JOB, trace_root, output_root };
    market.batch(10, vec![submit.into()], &[]);
    // Alone, the unit is paid the budget.
    let settle = Settle { fee: amount(JOB_FEE), job: JOB, price: amount(BUDGET), output_root };
    market.batch(1, vec![settle.into()], &[]);

    let mut batches = market.batches;
    let claim = batches.last().expect("six batches").claims[0];
    let genesis = Ledger::genesis(deployment()).state().root();
    let entries: Vec<_> = batches
        .iter_mut()
        .map(|batch| {
            let r = batch.challenge(&deployment());
            batch.bind(r)
        })
        .collect();
    let range = Range::of(&entries, &deployment());
    let new_root = ledger.state().root();
    let inputs = PublicInputs { old_root: genesis, new_root, range, payee: PAYEE, deployment: deployment() };
    let witness = RangeWitness {
        run: batches[0].start(range.r_star),
        steps: batches.iter().flat_map(|batch| batch.steps.clone()).collect(),
        audits: Vec::new(),
        public_inputs: inputs.to_u64s(),
    };
    (witness, claim)
}

fn post(circuits: &AuditCircuits, trace: &Trace) -> PostJob {
    PostJob {
        fee: amount(7),
        developer: DEVELOPER,
        budget: amount(BUDGET),
        program: circuits.program().digest(),
        audit_key: circuits.audit_key_digest(),
        input_root: trace.input_root(),
        input_rows: ROWS as u32,
        gpu_class: 80,
        vram: 16_000,
        region: 0,
        reputation: 0,
        stake: amount(1103),
        policy: circuits.policy().code(),
        job_fee: amount(JOB_FEE),
        bid_window: 10,
        reveal_window: 10,
        submit_window: 10,
        proving_window: 10,
        beacon_window: 10,
    }
}

struct Market<'a> {
    ledger: &'a mut Ledger,
    time: u64,
    batches: Vec<ClosedBatch>,
}

impl Market<'_> {
    /// A batch `seconds` later.
    fn batch(&mut self, seconds: u64, transactions: Vec<Transaction>, deposits: &[Deposit]) {
        self.time += seconds;
        let mut builder = BatchBuilder::new(self.ledger, self.time, SEQUENCER).expect("a batch");
        for transaction in transactions {
            let signed = if transaction.kind().signer() == Signer::None {
                SignedTransaction::unsigned(transaction)
            } else {
                let account = transaction.raw().expect("it fits").a;
                let nonce = builder.ledger().account(account).nonce;
                SignedTransaction::sign(transaction, nonce, &deployment(), Role::Owner, &secret(account))
                    .expect("signed")
            };
            builder.push(&signed).expect("the rules hold");
        }
        self.batches.push(builder.close(deposits, &[]).expect("closed"));
    }
}
