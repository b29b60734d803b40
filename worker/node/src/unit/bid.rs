//! Looking for work: which job to bid on, and the sealed bid.

use std::sync::Arc;

use janction_executor::ExecutorError;
use janction_protocol::Amount;
use janction_protocol::state::Job;
use janction_trace::Policy;

use super::{Unit, posting};
use crate::client::{AccountView, Info, JobView};
use crate::files::NoFiles;
use crate::record::{Bid, JobRecord};
use crate::{Decline, WorkerError, decide};

/// Why a job is not bid on: a reason of its own, or something that failed.
enum NoBid {
    Declined(Decline),
    Failed(WorkerError),
}

impl From<Decline> for NoBid {
    fn from(decline: Decline) -> Self {
        Self::Declined(decline)
    }
}

impl From<NoFiles> for NoBid {
    fn from(reason: NoFiles) -> Self {
        match reason {
            NoFiles::Declined(decline) => Self::Declined(decline),
            NoFiles::Failed(error) => Self::Failed(error),
        }
    }
}

impl<E: Into<WorkerError>> From<E> for NoBid {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Unit {
    /// Bids on the first job that is worth it, those whose bids end first before the others.
    pub(super) async fn look_for_work(&mut self, info: &Info, view: &AccountView) -> Result<(), WorkerError> {
        let mut jobs: Vec<JobView> = self.board.borrow_and_update().values().cloned().collect();
        self.declined.retain(|index, _| jobs.iter().any(|job| job.index == *index));
        jobs.sort_by_key(|job| (job.job.bid_end, job.index));
        for job in jobs {
            if self.is_declined(&job) {
                continue;
            }
            match self.consider(&job, info, view).await {
                Ok(price) => return self.bid(&job, price).await,
                Err(reason) => {
                    self.shared.claims.release(self.index);
                    match reason {
                        NoBid::Declined(decline) => self.decline(&job, &decline),
                        NoBid::Failed(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }

    fn is_declined(&self, view: &JobView) -> bool {
        let declined = self.declined.get(&view.index);
        declined.is_some_and(|&(of, _, for_good)| for_good && of == posting(&view.job))
    }

    /// Notes why a job is left, and says it unless it was said.
    pub(super) fn decline(&mut self, view: &JobView, decline: &Decline) {
        let code = decline.code();
        let note = (posting(&view.job), code, !decline.may_change());
        if self.declined.insert(view.index, note).is_none_or(|(of, said, _)| (of, said) != (note.0, code)) {
            metrics::counter!("janction_worker_declines_total", "code" => code).increment(1);
            tracing::info!(unit = self.index, job = view.index, code, reason = %decline, "no bid");
        }
    }

    /// The price to bid: everything that the job names was fetched and checked, and its audit key recompiled.
    async fn consider(&mut self, view: &JobView, info: &Info, own: &AccountView) -> Result<Amount, NoBid> {
        let job = &view.job;
        let shared = Arc::clone(&self.shared);
        let bids = &shared.config.policy;
        decide::terms(bids, &self.moment(info, own), &own.account, job)?;
        let policy = Policy::from_code(job.policy).map_err(|_| Decline::Policy(job.policy))?;
        shared.claims.claim(self.index, view.index)?;
        let files = shared.files.of(&mut self.client, bids, job).await?;
        let price = decide::price(bids, job, &files.program)?;
        match self.runner.executor.fits(&files.program, job.input_rows as usize) {
            Ok(()) => {}
            // Neither the program nor the unit's share changes while the process runs.
            Err(ExecutorError::TooLittleMemory { needed, given, .. }) => {
                return Err(Decline::Vram { needed, given }.into());
            }
            Err(error) => return Err(error.into()),
        }
        let keys = Arc::clone(&shared.audit_keys);
        let recompiled = tokio::task::spawn_blocking(move || keys.digest(&files.program, policy));
        match recompiled.await.map_err(WorkerError::panicked)? {
            Ok(recompiled) if recompiled == job.audit_key => {}
            Ok(recompiled) => return Err(Decline::AuditKey { recompiled, demanded: job.audit_key }.into()),
            // What fails follows from program and policy, so it fails again.
            Err(error) => return Err(Decline::Unauditable(error.to_string()).into()),
        }
        // That may have taken a while, and the job may be another by now.
        let (info, own) = (self.client.info().await?, self.client.account(self.index).await?);
        let now: Job = self.client.job(view.index).await?.job;
        if posting(&now) != posting(job) {
            return Err(Decline::Unavailable("the job was taken back".into()).into());
        }
        decide::terms(bids, &self.moment(&info, &own), &own.account, &now)?;
        Ok(price)
    }

    /// Seals a bid: price and salt are on disk, with the signed transaction, before anything is sent.
    async fn bid(&mut self, view: &JobView, price: Amount) -> Result<(), WorkerError> {
        let (unit, job) = (self.index, view.index);
        let bid = Bid { price, salt: salt()? };
        let record = JobRecord::new(self.shared.deployment, unit, job, Some(bid));
        tracing::info!(unit, job, %price, budget = %view.job.budget, stake = %view.job.stake, "bidding");
        metrics::counter!("janction_worker_bids_total").increment(1);
        let (info, own) = (self.client.info().await?, self.client.account(unit).await?);
        self.send_seal(record, view, &info, &own).await
    }
}

/// 28 random bytes as 7-byte limbs.
fn salt() -> Result<[u64; 4], WorkerError> {
    let mut bytes = [0; 28];
    getrandom::fill(&mut bytes).map_err(|error| WorkerError::Random(error.to_string()))?;
    let limb = |i: usize| bytes[7 * i..7 * (i + 1)].iter().fold(0, |x, &byte| x << 8 | u64::from(byte));
    Ok([limb(0), limb(1), limb(2), limb(3)])
}
