//! A ledger with people on it. Every batch that runs here is also replayed step by step from its witnesses, applied by
//! an auditor from its bytes alone, and checked for conservation of money.

use std::collections::HashMap;

use janction_protocol::binding::{BatchEntry, Range};
use janction_protocol::crypto::SecretKey;
use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Ledger, Preview, Receipt, Refusal, apply_batch};
use janction_protocol::state::{Account, AccountKind, Index, Job, Key, RunState};
use janction_protocol::stream::Signer;
use janction_protocol::transaction::*;
use janction_protocol::transition::{Role, replay};
use janction_protocol::{Amount, Deployment, Digest, F};
use plonky2::field::types::Field;

pub const START: u64 = 1_800_000_000;

/// Wallets that every world begins with, each with 1,000 JCT.
pub const SEQUENCER: Index = 1;
pub const DEVELOPER: Index = 2;
pub const OWNER: Index = 3;
pub const RIVAL: Index = 4;

pub fn jct(whole: u64) -> Amount {
    Amount::new(whole * Amount::ONE_JCT).unwrap()
}

pub fn units(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

pub fn secret(n: u8) -> SecretKey {
    SecretKey::from_entropy(&[n; 64]).unwrap()
}

pub fn key(n: u8) -> Key {
    secret(n).public().into()
}

pub fn digest(n: u64) -> Digest {
    Digest([1, 2, 3, 4].map(|i| F::from_canonical_u64(n << 8 | i)))
}

pub fn deployment() -> Deployment {
    let rollup = "0x5fbdb2315678afecb367f032d93f642f64180aa3".parse().unwrap();
    Deployment::new(31337, rollup).unwrap()
}

/// What a fee costs here unless a test says otherwise.
pub fn fee() -> Amount {
    units(1000)
}

pub struct World {
    pub ledger: Ledger,
    pub time: u64,
    auditor: Ledger,
    /// The number n of the [`secret`] of each account's owner and operator.
    owners: HashMap<Index, u8>,
    operators: HashMap<Index, u8>,
    deposited: u128,
    withdrawn: u128,
}

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            ledger: Ledger::genesis(deployment()),
            auditor: Ledger::genesis(deployment()),
            time: START,
            owners: HashMap::new(),
            operators: HashMap::new(),
            deposited: 0,
            withdrawn: 0,
        };
        let deposits: Vec<Deposit> =
            (1..=4).map(|n| Deposit { hint: 0, key: key(n), value: jct(1000) }).collect();
        world.run(&[], &deposits, &[]);
        world.owners = (1..=4).map(|n| (n, n as u8)).collect();
        world
    }

    pub fn account(&self, index: Index) -> Account {
        self.ledger.account(index)
    }

    pub fn job(&self, index: Index) -> Job {
        self.ledger.job(index)
    }

    pub fn burned(&self) -> u64 {
        self.ledger.state().burned.units()
    }

    pub fn balance(&self, index: Index) -> u64 {
        self.account(index).balance.units()
    }

    /// Runs a batch at the world's time and checks all that must hold for any batch.
    pub fn run(
        &mut self,
        transactions: &[SignedTransaction],
        l1: &[Deposit],
        beacons: &[RecordBeacon],
    ) -> ClosedBatch {
        let (batch, refusals) = self.offer(transactions, l1, beacons);
        assert_eq!(refusals, []);
        batch
    }

    /// Runs a batch with those of the transactions that are not refused.
    pub fn offer(
        &mut self,
        transactions: &[SignedTransaction],
        l1: &[Deposit],
        beacons: &[RecordBeacon],
    ) -> (ClosedBatch, Vec<Refusal>) {
        let before = self.ledger.clone();
        let mut preview = Preview::new(&before, self.time);
        let mut builder = BatchBuilder::new(&mut self.ledger, self.time, SEQUENCER).unwrap();
        let mut refusals = Vec::new();
        for signed in transactions {
            let pushed = builder.push(signed);
            // The mempool's look ahead says the same.
            let ahead = preview.push(&before, signed);
            assert_eq!(ahead.err(), pushed.as_ref().err().cloned());
            match (pushed, &signed.transaction) {
                (Ok(_), Transaction::Withdraw(withdraw)) => {
                    self.withdrawn += u128::from(withdraw.value.units());
                }
                (Ok(_), _) => {}
                (Err(refusal), _) => refusals.push(refusal),
            }
        }
        for (index, account) in builder.ledger().accounts() {
            assert_eq!(preview.account(&before, index), *account);
        }
        for (index, job) in builder.ledger().jobs() {
            assert_eq!(preview.job(&before, index), *job);
        }
        let mut batch = builder.close(l1, beacons).unwrap();
        self.deposited += l1.iter().map(|d| u128::from(d.value.units())).sum::<u128>();
        self.check(&mut batch);
        (batch, refusals)
    }

    /// Lets time pass: an empty batch at `time`, so that the next one's `l1_time` is `time`, too.
    pub fn pass(&mut self, time: u64) {
        self.time = time;
        self.run(&[], &[], &[]);
    }

    fn check(&mut self, batch: &mut ClosedBatch) {
        // Money is conserved.
        assert_eq!(self.ledger.holdings(), self.deposited - self.withdrawn);
        self.check_locks();
        // The bytes alone lead an auditor to the same state.
        let audited = apply_batch(&mut self.auditor, &batch.stream()).unwrap();
        assert_eq!(self.auditor.state(), self.ledger.state());
        assert_eq!(audited.digest, batch.digest);
        assert_eq!(audited.claims, batch.claims);
        // The witnesses alone lead a prover to it, too.
        let r = batch.challenge(&deployment());
        let entry = batch.bind(r);
        let range = Range::of(&[entry], &deployment());
        let end = replay_all(batch.start(range.r_star), batch);
        assert_eq!(end.ledger, *self.ledger.state());
        assert_eq!((end.range_digest(), end.f_star), (range.digest, range.f_star));
        assert_eq!(end.claim_count, batch.claims.len() as u64);
        assert_eq!(end.claims, batch.claims.iter().fold(Digest::ZERO, |link, c| c.append_to(link)));
        assert_eq!(end, end.closed());
        // A store that writes the changed leaves has the new tree.
        for (index, account) in &batch.accounts {
            assert_eq!(self.ledger.account(*index), *account);
        }
        for (index, job) in &batch.jobs {
            assert_eq!(self.ledger.job(*index), *job);
        }
    }

    /// A lock is held by an open seal or by the winner of a live job, and by nothing else; it covers the whole bond.
    fn check_locks(&self) {
        for (index, account) in self.ledger.accounts() {
            assert!(account.locked <= account.stake, "account {index}");
            if account.kind != AccountKind::Unit {
                assert_eq!((account.stake, account.lock_job), (Amount::ZERO, 0));
            }
            if account.lock_job == 0 {
                assert_eq!(
                    (account.locked, account.lock_expiry, account.seal),
                    (Amount::ZERO, 0, Digest::ZERO)
                );
                continue;
            }
            let job = self.job(account.lock_job);
            assert_eq!(account.locked, job.stake);
            let sealed = account.lock_expiry != 0;
            let winner = job.status.is_live() && job.winner == index;
            assert!(sealed != winner, "account {index} is held by nothing or twice");
        }
        for (index, job) in self.ledger.jobs() {
            assert!(job.best_price <= job.second_price && job.second_price <= job.budget, "job {index}");
            if job.status.is_live() && job.winner != 0 {
                assert_eq!(self.account(job.winner).lock_job, index);
            }
        }
    }

    /// Tells the world whose secrets sign for an account.
    pub fn know(&mut self, index: Index, owner: u8, operator: Option<u8>) {
        self.owners.insert(index, owner);
        if let Some(operator) = operator {
            self.operators.insert(index, operator);
        }
    }

    /// Signs with the key that the kind needs: the operator's where it may, else the owner's.
    pub fn sign(&self, transaction: impl Into<Transaction>) -> SignedTransaction {
        let transaction = transaction.into();
        let account = transaction.raw().unwrap().a;
        match transaction.kind().signer() {
            Signer::None => SignedTransaction::unsigned(transaction),
            Signer::OwnerOrOperator if self.operators.contains_key(&account) => {
                self.sign_as(transaction, Role::Operator, self.operators[&account])
            }
            _ => {
                let owner = self.owners.get(&account).copied().unwrap_or(99);
                self.sign_as(transaction, Role::Owner, owner)
            }
        }
    }

    pub fn sign_as(&self, transaction: impl Into<Transaction>, role: Role, n: u8) -> SignedTransaction {
        let transaction = transaction.into();
        let nonce = self.account(transaction.raw().unwrap().a).nonce;
        SignedTransaction::sign(transaction, nonce, &deployment(), role, &secret(n)).unwrap()
    }

    /// Runs a batch with this one transaction.
    pub fn ok(&mut self, transaction: impl Into<Transaction>) -> Receipt {
        let signed = self.sign(transaction);
        self.run(&[signed], &[], &[]).receipts[0]
    }

    /// The code with which this transaction is refused; checks that nothing changed.
    pub fn refused(&mut self, transaction: impl Into<Transaction>) -> &'static str {
        let signed = self.sign(transaction);
        self.refused_signed(&signed)
    }

    pub fn refused_signed(&mut self, signed: &SignedTransaction) -> &'static str {
        self.try_push(signed).expect_err("must be refused").code()
    }

    pub fn try_push(&mut self, signed: &SignedTransaction) -> Result<Receipt, Refusal> {
        let before = *self.ledger.state();
        let ahead = Preview::new(&self.ledger, self.time).push(&self.ledger, signed);
        let mut builder = BatchBuilder::new(&mut self.ledger, self.time, SEQUENCER).unwrap();
        let result = builder.push(signed);
        assert_eq!(ahead.err(), result.as_ref().err().cloned(), "the look ahead refuses alike");
        drop(builder);
        assert_eq!(*self.ledger.state(), before, "a dropped batch leaves no trace");
        assert_eq!(self.ledger.account_tree().root(), before.accounts_root);
        assert_eq!(self.ledger.job_tree().root(), before.jobs_root);
        result
    }
}

/// Replays a bound batch's steps.
pub fn replay_all(start: RunState, batch: &ClosedBatch) -> RunState {
    batch.steps.iter().fold(start, |run, step| replay(&run, step).unwrap())
}

/// Binds a batch as a range of its own.
pub fn bind_alone(batch: &mut ClosedBatch) -> (BatchEntry, Range) {
    let r = batch.challenge(&deployment());
    let entry = batch.bind(r);
    (entry, Range::of(&[entry], &deployment()))
}
