//! A sequencer in memory: the real ledger, a mempool without order, blobs in a map; and a prover that proves nothing, but
//! settles what a native check finds right. It can lie, censor, interfere and go back in time.

mod service;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use janction_program::{container, npy};
use janction_protocol::claim::Claim;
use janction_protocol::ledger::{BatchBuilder, Ledger, LedgerSnapshot, Preview};
use janction_protocol::state::{Account, Index, Job, JobStatus, Key};
use janction_protocol::stream::Kind;
use janction_protocol::transaction::{
    Deposit, Expire, Forfeit, PostJob, RecordBeacon, Register, Settle, SignedTransaction, Stake, Transaction,
    Transfer,
};
use janction_protocol::transition::Role;
use janction_protocol::{Address, Amount, Deployment, Digest};
use janction_rpc::encoding::encode;
use janction_rpc::v1::{self, BlobClass, TransactionStage};
use janction_trace::{Commitment, Openings, Policy};
use tokio::sync::broadcast;

use super::{audit_keys, input, program, secret};

/// Whoever earns the fees.
const FEES: Index = 1;
/// Who posts jobs.
const DEVELOPER: Index = 2;
/// Units of two owners with different operators.
pub const UNIT_A: Index = 5;
/// See [`UNIT_A`].
pub const UNIT_B: Index = 6;
/// A second unit of A's owner and operator.
pub const UNIT_A2: Index = 7;

/// Seeds of keys.
const OWNER_A: u8 = 3;
const OWNER_B: u8 = 4;
pub const OPERATOR_A: u8 = 13;
pub const OPERATOR_B: u8 = 14;

/// What every unit has staked, and the job's stake.
pub const STAKE: u64 = 1_000_000;
/// The job's budget.
pub const BUDGET: u64 = 100_000;
const FEE_PER_BLOCK: u64 = 1_000;
const BEACON: [u64; 4] = [11, 22, 33, 44];

pub fn deployment() -> Deployment {
    Deployment::new(31_337, Address([7; 20])).unwrap()
}

pub fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

/// How it behaves.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Records beacons.
    pub beacons: bool,
    /// Settles and reports faults.
    pub proves: bool,
    /// Takes no transactions of this kind.
    pub censors: Option<Kind>,
    /// Takes reveals of this unit only when the other one has the lead.
    pub second_reveal: Option<Index>,
    /// Lets the owner use the nonce of the unit's first transaction of this kind.
    pub interferes: Option<Kind>,
    /// Hands out these bytes instead.
    pub lies: HashMap<i32, Vec<u8>>,
    /// Least fee for a block.
    pub fee_per_block: u64,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            beacons: true,
            proves: true,
            censors: None,
            second_reveal: None,
            interferes: None,
            lies: HashMap::new(),
            fee_per_block: FEE_PER_BLOCK,
        }
    }
}

/// What it knows.
pub struct State {
    pub ledger: Ledger,
    pub manner: Manner,
    /// L1's time.
    pub time: u64,
    pending: Vec<([u8; 32], SignedTransaction)>,
    stages: HashMap<[u8; 32], TransactionStage>,
    /// Signed transactions in sealed batches.
    pub included: Vec<SignedTransaction>,
    pub blobs: HashMap<(i32, [u8; 32]), Vec<u8>>,
    faults: HashMap<Index, Vec<v1::AuditFault>>,
    reports: broadcast::Sender<v1::GetJobResponse>,
    kept: Option<(LedgerSnapshot, usize)>,
}

/// The server; ends when it is dropped.
pub struct Sequencer {
    state: Arc<Mutex<State>>,
    uri: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Sequencer {
    pub async fn start(manner: Manner) -> Self {
        let state = Arc::new(Mutex::new(State::new(manner)));
        let (uri, server) = service::serve(Arc::clone(&state)).await;
        Self { state, uri, server }
    }

    pub fn uri(&self) -> &str {
        &self.uri
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn job(&self, index: Index) -> Job {
        self.state().ledger.job(index)
    }

    pub fn account(&self, index: Index) -> Account {
        self.state().ledger.account(index)
    }

    /// Posts a job with its files in the store.
    pub fn post(&self, job: PostJob) -> Index {
        let mut state = self.state();
        let index = state.ledger.state().next_job;
        let nonce = state.ledger.account(DEVELOPER).nonce;
        state.sign_and_seal(&[(job.into(), nonce, 2)]);
        assert_eq!(state.ledger.job(index).status, JobStatus::Posted);
        index
    }

    /// Signed transactions of a kind that are in batches.
    pub fn included(&self, kind: Kind) -> usize {
        self.state().included.iter().filter(|signed| signed.transaction.kind() == kind).count()
    }
}

/// The default job under `policy`.
pub fn job(policy: Policy) -> PostJob {
    let root = program().root_of(&input()).unwrap();
    PostJob {
        fee: amount(4_000),
        developer: DEVELOPER,
        budget: amount(BUDGET),
        program: program().digest(),
        audit_key: audit_keys().digest(&program(), policy).unwrap(),
        input_root: root,
        input_rows: input().rows() as u32,
        gpu_class: 0,
        vram: 0,
        region: 0,
        reputation: 0,
        stake: amount(STAKE),
        policy: policy.code(),
        job_fee: amount(2_000),
        bid_window: 40,
        reveal_window: 40,
        submit_window: 60,
        proving_window: 40,
        beacon_window: 40,
    }
}

impl State {
    fn new(manner: Manner) -> Self {
        let mut state = Self {
            ledger: Ledger::genesis(deployment()),
            manner,
            time: 1_000,
            pending: Vec::new(),
            stages: HashMap::new(),
            included: Vec::new(),
            blobs: HashMap::new(),
            faults: HashMap::new(),
            reports: broadcast::channel(1_000).0,
            kept: None,
        };
        let key = |seed| Key::from(secret(seed).public());
        let deposit = |hint, seed| Deposit { hint, key: key(seed), value: amount(10_000_000) };
        state.seal(&[deposit(0, 1), deposit(0, 2), deposit(0, OWNER_A), deposit(0, OWNER_B)], &[]);
        let unit = |wallet, operator| {
            let (gpu_class, vram, region) = (0, 1_024, 1);
            Register { fee: amount(2_000), wallet, operator: key(operator), gpu_class, vram, region }.into()
        };
        let (a, b) = (unit(3, OPERATOR_A), unit(4, OPERATOR_B));
        state.sign_and_seal(&[(a, 0, OWNER_A), (b, 0, OWNER_B), (unit(3, OPERATOR_A), 1, OWNER_A)]);
        state.seal(&[deposit(UNIT_A, OWNER_A), deposit(UNIT_B, OWNER_B), deposit(UNIT_A2, OWNER_A)], &[]);
        let stake = |unit| Stake { fee: amount(1_000), unit, value: amount(STAKE) }.into();
        state.sign_and_seal(&[
            (stake(UNIT_A), 0, OWNER_A),
            (stake(UNIT_B), 0, OWNER_B),
            (stake(UNIT_A2), 0, OWNER_A),
        ]);
        assert_eq!(state.ledger.account(UNIT_A2).stake, amount(STAKE));
        state.store(BlobClass::Program, program().digest(), container::encode(&program()));
        let root = program().root_of(&input()).unwrap();
        state.store(BlobClass::Input, root, npy::encode(&input()));
        state
    }

    pub fn store(&mut self, class: BlobClass, digest: Digest, bytes: Vec<u8>) {
        self.blobs.insert((class.into(), digest.to_bytes()), bytes);
    }

    /// Forgets a blob.
    pub fn forget(&mut self, class: BlobClass, digest: Digest) {
        self.blobs.remove(&(class.into(), digest.to_bytes()));
    }

    fn sign_and_seal(&mut self, transactions: &[(Transaction, u32, u8)]) {
        for (transaction, nonce, seed) in transactions {
            let signed = SignedTransaction::sign(
                transaction.clone(),
                *nonce,
                &deployment(),
                Role::Owner,
                &secret(*seed),
            )
            .unwrap();
            self.pending.push((signed.id().unwrap(), signed));
        }
        self.seal(&[], &[]);
    }

    /// Keeps the ledger as it is for [`Self::rewind`].
    pub fn keep(&mut self) {
        self.kept = Some((self.ledger.snapshot(), self.included.len()));
    }

    /// Takes all batches back since [`Self::keep`]; their signed transactions wait again.
    pub fn rewind(&mut self) {
        let (snapshot, included) = self.kept.take().unwrap();
        self.ledger = Ledger::restore(snapshot).unwrap();
        let again: Vec<_> = self.included.drain(included..).collect();
        for signed in again.into_iter().rev() {
            let id = signed.id().unwrap();
            self.stages.insert(id, TransactionStage::Pending);
            self.pending.insert(0, (id, signed));
        }
        let jobs: Vec<Index> = self.ledger.jobs().map(|(index, _)| index).collect();
        jobs.into_iter().for_each(|index| self.report(index));
    }

    /// Time passes; a batch is sealed when there is something to seal, and now and then.
    fn advance(&mut self) {
        self.time += 1;
        let beacons = self.beacons();
        self.housekeep();
        if !self.pending.is_empty() || !beacons.is_empty() || self.time.is_multiple_of(3) {
            self.seal(&[], &beacons);
        }
    }

    fn beacons(&self) -> Vec<RecordBeacon> {
        let waiting = self.ledger.jobs().filter(|(_, job)| {
            job.status == JobStatus::Submitted && self.manner.beacons && self.time > job.submit_time
        });
        let record = |(index, job): (Index, &Job)| RecordBeacon {
            job: index,
            trace_root: job.trace_root,
            beacon: BEACON,
            time: self.time - 1,
        };
        waiting.map(record).collect()
    }

    /// Expires, forfeits and settles what is due.
    fn housekeep(&mut self) {
        let l1_time = self.ledger.state().time;
        let mut due: Vec<Transaction> = Vec::new();
        for (index, job) in self.ledger.jobs().map(|(index, job)| (index, *job)).collect::<Vec<_>>() {
            if job.status.is_live() && l1_time > job.deadline {
                due.push(Expire { fee: job.fee, job: index }.into());
            } else if job.status == JobStatus::Proving && self.manner.proves && self.time <= job.deadline {
                due.extend(self.prove(index, &job));
            }
        }
        for (unit, account) in self.ledger.accounts() {
            if account.lock_expiry != 0 && l1_time > account.lock_expiry {
                let fee = self.ledger.job(account.lock_job).fee;
                due.push(Forfeit { fee, unit, job: account.lock_job }.into());
            }
        }
        for transaction in due {
            let signed = SignedTransaction::unsigned(transaction);
            self.pending.push((signed.id().unwrap(), signed));
        }
    }

    /// What a prover does once the openings are there.
    fn prove(&mut self, index: Index, job: &Job) -> Option<Transaction> {
        let claim = Claim::of(deployment(), index, job);
        let name = (BlobClass::Openings.into(), claim.digest().to_bytes());
        let bytes = self.blobs.get(&name)?.clone();
        match checked(&claim, &bytes) {
            Ok(()) => {
                let (fee, price, output_root) = (job.fee, job.second_price, job.output_root);
                Some(Settle { fee, job: index, price, output_root }.into())
            }
            Err(reason) => {
                let fault = v1::AuditFault {
                    time: self.time,
                    code: "false-row".into(),
                    reason,
                    ..Default::default()
                };
                let faults = self.faults.entry(index).or_default();
                if faults.is_empty() {
                    faults.push(fault);
                }
                None
            }
        }
    }

    fn admit(&mut self, signed: SignedTransaction) -> Result<[u8; 32], (String, String)> {
        let id = signed.id().unwrap();
        if self.stages.get(&id).is_some_and(|&stage| stage != TransactionStage::Refused) {
            return Ok(id);
        }
        let refused = |code: &str| Err((code.to_owned(), format!("by its manner: {code}")));
        let kind = signed.transaction.kind();
        if self.manner.censors == Some(kind) {
            return refused("mempool-full");
        }
        match &signed.transaction {
            Transaction::RevealBid(reveal)
                if self.manner.second_reveal == Some(reveal.unit)
                    && self.ledger.job(reveal.job).winner == 0 =>
            {
                return refused("too-early");
            }
            Transaction::Submit(submit) => {
                let name = (BlobClass::Output.into(), submit.output_root.to_bytes());
                if !self.blobs.contains_key(&name) {
                    return refused("output-missing");
                }
            }
            _ => {}
        }
        self.would_admit(&signed)?;
        self.stages.insert(id, TransactionStage::Pending);
        self.pending.push((id, signed));
        Ok(id)
    }

    /// Whether a transaction would be admitted now, its gate left aside.
    fn would_admit(&mut self, signed: &SignedTransaction) -> Result<(), (String, String)> {
        let kind = signed.transaction.kind();
        if signed.transaction.fee() < amount(self.manner.fee_per_block * kind.blocks() as u64) {
            return Err(("fee-too-low".into(), "by its manner".into()));
        }
        if self.manner.interferes.take_if(|wanted| *wanted == kind).is_some() {
            let (fee, value) = (amount(1_000), Amount::ZERO);
            let transfer = Transfer { fee, from: UNIT_A, to: 3, value };
            self.sign_and_seal(&[(transfer.into(), signed.nonce, OWNER_A)]);
        }
        let mut preview = Preview::new(&self.ledger, self.time);
        for (_, waiting) in &self.pending {
            let _ = preview.push_unchecked(&self.ledger, waiting);
        }
        if let Err(refusal) = preview.push(&self.ledger, signed) {
            return Err((refusal.code().into(), refusal.to_string()));
        }
        Ok(())
    }

    fn seal(&mut self, deposits: &[Deposit], beacons: &[RecordBeacon]) {
        let mut builder = BatchBuilder::new(&mut self.ledger, self.time, FEES).unwrap();
        for (id, signed) in self.pending.drain(..) {
            let stage = match builder.push(&signed) {
                Ok(_) => {
                    if signed.authorization.is_some() {
                        self.included.push(signed);
                    }
                    TransactionStage::Sealed
                }
                Err(_) => TransactionStage::Refused,
            };
            self.stages.insert(id, stage);
        }
        let closed = builder.close(deposits, beacons).unwrap();
        let changed: Vec<Index> = closed.jobs.iter().map(|&(index, _)| index).filter(|&i| i != 0).collect();
        changed.into_iter().for_each(|index| self.report(index));
    }

    fn report(&self, index: Index) {
        // Nobody may be watching.
        let _ = self.reports.send(self.view(index));
    }

    fn view(&self, index: Index) -> v1::GetJobResponse {
        let job = self.ledger.job(index);
        let claim = Claim::of(deployment(), index, &job).digest();
        let names = [
            (BlobClass::Program, job.program),
            (BlobClass::Input, job.input_root),
            (BlobClass::Output, job.output_root),
            (BlobClass::Openings, claim),
        ];
        let there = names.into_iter().filter_map(|(class, digest)| {
            let (class, digest) = (class.into(), digest.to_bytes());
            let there = self.blobs.contains_key(&(class, digest));
            there.then(|| v1::BlobName { class, digest: digest.to_vec().into() })
        });
        v1::GetJobResponse {
            index,
            job: encode(&job).unwrap().into(),
            batch: self.ledger.state().batch,
            blobs: there.collect(),
            faults: self.faults.get(&index).cloned().unwrap_or_default(),
            ..Default::default()
        }
    }
}

/// The audit of the test program, natively.
fn checked(claim: &Claim, bytes: &[u8]) -> Result<(), String> {
    let program = program();
    let openings = Openings::from_bytes(&program, &input(), bytes).map_err(|e| e.to_string())?;
    let commitment = Commitment::of(claim).map_err(|e| e.to_string())?;
    openings.verify(&program, &commitment).map_err(|e| e.to_string())
}
