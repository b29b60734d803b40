//! One unit: looks at the ledger, does the next thing, and again.
//!
//! What is next follows from the ledger and the record on disk alone, never from memory, so a unit that was killed goes
//! on as if it had only been slow.

mod bid;
mod finish;
mod life;
mod send;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use janction_protocol::crypto::SecretKey;
use janction_protocol::state::{Account, Index, Job};
use janction_protocol::transition::Role;
use janction_protocol::{Deployment, Digest};
use tokio::sync::watch;

use crate::audit_keys::AuditKeys;
use crate::board::{Board, Claims, RETRY_MAX, RETRY_MIN};
use crate::client::{AccountView, Client, Info};
use crate::execute::Runner;
use crate::failpoint::Failpoint;
use crate::files::Files;
use crate::record::{JobRecord, Records};
use crate::{WorkerConfig, WorkerError};
use send::Step;

/// What all units of a process share.
pub(crate) struct Shared {
    pub deployment: Deployment,
    pub config: WorkerConfig,
    pub key: SecretKey,
    pub files: Files,
    pub claims: Claims,
    pub audit_keys: Arc<AuditKeys>,
    pub failpoint: Failpoint,
}

/// What tells a job from another that took its index after batches were taken back.
pub(crate) type Posting = (Index, u32, u64);

pub(crate) fn posting(job: &Job) -> Posting {
    (job.owner, job.nonce, job.bid_end)
}

/// The output of the job in hand.
struct Output {
    root: Digest,
    /// As a file; none once it is delivered.
    bytes: Option<Vec<u8>>,
}

/// A unit of this process.
pub(crate) struct Unit {
    index: Index,
    role: Role,
    records: Arc<Records>,
    client: Client,
    board: watch::Receiver<Board>,
    shared: Arc<Shared>,
    runner: Runner,
    /// The job in hand.
    current: Option<JobRecord>,
    /// Jobs that were looked at and left, with the reason's code and whether it stands for good.
    declined: HashMap<Index, (Posting, &'static str, bool)>,
    /// When something was sent last; it is sent again after a while, in case it was lost.
    sent: HashMap<Step, Instant>,
    /// The output that the `Submit` in the record names.
    output: Option<Output>,
    /// What was said about jobs, so that it is said once.
    said: HashSet<(Index, &'static str)>,
}

impl Unit {
    pub fn new(
        index: Index,
        role: Role,
        records: Records,
        client: Client,
        board: watch::Receiver<Board>,
        shared: Arc<Shared>,
        runner: Runner,
    ) -> Result<Self, WorkerError> {
        let current = records.current(&shared.deployment)?;
        if let Some(record) = &current {
            tracing::info!(unit = index, job = record.job, "going on with the job in hand");
            shared.claims.note(index, record.job);
        }
        let (declined, sent, said) = (HashMap::new(), HashMap::new(), HashSet::new());
        let records = Arc::new(records);
        let output = None;
        Ok(Self {
            index,
            role,
            records,
            client,
            board,
            shared,
            runner,
            current,
            declined,
            sent,
            output,
            said,
        })
    }

    /// Returns only with an error that no retry can mend.
    pub async fn serve(mut self) -> Result<(), WorkerError> {
        let poll = Duration::from_millis(self.shared.config.poll_ms.max(1));
        let mut wait = RETRY_MIN;
        loop {
            let rest = match self.tick().await {
                Ok(()) => {
                    wait = RETRY_MIN;
                    poll
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    let job = self.current.as_ref().map(|record| record.job);
                    metrics::counter!("janction_worker_errors_total", "code" => error.code()).increment(1);
                    tracing::warn!(unit = self.index, job, code = error.code(), %error, retry_in = ?wait, "failed");
                    let rest = wait;
                    wait = (wait * 2).min(RETRY_MAX);
                    rest
                }
            };
            // A report wakes it early: it may be about the job in hand. When nobody reports any more, the process ends.
            let _ = tokio::time::timeout(rest, self.board.changed()).await;
        }
    }

    /// Looks at the ledger once and does what is next.
    pub async fn tick(&mut self) -> Result<(), WorkerError> {
        let info = self.client.info().await?;
        if info.deployment != self.shared.deployment {
            let (expected, got) = (self.shared.deployment.rollup(), info.deployment.rollup());
            return Err(WorkerError::Rollup { expected, got });
        }
        let view = self.client.account(self.index).await?;
        if self.current.is_none() && view.account.lock_job != 0 {
            self.take_up(&view.account)?;
        }
        match self.current.clone() {
            Some(record) => self.advance(record, &info, &view).await,
            None if view.account.lock_job != 0 => Ok(()),
            None => self.look_for_work(&info, &view).await,
        }
    }

    /// The ledger says that a job holds this unit's stake, and no record of it is in hand: the ledger went back to before the
    /// job's end, or the folder was lost.
    fn take_up(&mut self, account: &Account) -> Result<(), WorkerError> {
        let (unit, job) = (self.index, account.lock_job);
        let sealed = account.seal != Digest::ZERO;
        let record = match self.records.ended(job, &self.shared.deployment)? {
            Some(ended) if !sealed || ended.sealed() == Some(account.seal) => {
                let mut record = ended;
                record.outcome = None;
                self.records.reopen(&record)?;
                record
            }
            _ if !sealed => {
                let record = JobRecord::new(self.shared.deployment, unit, job, None);
                self.records.keep(&record)?;
                record
            }
            _ => {
                if self.first_said(job, "salt-lost") {
                    tracing::error!(
                        unit, job, code = "salt-lost", bond = %account.locked,
                        "a sealed bid of this unit is open, but its price and salt are not in the data folder: without them the \
                         bond will be burned. Restore the folder before the reveal window ends"
                    );
                }
                return Ok(());
            }
        };
        tracing::warn!(unit, job, "took up a job that the ledger says is in hand");
        self.shared.claims.note(unit, job);
        self.current = Some(record);
        Ok(())
    }

    /// Whether this is said about a job for the first time.
    fn first_said(&mut self, job: Index, what: &'static str) -> bool {
        self.said.insert((job, what))
    }

    /// What a transaction of this unit costs a block.
    fn fee_per_block(&self, info: &Info) -> u64 {
        self.shared.config.fee_per_block.max(info.fee_per_block)
    }

    fn moment(&self, info: &Info, view: &AccountView) -> crate::decide::Moment {
        crate::decide::Moment {
            time: info.time,
            least_fee_per_block: info.fee_per_block,
            fee_per_block: self.fee_per_block(info),
            available: view.available,
        }
    }

    /// Why a job was left.
    #[cfg(test)]
    pub fn declined_code(&self, job: Index) -> Option<&'static str> {
        self.declined.get(&job).map(|&(_, code, _)| code)
    }
}
