//! The winner's work: run, commit, deliver, submit; later, open what is audited.

use std::sync::Arc;

use janction_program::npy;
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::state::Job;
use janction_protocol::transaction::{Submit, Transaction};
use janction_trace::Trace;

use super::Unit;
use super::send::{Answer, Step};
use crate::client::{AccountView, Class, Info, JobView, Reason};
use crate::files::JobFiles;
use crate::record::{JobRecord, Signed};
use crate::{BidPolicy, WorkerError, openings};

impl Unit {
    /// Runs the job, delivers the output and submits.
    pub(super) async fn submit(
        &mut self,
        mut record: JobRecord,
        view: &JobView,
        info: &Info,
        own: &AccountView,
    ) -> Result<(), WorkerError> {
        if self.is_sent(Step::Submit) {
            return Ok(());
        }
        let (unit, job) = (self.index, record.job);
        if self.first_said(job, "won") {
            tracing::info!(unit, job, price = %view.job.second_price, until = view.job.submit_end, "won");
        }
        let signed = match (submission(&record), &record.submit) {
            (Some(submit), Some(signed)) if self.delivered == Some(submit.output_root) => signed.clone(),
            (submit, _) => {
                let root = submit.map(|submit| submit.trace_root);
                self.deliver(&mut record, &view.job, root, (info, own)).await?
            }
        };
        let answer = self.send(&mut record, Step::Submit, &signed, (info, own)).await?;
        if let Answer::Refused { code, reason } = answer {
            // A displacement that was not seen yet, or the window's end; the ledger will say.
            self.note_sent(Step::Submit);
            if self.first_said(job, "submit-refused") {
                tracing::warn!(unit, job, code, reason, "Submit is refused");
            }
        }
        Ok(())
    }

    /// Runs the job, signs its `Submit` and uploads the output: it is there before its root is, for nobody shall pay for
    /// what cannot be had.
    async fn deliver(
        &mut self,
        record: &mut JobRecord,
        leaf: &Job,
        submitted: Option<Digest>,
        (info, own): (&Info, &AccountView),
    ) -> Result<Signed, WorkerError> {
        let (unit, job) = (self.index, record.job);
        let (_, trace) = self.trace(leaf, job, submitted).await?;
        let (trace_root, output_root) = (trace.trace_root(), trace.output_root());
        let submit = |fee| Submit { fee, unit, job, trace_root, output_root }.into();
        let signed = self.sign(record, Step::Submit, (info, own), submit)?;
        let output = npy::encode(trace.output().tensor());
        let bytes = output.len();
        self.shared.failpoint.hit()?;
        let reason = Reason::Transaction(signed.bytes());
        let put = self.client.put_blob(Class::Output, output_root, reason, output).await;
        self.shared.failpoint.hit()?;
        match put {
            Ok(()) => {
                self.delivered = Some(output_root);
                tracing::info!(unit, job, bytes, output = %output_root, "output delivered");
            }
            // Its transaction may not be admissible now. Submit is refused for the same reason, and signed again or sent
            // later; then the output comes again.
            Err(error) if !error.refusal().is_empty() => {
                tracing::debug!(unit, job, %error, "the output is not taken yet");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(signed)
    }

    /// Uploads what the audit opens, once the rows are known.
    pub(super) async fn open(&mut self, record: &JobRecord, view: &JobView) -> Result<(), WorkerError> {
        let (unit, job) = (self.index, record.job);
        let claim = Claim::of(self.shared.deployment, job, &view.job);
        let name = claim.digest();
        if view.has(Class::Openings, name) {
            if self.first_said(job, "proving") {
                let until = view.job.deadline;
                tracing::info!(unit, job, until, "opened; waiting for the audit's proof");
            }
            return Ok(());
        }
        if self.is_sent(Step::Openings) {
            return Ok(());
        }
        let (files, trace) = self.trace(&view.job, job, Some(view.job.trace_root)).await?;
        let keys = Arc::clone(&self.shared.audit_keys);
        let opened =
            tokio::task::spawn_blocking(move || openings::encode(&keys, &files.program, trace, &claim));
        let bytes = opened.await.map_err(WorkerError::panicked)??;
        let length = bytes.len();
        self.shared.failpoint.hit()?;
        self.client.put_blob(Class::Openings, name, Reason::Job(job), bytes).await?;
        self.shared.failpoint.hit()?;
        self.note_sent(Step::Openings);
        tracing::info!(unit, job, bytes = length, claim = %name, "openings delivered");
        Ok(())
    }

    /// The job's files and its trace, which is on disk when this returns.
    async fn trace(
        &mut self,
        job: &Job,
        index: u32,
        root: Option<Digest>,
    ) -> Result<(Arc<JobFiles>, Trace), WorkerError> {
        let shared = Arc::clone(&self.shared);
        // The job is in hand: the policy's limits have been passed, or do not count any more.
        let anything = BidPolicy {
            max_program_bytes: u64::MAX,
            max_input_bytes: u64::MAX,
            max_multiply_adds: u64::MAX,
            ..shared.config.policy.clone()
        };
        let files = shared.files.of(&mut self.client, &anything, job).await.map_err(|e| e.of_job(index))?;
        let files = Arc::new(files);
        let (runner, records, own) = (shared.runner.clone(), Arc::clone(&self.records), Arc::clone(&files));
        let run = tokio::task::spawn_blocking(move || runner.trace(&records, index, &own, root));
        Ok((files, run.await.map_err(WorkerError::panicked)??))
    }
}

/// What was signed before.
fn submission(record: &JobRecord) -> Option<Submit> {
    match &record.submit.as_ref()?.transaction().transaction {
        Transaction::Submit(submit) => Some(*submit),
        _ => None,
    }
}
