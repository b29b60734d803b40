//! The life of the job in hand: what is next, by the ledger.

use janction_protocol::state::{Job, JobStatus};
use janction_protocol::{Amount, Digest};
use janction_rpc::v1::TransactionStage;
use tracing::{error, info, warn};

use super::Unit;
use super::send::Step;
use crate::WorkerError;
use crate::client::{AccountView, Info, JobView};
use crate::record::{JobRecord, Outcome};

/// Where a transaction of this unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was never signed, or the sequencer will not include it.
    Gone,
    /// It waits for a batch.
    Waiting,
    /// It is in a sealed batch.
    Included,
}

impl Unit {
    /// Does what is next for the job in hand.
    pub(super) async fn advance(
        &mut self,
        mut record: JobRecord,
        info: &Info,
        own: &AccountView,
    ) -> Result<(), WorkerError> {
        let view = match self.client.job(record.job).await {
            // The batch that posted it was taken back; it will come again, or its seal be refused.
            Err(error) if error.refusal() == "not-found" => return Ok(()),
            answer => answer?,
        };
        let job = &view.job;
        let held = own.account.lock_job == record.job;
        let sealed = own.account.seal != Digest::ZERO;
        match job.status {
            JobStatus::Empty => Ok(()),
            JobStatus::Posted if held && sealed => self.sealed(record, &view, info, own).await,
            JobStatus::Posted if held && info.time > job.reveal_end => {
                self.submit(record, &view, info, own).await
            }
            JobStatus::Posted if held => {
                if self.first_said(record.job, "leading") {
                    info!(unit = self.index, job = record.job, second = %job.second_price, "the best bid so far");
                }
                Ok(())
            }
            JobStatus::Posted => self.not_held(record, &view, info, own).await,
            _ if job.winner != self.index && held => {
                self.say_missed(&record, own);
                Ok(())
            }
            _ if job.winner != self.index => self.not_held(record, &view, info, own).await,
            JobStatus::Submitted => {
                if self.first_said(record.job, "beacon") {
                    info!(unit = self.index, job = record.job, "submitted; waiting for the beacon");
                }
                Ok(())
            }
            JobStatus::Proving => self.open(&record, &view).await,
            JobStatus::Settled => {
                record.outcome = None;
                self.end(record, Outcome::Settled { price: job.second_price }, Some(&view))
            }
            JobStatus::Expired => {
                let outcome = expired(job, &view);
                self.end(record, outcome, Some(&view))
            }
        }
    }

    /// The seal is in a batch and not revealed.
    async fn sealed(
        &mut self,
        record: JobRecord,
        view: &JobView,
        info: &Info,
        own: &AccountView,
    ) -> Result<(), WorkerError> {
        let job = &view.job;
        if record.sealed() != Some(own.account.seal) {
            if self.first_said(record.job, "foreign-seal") {
                error!(
                    unit = self.index, job = record.job, code = "salt-lost", bond = %own.account.locked,
                    "the open bid is not the one in the data folder: another process bids with this unit's key, or an old copy \
                     of the folder was restored"
                );
            }
            return Ok(());
        }
        if info.sealed_time > job.reveal_end {
            self.say_missed(&record, own);
            return Ok(());
        }
        if info.time > job.bid_end {
            return self.send_reveal(record, info, own).await;
        }
        if self.first_said(record.job, "sealed") {
            info!(unit = self.index, job = record.job, until = job.bid_end, "the bid is sealed");
        }
        Ok(())
    }

    fn say_missed(&mut self, record: &JobRecord, own: &AccountView) {
        if self.first_said(record.job, "reveal-missed") {
            error!(
                unit = self.index, job = record.job, code = "reveal-missed", bond = %own.account.locked,
                "the reveal is in no batch of its window: anyone may forfeit the bond now"
            );
        }
    }

    /// The job does not hold this unit's stake: before its seal is in a batch, or after the auction.
    async fn not_held(
        &mut self,
        record: JobRecord,
        view: &JobView,
        info: &Info,
        own: &AccountView,
    ) -> Result<(), WorkerError> {
        let job = &view.job;
        if record.bid.is_none() || self.standing(&record, Step::Reveal).await? == Standing::Included {
            // A winner holds its lock, so what was just read is from before the reveal's batch: look again.
            if job.winner == self.index || !self.still_unlocked(&record).await? {
                return Ok(());
            }
            return self.end(record, Outcome::Lost { winner: job.winner }, Some(view));
        }
        let over = info.sealed_time > job.reveal_end;
        match self.standing(&record, Step::Seal).await? {
            Standing::Included if over && self.still_unlocked(&record).await? => {
                self.end(record, Outcome::Forfeited { bond: job.stake }, Some(view))
            }
            // What was just read is from before the seal's batch.
            Standing::Included => Ok(()),
            Standing::Waiting if !over => Ok(()),
            Standing::Waiting | Standing::Gone if info.sealed_time > job.bid_end => {
                let (code, reason) = ("too-late".into(), "the seal was in no batch of the bid window".into());
                self.end(record, Outcome::NotBid { code, reason }, Some(view))
            }
            Standing::Waiting => Ok(()),
            Standing::Gone => self.send_seal(record, view, info, own).await,
        }
    }

    /// Asks again: the account and a transaction's stage are read one after the other, and a batch may lie between.
    async fn still_unlocked(&mut self, record: &JobRecord) -> Result<bool, WorkerError> {
        Ok(self.client.account(self.index).await?.account.lock_job != record.job)
    }

    pub(super) async fn standing(&mut self, record: &JobRecord, step: Step) -> Result<Standing, WorkerError> {
        let mut record = record.clone();
        let Some(signed) = step.slot(&mut record) else { return Ok(Standing::Gone) };
        let id = signed.transaction().id()?;
        Ok(match self.client.stage(id).await? {
            Some(TransactionStage::Pending) => Standing::Waiting,
            Some(TransactionStage::Sealed | TransactionStage::Committed | TransactionStage::Proven) => {
                Standing::Included
            }
            _ => Standing::Gone,
        })
    }

    /// Files the job in hand; the unit is free for the next one.
    pub(super) fn end(
        &mut self,
        mut record: JobRecord,
        outcome: Outcome,
        view: Option<&JobView>,
    ) -> Result<(), WorkerError> {
        record.outcome = Some(outcome);
        self.records.end(&record)?;
        self.shared.claims.release(self.index);
        self.current = None;
        self.sent.clear();
        self.output = None;
        self.said.clear();
        if let Some(outcome) = &record.outcome {
            tell(&record, outcome, view);
        }
        Ok(())
    }
}

/// How an expired job ended for its winner.
fn expired(job: &Job, view: &JobView) -> Outcome {
    let stake = job.stake;
    let submitted = job.submit_time != 0;
    if submitted && !job.is_full() && job.beacon_time == 0 {
        return Outcome::Released { reason: "nobody recorded its beacon in time".into() };
    }
    let (code, reason) = match (submitted, view.faults.last()) {
        (false, _) => ("submit-missed", "no Submit of this unit was in a batch of its window".into()),
        (true, Some(fault)) => ("not-proven", format!("{}: {}", fault.code, fault.reason)),
        (true, None) => ("not-proven", "no proof of its audit was handed in within the window".into()),
    };
    Outcome::Slashed { code: code.into(), reason, stake }
}

/// Says and counts how a job ended.
fn tell(record: &JobRecord, outcome: &Outcome, view: Option<&JobView>) {
    let (unit, job) = (record.unit, record.job);
    let lost = |amount: &Amount| {
        metrics::counter!("janction_worker_lost_units_total").increment(amount.units());
    };
    match outcome {
        Outcome::NotBid { code, reason } => info!(unit, job, code, reason, "the bid is in no batch"),
        Outcome::Lost { winner } => {
            metrics::counter!("janction_worker_auctions_lost_total").increment(1);
            info!(unit, job, winner, "another unit won; the stake is free");
        }
        Outcome::Forfeited { bond } => {
            lost(bond);
            error!(unit, job, code = "forfeited", %bond, "the bid was not revealed in time: its bond is burned");
        }
        Outcome::Settled { price } => {
            metrics::counter!("janction_worker_settled_total").increment(1);
            metrics::counter!("janction_worker_earned_units_total").increment(price.units());
            info!(unit, job, %price, "settled and paid");
        }
        Outcome::Slashed { code, reason, stake } => {
            metrics::counter!("janction_worker_slashed_total").increment(1);
            lost(stake);
            error!(unit, job, code, reason, %stake, "the job expired: the stake is slashed");
            for fault in view.iter().flat_map(|view| &view.faults) {
                let (code, reason) = (&fault.code, &fault.reason);
                error!(unit, job, code, reason, time = fault.time, "a prover reported");
            }
        }
        Outcome::Released { reason } => warn!(unit, job, reason, "the job expired; the stake is free"),
    }
}
