//! Jobs as users see them: what happened to each, who is told, and what provers reported.

use janction_protocol::Address;
use janction_protocol::ledger::ClosedBatch;
use janction_protocol::state::{Index, Job};
use janction_protocol::stream::Signer;
use tokio::sync::broadcast;

use super::Engine;
use crate::refusal::Refusal;
use crate::store::column::{Faults, JobEvents, Touched};
use crate::store::record::{FaultRecord, JobEvent, TransactionId};
use crate::store::{Progress, StoreError};

/// Events of a job that are told: the newest.
const TOLD_EVENTS: usize = 256;

/// Reports of a job that are kept: the newest.
const KEPT_FAULTS: usize = 16;

/// Bytes of a report's line that are kept.
const FAULT_BYTES: usize = 512;

/// What a report may be of.
pub const FAULT_CODES: [&str; 3] = ["false-row", "openings", "unprovable"];

/// A job with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its index.
    pub index: Index,
    /// After the last sealed batch; an empty leaf when the batch that posted it was taken back.
    pub job: Job,
    /// That batch.
    pub batch: u64,
    /// The batch of each step that touched it, and the step; oldest first.
    pub events: Vec<(u64, JobEvent)>,
    /// What provers reported, oldest first.
    pub faults: Vec<FaultRecord>,
}

impl Engine {
    /// A job with its history.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn job_view(&self, index: Index) -> Result<JobView, Refusal> {
        let job = self.job(index)?;
        Ok(self.view(index, job)?)
    }

    /// The same, but an empty leaf where there is no job: its batch may have been taken back.
    ///
    /// # Errors
    /// The database.
    pub fn job_or_gone(&self, index: Index) -> Result<JobView, Refusal> {
        Ok(self.view(index, self.ledger.job(index))?)
    }

    fn view(&self, index: Index, job: Job) -> Result<JobView, StoreError> {
        let mut events = Vec::new();
        for entry in self.store.from::<JobEvents>(&(index, 0, 0))? {
            let ((of, batch, _), event) = entry?;
            if of != index {
                break;
            }
            events.push((batch, event));
        }
        let events = events.split_off(events.len().saturating_sub(TOLD_EVENTS));
        let faults = self.store.get::<Faults>(&index)?.unwrap_or_default();
        Ok(JobView { index, job, batch: self.heads.sealed, events, faults })
    }

    /// Indices of jobs from `from` on, at most `limit`; and the one to go on from, 0 at the end.
    pub fn list_jobs(&self, from: Index, limit: usize, live: bool) -> (Vec<Index>, Index) {
        let end = self.ledger.state().next_job;
        let mut found: Vec<Index> = match live {
            true => self.live.range(from..).copied().take(limit + 1).collect(),
            false => (from.max(1)..end).take(limit + 1).collect(),
        };
        let next = if found.len() > limit { found.pop().unwrap_or_default() } else { 0 };
        (found, next)
    }

    /// Tells about jobs that change from now on.
    pub fn watch_jobs(&self) -> broadcast::Receiver<Index> {
        self.changes.subscribe()
    }

    /// A job has changed, or something of it came into the blob store.
    pub fn job_changed(&self, index: Index) {
        // Nobody may be watching.
        let _ = self.changes.send(index);
    }

    /// Writes down what a prover reported of a job, and forgets the oldest report when there are too many.
    ///
    /// - `now`: unix seconds.
    ///
    /// # Errors
    /// [`Refusal::Field`] for a code that there is not; the database.
    pub(super) fn note_fault(
        &mut self,
        index: Index,
        payee: Address,
        code: &str,
        reason: &str,
        now: u64,
    ) -> Result<(), Refusal> {
        if !FAULT_CODES.contains(&code) {
            let why = format!("must be one of {}", FAULT_CODES.join(", "));
            return Err(Refusal::Field { field: "fault.code", why });
        }
        let mut reason: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        reason.truncate((0..=FAULT_BYTES).rev().find(|&at| reason.is_char_boundary(at)).unwrap_or(0));
        tracing::warn!(job = index, %payee, code, reason, "a prover could not prove an audit");
        metrics::counter!("sequencer_audit_faults_total", "code" => code.to_owned()).increment(1);
        let mut faults = self.store.get::<Faults>(&index)?.unwrap_or_default();
        faults.push(FaultRecord { time: now, code: code.into(), reason, payee });
        let faults = faults.split_off(faults.len().saturating_sub(KEPT_FAULTS));
        let store = self.store.clone();
        let mut progress = store.begin();
        progress.put::<Faults>(&index, &faults)?;
        let result = progress.commit();
        self.written(result)?;
        self.job_changed(index);
        Ok(())
    }
}

/// Writes down which steps of a batch touched which jobs; returns the jobs.
pub(super) fn put_events(
    progress: &mut Progress<'_>,
    closed: &ClosedBatch,
    included: &[TransactionId],
) -> Result<(), StoreError> {
    let (number, time) = (closed.header.batch, closed.header.time);
    for (position, step) in (0u32..).zip(&closed.steps) {
        let job = step.j.opening.index;
        if job == 0 {
            continue;
        }
        // Step 0 opens the batch, the transactions follow in order, then what comes from L1.
        let transaction = (position as usize).checked_sub(1).and_then(|at| included.get(at)).copied();
        let account = if step.kind.signer() == Signer::None { 0 } else { step.a.opening.index };
        let event = JobEvent { time, kind: step.kind, account, transaction };
        progress.put::<JobEvents>(&(job, number, position), &event)?;
    }
    progress.put::<Touched>(&number, &touched(closed))
}

/// The jobs that a batch touches, each once.
pub(super) fn touched(closed: &ClosedBatch) -> Vec<Index> {
    let mut jobs: Vec<Index> = closed.steps.iter().map(|step| step.j.opening.index).collect();
    jobs.sort_unstable();
    jobs.dedup();
    jobs.retain(|&job| job != 0);
    jobs
}

/// Takes back the events of a batch; returns the jobs that it touched.
pub(super) fn undo_events(
    store: &crate::store::Store,
    progress: &mut Progress<'_>,
    number: u64,
) -> Result<Vec<Index>, StoreError> {
    let touched = store.get::<Touched>(&number)?.unwrap_or_default();
    for &job in &touched {
        progress.delete_range::<JobEvents>(&(job, number, 0), &(job, number + 1, 0))?;
    }
    progress.delete::<Touched>(&number)?;
    Ok(touched)
}
