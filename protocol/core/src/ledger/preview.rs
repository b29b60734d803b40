//! A look ahead: what waiting transactions would make of the ledger. No tree is touched and nothing is hashed, so that
//! a mempool can afford it for every transaction.

use std::collections::HashMap;

use super::Ledger;
use super::error::Refusal;
use super::execute::{Planned, Source};
use crate::state::{Account, Index, Job, LedgerState};
use crate::stream::{Section, Signer};
use crate::transaction::SignedTransaction;
use crate::transition::{Context, Effects, RuleError, check, message};

/// Leaves as waiting transactions would leave them, on top of a ledger that every method is given. That must be the
/// ledger that the preview was made for: after a batch, make a new one.
#[derive(Clone, Debug)]
pub struct Preview {
    accounts: HashMap<Index, Account>,
    jobs: HashMap<Index, Job>,
    state: LedgerState,
    /// The ledger's time: everything made on L1 before it has been consumed.
    l1_time: u64,
}

/// A preview and its ledger.
struct Ahead<'a> {
    preview: &'a Preview,
    ledger: &'a Ledger,
}

impl Source for Ahead<'_> {
    fn account_leaf(&self, index: Index) -> Account {
        self.preview.account(self.ledger, index)
    }

    fn job_leaf(&self, index: Index) -> Job {
        self.preview.job(self.ledger, index)
    }

    fn ledger_state(&self) -> LedgerState {
        self.preview.state
    }
}

impl Preview {
    /// The next batch on `ledger`, of this time (the ledger's own, if that is later), with nothing in it.
    pub fn new(ledger: &Ledger, time: u64) -> Self {
        let before = *ledger.state();
        let state = LedgerState { time: time.max(before.time), batch: before.batch + 1, ..before };
        Self { accounts: HashMap::new(), jobs: HashMap::new(), state, l1_time: before.time }
    }

    /// Moves the next batch's time on; it never goes back.
    pub fn set_time(&mut self, time: u64) {
        self.state.time = self.state.time.max(time);
    }

    /// The account at `index` as it would be.
    pub fn account(&self, ledger: &Ledger, index: Index) -> Account {
        self.accounts.get(&index).copied().unwrap_or_else(|| ledger.account(index))
    }

    /// The job at `index` as it would be.
    pub fn job(&self, ledger: &Ledger, index: Index) -> Job {
        self.jobs.get(&index).copied().unwrap_or_else(|| ledger.job(index))
    }

    /// Takes a transaction in after checking everything that a batch checks.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn push(&mut self, ledger: &Ledger, signed: &SignedTransaction) -> Result<Effects, Refusal> {
        let planned = self.plan(ledger, signed)?;
        let kind = signed.transaction.kind();
        let account = self.account(ledger, planned.indices[0]);
        let m = message(&self.state.deployment, signed.nonce, &signed.transaction.blocks()?);
        check(kind, &account, m, signed.authorization.as_ref())?;
        Ok(self.take(&planned))
    }

    /// Takes a transaction in whose signature was checked before.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn push_unchecked(
        &mut self,
        ledger: &Ledger,
        signed: &SignedTransaction,
    ) -> Result<Effects, Refusal> {
        let planned = self.plan(ledger, signed)?;
        Ok(self.take(&planned))
    }

    fn plan(&self, ledger: &Ledger, signed: &SignedTransaction) -> Result<Planned, Refusal> {
        let transaction = &signed.transaction;
        let kind = transaction.kind();
        if kind.section() != Section::L2 {
            return Err(Refusal::FromL1 { kind });
        }
        let context = Context::new(&self.state, self.l1_time);
        let rule = transaction.rule();
        if kind.signer() != Signer::None {
            let job = self.job(ledger, rule.job(&context));
            let expected = self.account(ledger, rule.account_a(&job)).nonce;
            if signed.nonce != expected {
                return Err(RuleError::Nonce { expected, got: signed.nonce }.into());
            }
        }
        Ok(Ahead { preview: self, ledger }.plan(kind, rule, &context)?)
    }

    fn take(&mut self, planned: &Planned) -> Effects {
        let [a, b, j] = planned.indices;
        // B after A: where they are one account, B's new leaf is the later one. Index 0 is never used.
        for (index, leaf) in [(a, planned.leaves.a), (b, planned.leaves.b)] {
            if index != 0 {
                self.accounts.insert(index, leaf);
            }
        }
        if j != 0 {
            self.jobs.insert(j, planned.leaves.j);
        }
        self.state = planned.state;
        planned.effects
    }
}
