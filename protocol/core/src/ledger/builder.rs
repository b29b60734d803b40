//! A batch in the making.

use std::collections::BTreeMap;

use super::Ledger;
use super::batch::{ClosedBatch, Receipt};
use super::error::{CloseError, Refusal};
use super::execute::{Planned, Source, add_fee};
use crate::Amount;
use crate::binding::stream_digest;
use crate::claim::Claim;
use crate::state::{Account, AccountKind, Index, Job, LedgerState};
use crate::stream::{Block, Header, Kind, Section, Signer};
use crate::transaction::{Deposit, RecordBeacon, SignedTransaction, Transaction};
use crate::transition::{Authorization, Context, FrameError, RuleError, StepWitness, check, message};

/// Blocks of the L2 part: the header's field has 24 bits.
const MAX_L2_BLOCKS: usize = (1 << 24) - 1;

/// Takes transactions into an open batch. Dropped without [`BatchBuilder::close`], it puts the ledger back as it was.
pub struct BatchBuilder<'a> {
    ledger: &'a mut Ledger,
    before: LedgerState,
    fee_account: Index,
    fees: Amount,
    blocks: Vec<Block>,
    steps: Vec<StepWitness>,
    receipts: Vec<Receipt>,
    claims: Vec<Claim>,
    events: Vec<u32>,
    /// Leaves as they were before each write, in order.
    old_accounts: Vec<(Index, Account)>,
    old_jobs: Vec<(Index, Job)>,
    closed: bool,
}

impl<'a> BatchBuilder<'a> {
    /// Opens a batch of this time (unix seconds) whose fees go to `fee_account`, which must exist when it closes.
    ///
    /// # Errors
    /// [`FrameError::Header`] when `time` is before the last batch's.
    pub fn new(ledger: &'a mut Ledger, time: u64, fee_account: Index) -> Result<Self, CloseError> {
        let before = *ledger.state();
        if time < before.time {
            return Err(FrameError::Header { field: "time", expected: before.time, got: time }.into());
        }
        // Stands in for the header, whose counts are not known before the end.
        let open = Header { batch: before.batch + 1, time, fee_account, ..Header::default() };
        let block = open.encode().map_err(Refusal::from)?;
        let idle = ledger.idle();
        let step = ledger.write(Kind::Open, vec![block], &idle, None).map_err(|_| RuleError::AccountsFull);
        let step = step.map_err(Refusal::from)?;
        ledger.state.time = time;
        ledger.state.batch += 1;
        Ok(Self {
            ledger,
            before,
            fee_account,
            fees: Amount::ZERO,
            blocks: vec![block],
            steps: vec![step],
            receipts: Vec::new(),
            claims: Vec::new(),
            events: Vec::new(),
            old_accounts: Vec::new(),
            old_jobs: Vec::new(),
            closed: false,
        })
    }

    /// The ledger with what was taken so far.
    pub fn ledger(&self) -> &Ledger {
        self.ledger
    }

    /// Fees collected so far.
    pub fn fees(&self) -> Amount {
        self.fees
    }

    /// Blocks of the L2 part so far.
    pub fn l2_blocks(&self) -> usize {
        self.blocks.len() - 1
    }

    /// Transactions so far.
    pub fn len(&self) -> usize {
        self.receipts.len()
    }

    /// Whether no transaction was taken.
    pub fn is_empty(&self) -> bool {
        self.receipts.is_empty()
    }

    /// Takes a transaction in.
    ///
    /// # Errors
    /// [`Refusal`]; the batch goes on without it.
    pub fn push(&mut self, signed: &SignedTransaction) -> Result<Receipt, Refusal> {
        let transaction = &signed.transaction;
        let blocks = self.l2(transaction)?;
        let account = self.signing_account(transaction);
        if transaction.kind().signer() != Signer::None && signed.nonce != account.nonce {
            return Err(RuleError::Nonce { expected: account.nonce, got: signed.nonce }.into());
        }
        // The rule first: it is cheap and its reason says more; nothing is written before the signature is checked.
        let planned = self.plan(transaction)?;
        let m = message(&self.before.deployment, signed.nonce, &blocks);
        check(transaction.kind(), &account, m, signed.authorization.as_ref())?;
        self.commit(transaction.kind(), blocks, planned, signed.authorization)
    }

    /// Takes a transaction in whose signature a proof stands for.
    pub(super) fn push_proven(&mut self, transaction: &Transaction) -> Result<Receipt, Refusal> {
        let blocks = self.l2(transaction)?;
        let planned = self.plan(transaction)?;
        self.commit(transaction.kind(), blocks, planned, None)
    }

    /// Takes the tail in, credits the fees and closes the batch.
    ///
    /// # Errors
    /// [`CloseError`]; the ledger is then as it was before the batch.
    pub fn close(mut self, l1: &[Deposit], beacons: &[RecordBeacon]) -> Result<ClosedBatch, CloseError> {
        let header = self.header(l1.len(), beacons.len())?;
        for &deposit in l1 {
            self.tail(deposit.into())?;
        }
        for &beacon in beacons {
            self.tail(beacon.into())?;
        }
        self.credit_fees()?;
        let block = header.encode().map_err(Refusal::from)?;
        self.blocks[0] = block;
        self.steps[0].blocks = vec![block];
        self.closed = true;
        Ok(self.finish(header))
    }

    fn l2(&self, transaction: &Transaction) -> Result<Vec<Block>, Refusal> {
        let kind = transaction.kind();
        if kind.section() != Section::L2 {
            return Err(Refusal::FromL1 { kind });
        }
        let blocks = transaction.blocks()?;
        let full = self.l2_blocks() + blocks.len() > MAX_L2_BLOCKS;
        if full || (kind.is_event() && self.events.len() == usize::from(u16::MAX)) {
            return Err(Refusal::BatchFull);
        }
        Ok(blocks)
    }

    fn context(&self) -> Context {
        Context::new(self.ledger.state(), self.before.time)
    }

    /// The account whose nonce and keys count; a job that decides it is read by the rule alike.
    fn signing_account(&self, transaction: &Transaction) -> Account {
        let rule = transaction.rule();
        let job = self.ledger.job(rule.job(&self.context()));
        self.ledger.account(rule.account_a(&job))
    }

    fn plan(&self, transaction: &Transaction) -> Result<Planned, Refusal> {
        let planned = self.ledger.plan(transaction.kind(), transaction.rule(), &self.context())?;
        add_fee(self.fees, &planned.effects)?;
        Ok(planned)
    }

    fn commit(
        &mut self,
        kind: Kind,
        blocks: Vec<Block>,
        planned: Planned,
        authorization: Option<Authorization>,
    ) -> Result<Receipt, Refusal> {
        let position = self.blocks.len();
        let effects = planned.effects;
        let [_, b, j] = planned.indices;
        self.write(kind, blocks, &planned, authorization)?;
        self.fees = add_fee(self.fees, &effects)?;
        if kind.is_event() {
            self.events.push(position as u32);
        }
        self.claims.extend(effects.claim);
        let receipt = Receipt {
            kind,
            position: position as u64,
            account: effects.account_created.then_some(b),
            job: effects.job_created.then_some(j),
            fee: effects.fee,
            burned: effects.burned,
            claim: effects.claim,
        };
        self.receipts.push(receipt);
        Ok(receipt)
    }

    fn write(
        &mut self,
        kind: Kind,
        blocks: Vec<Block>,
        planned: &Planned,
        authorization: Option<Authorization>,
    ) -> Result<(), Refusal> {
        self.blocks.extend(&blocks);
        let step = self.ledger.write(kind, blocks, planned, authorization);
        let step = step.map_err(|_| RuleError::AccountsFull)?;
        for slot in [&step.a, &step.b] {
            if slot.old != slot.new {
                self.old_accounts.push((slot.opening.index, slot.old));
            }
        }
        if step.j.old != step.j.new {
            self.old_jobs.push((step.j.opening.index, step.j.old));
        }
        self.steps.push(step);
        Ok(())
    }

    fn tail(&mut self, transaction: Transaction) -> Result<(), Refusal> {
        let planned = self.plan(&transaction)?;
        self.commit(transaction.kind(), transaction.blocks()?, planned, None).map(drop)
    }

    fn header(&self, l1: usize, beacons: usize) -> Result<Header, CloseError> {
        let count = |what, got| u16::try_from(got).map_err(|_| CloseError::TooMany { what, got });
        Ok(Header {
            batch: self.before.batch + 1,
            time: self.ledger.state.time,
            l2_blocks: self.l2_blocks() as u32,
            fee_account: self.fee_account,
            l1_first: self.before.l1_cursor,
            l1_count: count("L1 operations", l1)?,
            beacon_first: self.before.beacon_cursor,
            beacon_count: count("beacon records", beacons)?,
            events: count("events", self.events.len())?,
        })
    }

    fn credit_fees(&mut self) -> Result<(), CloseError> {
        let mut account = self.ledger.account(self.fee_account);
        if account.kind == AccountKind::Empty {
            return Err(FrameError::FeeAccount { index: self.fee_account }.into());
        }
        let credited = account.balance.checked_add(self.fees);
        account.balance = credited.ok_or(RuleError::Overflow).map_err(Refusal::from)?;
        let mut planned = self.ledger.idle();
        planned.indices[0] = self.fee_account;
        planned.leaves.a = account;
        self.write(Kind::Close, Vec::new(), &planned, None)?;
        Ok(())
    }

    fn finish(&mut self, header: Header) -> ClosedBatch {
        let bytes: Vec<u8> = self.blocks.iter().flat_map(Block::to_bytes).collect();
        let (l2, tail) = bytes.split_at(header.l2_end() as usize * crate::stream::BLOCK_BYTES);
        let accounts: BTreeMap<_, _> =
            self.old_accounts.iter().map(|&(i, _)| (i, self.ledger.account(i))).collect();
        let jobs: BTreeMap<_, _> = self.old_jobs.iter().map(|&(i, _)| (i, self.ledger.job(i))).collect();
        ClosedBatch {
            header,
            bytes: l2.to_vec(),
            tail: tail.to_vec(),
            digest: stream_digest(&self.blocks),
            events: core::mem::take(&mut self.events),
            steps: core::mem::take(&mut self.steps),
            receipts: core::mem::take(&mut self.receipts),
            claims: core::mem::take(&mut self.claims),
            before: self.before,
            after: self.ledger.state,
            accounts: accounts.into_iter().collect(),
            jobs: jobs.into_iter().collect(),
        }
    }
}

impl Drop for BatchBuilder<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.ledger.restore_leaves(&self.old_accounts, &self.old_jobs, self.before);
        }
    }
}
