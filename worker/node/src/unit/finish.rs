//! The winner's work: run, commit, deliver, submit; later, open what is audited.

use std::sync::Arc;

use janction_program::npy;
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::state::Job;
use janction_protocol::transaction::{Submit, Transaction};
use janction_trace::Trace;

use super::life::Standing;
use super::send::{Answer, Step, wants_signing};
use super::{Output, Unit};
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
        let submit = submission(&record);
        let known = self.output.as_ref().map(|output| output.root);
        let signed = match &record.submit {
            Some(signed) if known == submit.map(|submit| submit.output_root) => signed.clone(),
            _ => {
                let root = submit.map(|submit| submit.trace_root);
                self.run(&mut record, &view.job, root, (info, own)).await?
            }
        };
        if !self.deliver(&mut record, &signed, (info, own)).await? {
            return Ok(());
        }
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

    /// Runs the job, or takes up its trace, and signs its `Submit`.
    async fn run(
        &mut self,
        record: &mut JobRecord,
        leaf: &Job,
        submitted: Option<Digest>,
        (info, own): (&Info, &AccountView),
    ) -> Result<Signed, WorkerError> {
        let (unit, job) = (self.index, record.job);
        let (_, trace) = self.trace(leaf, job, submitted).await?;
        let (trace_root, output_root) = (trace.trace_root(), trace.output_root());
        let bytes = Some(npy::encode(trace.output().tensor()));
        let submit = |fee| Submit { fee, unit, job, trace_root, output_root }.into();
        let signed = self.sign(record, Step::Submit, (info, own), submit)?;
        self.output = Some(Output { root: output_root, bytes });
        Ok(signed)
    }

    /// Uploads the output: it is there before its root is, for nobody shall pay for what cannot be had. Whether `Submit` may
    /// follow.
    async fn deliver(
        &mut self,
        record: &mut JobRecord,
        signed: &Signed,
        seen: (&Info, &AccountView),
    ) -> Result<bool, WorkerError> {
        let Some(Output { root, bytes: Some(bytes) }) = &self.output else { return Ok(true) };
        let (unit, job, root, length) = (self.index, record.job, *root, bytes.len());
        self.shared.failpoint.hit()?;
        let reason = Reason::Transaction(signed.bytes());
        let put = self.client.put_blob(Class::Output, root, reason, bytes.clone()).await;
        self.shared.failpoint.hit()?;
        let error = match put {
            Ok(()) => {
                self.output = Some(Output { root, bytes: None });
                tracing::info!(unit, job, bytes = length, output = %root, "output delivered");
                return Ok(true);
            }
            Err(error) if error.refusal().is_empty() => return Err(error.into()),
            Err(error) => error,
        };
        // Its transaction is not admissible. Where it waits or is included already, all is well; where its nonce or fee
        // will not do, it is signed again. Otherwise it is not its time yet.
        if self.standing(record, Step::Submit).await? != Standing::Gone {
            return Ok(true);
        }
        tracing::debug!(unit, job, %error, "the output is not taken yet");
        if wants_signing(error.refusal()) {
            self.sign_again(record, Step::Submit, signed, seen, error.refusal())?;
        }
        Ok(false)
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
        let (runner, records, own) = (self.runner.clone(), Arc::clone(&self.records), Arc::clone(&files));
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
