//! One step on the ledger in memory: apply its rule, write its leaves, keep its witness.

use super::Ledger;
use crate::state::{Account, Index, Job, Leaf, LedgerState, TREE_DEPTH};
use crate::stream::{Block, Kind};
use crate::transition::{Authorization, Context, Effects, Leaves, Rule, RuleError, Slot, StepWitness};
use crate::tree::{IndexError, Tree};
use crate::{Amount, F};
use plonky2::field::types::Field;

/// A step whose leaves are computed but not written.
pub(super) struct Planned {
    pub indices: [Index; 3],
    pub leaves: Leaves,
    pub effects: Effects,
    pub state: LedgerState,
}

/// Where a rule reads: the ledger, or a look ahead on top of it.
pub(super) trait Source {
    /// The account leaf at `index`.
    fn account_leaf(&self, index: Index) -> Account;
    /// The job leaf at `index`.
    fn job_leaf(&self, index: Index) -> Job;
    /// The ledger state.
    fn ledger_state(&self) -> LedgerState;

    /// Applies `rule` to copies of its leaves; changes nothing.
    fn plan(&self, kind: Kind, rule: &dyn Rule, context: &Context) -> Result<Planned, RuleError> {
        let j_index = rule.job(context);
        let j = self.job_leaf(j_index);
        let a_index = rule.account_a(&j);
        let a = self.account_leaf(a_index);
        let b_index = rule.account_b(context, &a, &j);
        if b_index >> TREE_DEPTH != 0 {
            return Err(RuleError::AccountsFull);
        }
        let old = Leaves { a, b: self.account_leaf(b_index), j };
        let mut leaves = old;
        let mut effects = rule.apply(context, &mut leaves)?;
        if a_index == b_index {
            // B is opened under the root that A left: it reads A's new leaf.
            let b = leaves.a;
            leaves = Leaves { b, ..old };
            effects = rule.apply(context, &mut leaves)?;
            debug_assert_eq!(leaves.a, b, "A's new leaf must not depend on B's");
        }
        let mut state = self.ledger_state();
        state.record(kind, &effects)?;
        Ok(Planned { indices: [a_index, b_index, j_index], leaves, effects, state })
    }
}

impl Source for Ledger {
    fn account_leaf(&self, index: Index) -> Account {
        self.accounts.get(index)
    }

    fn job_leaf(&self, index: Index) -> Job {
        self.jobs.get(index)
    }

    fn ledger_state(&self) -> LedgerState {
        self.state
    }
}

impl Ledger {
    /// Writes the leaves through successive roots and keeps the openings.
    pub(super) fn write(
        &mut self,
        kind: Kind,
        blocks: Vec<Block>,
        planned: &Planned,
        authorization: Option<Authorization>,
    ) -> Result<StepWitness, IndexError> {
        let [a_index, b_index, j_index] = planned.indices;
        let a = write_slot(&mut self.accounts, a_index, planned.leaves.a)?;
        let b = write_slot(&mut self.accounts, b_index, planned.leaves.b)?;
        let j = write_slot(&mut self.jobs, j_index, planned.leaves.j)?;
        self.state = planned.state;
        self.state.accounts_root = self.accounts.root();
        self.state.jobs_root = self.jobs.root();
        Ok(StepWitness { kind, blocks, a, b, j, authorization, r: [F::ZERO; 2] })
    }

    /// The plan that changes nothing: slots open index 0.
    pub(super) fn idle(&self) -> Planned {
        let leaves = Leaves { a: self.accounts.get(0), b: self.accounts.get(0), j: self.jobs.get(0) };
        Planned { indices: [0; 3], leaves, effects: Effects::default(), state: self.state }
    }

    pub(super) fn restore_leaves(
        &mut self,
        accounts: &[(Index, Account)],
        jobs: &[(Index, Job)],
        state: LedgerState,
    ) {
        // Latest first, so that the leaf from before the batch is written last.
        let accounts = accounts.iter().rev().try_for_each(|&(index, leaf)| self.accounts.set(index, leaf));
        let jobs = jobs.iter().rev().try_for_each(|&(index, leaf)| self.jobs.set(index, leaf));
        debug_assert!(accounts.is_ok() && jobs.is_ok(), "what was written before lies inside the trees");
        self.state = state;
    }
}

fn write_slot<L: Leaf>(tree: &mut Tree<L>, index: Index, new: L) -> Result<Slot<L>, IndexError> {
    let opening = tree.open(index)?;
    let old = tree.get(index);
    if old != new {
        tree.set(index, new.clone())?;
    }
    Ok(Slot { opening, old, new })
}

impl LedgerState {
    /// Counters and burned amount after a step of `kind`.
    ///
    /// # Errors
    /// [`RuleError::Overflow`] when more than 2^62 units would be burned.
    pub(crate) fn record(&mut self, kind: Kind, effects: &Effects) -> Result<(), RuleError> {
        self.burned = self.burned.checked_add(effects.burned).ok_or(RuleError::Overflow)?;
        self.next_account += Index::from(effects.account_created);
        self.next_job += Index::from(effects.job_created);
        self.l1_cursor += u64::from(kind == Kind::Deposit);
        self.beacon_cursor += u64::from(kind == Kind::RecordBeacon);
        Ok(())
    }
}

/// Adds a step's fee to the batch's.
pub(super) fn add_fee(fees: Amount, effects: &Effects) -> Result<Amount, RuleError> {
    fees.checked_add(effects.fee).ok_or(RuleError::Overflow)
}
