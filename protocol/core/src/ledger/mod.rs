//! The ledger in memory: the trees under the ledger state, batches on top.
//!
//! - [`BatchBuilder`]: a sequencer's way to a batch, transaction by transaction.
//! - [`Preview`]: what transactions would do, without hashing: for a mempool.
//! - [`apply_batch`]: an auditor's way to the same state from the public bytes alone.

mod apply;
mod batch;
mod builder;
mod error;
mod execute;
mod preview;

pub use apply::apply_batch;
pub use batch::{ClosedBatch, Receipt};
pub use builder::BatchBuilder;
pub use error::{ApplyError, CloseError, Refusal, SnapshotError};
pub use preview::Preview;

use serde::{Deserialize, Serialize};

use crate::state::{Account, Index, Job, LedgerState};
use crate::tree::Tree;
use crate::{Amount, Deployment};

/// Accounts, jobs and the state over them.
#[derive(Clone, Debug)]
pub struct Ledger {
    state: LedgerState,
    accounts: Tree<Account>,
    jobs: Tree<Job>,
}

/// A ledger at rest: what a store keeps. Its trees are rebuilt and compared with the roots on loading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerSnapshot {
    /// The ledger state.
    pub state: LedgerState,
    /// Account leaves from index 0 on.
    pub accounts: Vec<Account>,
    /// Job leaves from index 0 on.
    pub jobs: Vec<Job>,
}

impl Ledger {
    /// The ledger before the first batch: no accounts, no jobs; index 0 of both is never used.
    pub fn genesis(deployment: Deployment) -> Self {
        let (accounts, jobs) = (Tree::new(), Tree::new());
        let state = LedgerState {
            accounts_root: accounts.root(),
            jobs_root: jobs.root(),
            deployment,
            time: 0,
            batch: 0,
            next_account: 1,
            next_job: 1,
            burned: Amount::ZERO,
            l1_cursor: 0,
            beacon_cursor: 0,
        };
        Self { state, accounts, jobs }
    }

    /// What the ledger root commits to.
    pub fn state(&self) -> &LedgerState {
        &self.state
    }

    /// The account at `index` (an empty one, if it was never created).
    pub fn account(&self, index: Index) -> Account {
        self.accounts.get(index)
    }

    /// The job at `index` (an empty one, if it was never posted).
    pub fn job(&self, index: Index) -> Job {
        self.jobs.get(index)
    }

    /// Accounts with their indices, from 1 on.
    pub fn accounts(&self) -> impl Iterator<Item = (Index, &Account)> {
        self.accounts.leaves().iter().zip(0..).skip(1).map(|(account, index)| (index, account))
    }

    /// Jobs with their indices, from 1 on.
    pub fn jobs(&self) -> impl Iterator<Item = (Index, &Job)> {
        self.jobs.leaves().iter().zip(0..).skip(1).map(|(job, index)| (index, job))
    }

    /// The account tree, for openings.
    pub fn account_tree(&self) -> &Tree<Account> {
        &self.accounts
    }

    /// The job tree, for openings.
    pub fn job_tree(&self) -> &Tree<Job> {
        &self.jobs
    }

    /// Balances + stakes + budgets and fee reserves of live jobs + burned, in units. Between two batches this is what
    /// was deposited less what was withdrawn.
    pub fn holdings(&self) -> u128 {
        let accounts = self.accounts.leaves().iter().flat_map(|a| [a.balance, a.stake]);
        let jobs = self.jobs.leaves().iter().filter(|j| j.status.is_live()).flat_map(|j| [j.budget, j.fee]);
        accounts.chain(jobs).chain([self.state.burned]).map(|amount| u128::from(amount.units())).sum()
    }

    /// What a store keeps.
    pub fn snapshot(&self) -> LedgerSnapshot {
        LedgerSnapshot {
            state: self.state,
            accounts: self.accounts.leaves().to_vec(),
            jobs: self.jobs.leaves().to_vec(),
        }
    }

    /// Rebuilds the trees and compares them with the state's roots.
    ///
    /// # Errors
    /// [`SnapshotError`] when they differ: the snapshot is damaged.
    pub fn restore(snapshot: LedgerSnapshot) -> Result<Self, SnapshotError> {
        if !snapshot.state.is_bounded() {
            return Err(SnapshotError::Bounds);
        }
        let accounts = Tree::from_leaves(snapshot.accounts)?;
        let jobs = Tree::from_leaves(snapshot.jobs)?;
        let state = snapshot.state;
        for (tree, expected, got) in
            [("account", state.accounts_root, accounts.root()), ("job", state.jobs_root, jobs.root())]
        {
            if expected != got {
                return Err(SnapshotError::Root { tree, expected, got });
            }
        }
        Ok(Self { state, accounts, jobs })
    }
}
