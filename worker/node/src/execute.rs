//! Running a job: the executor, the test instrument, and the trace on disk.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use janction_executor::Executor;
use janction_protocol::Digest;
use janction_protocol::state::Index;
use janction_trace::Trace;

use crate::falsify::falsify;
use crate::files::JobFiles;
use crate::record::Records;
use crate::{Falsify, WorkerError};

/// Runs jobs and keeps their traces.
#[derive(Clone)]
pub(crate) struct Runner {
    pub executor: Arc<dyn Executor>,
    pub falsify: Option<Falsify>,
}

impl Runner {
    /// The trace of a job that has the submitted root `root`, or, where nothing is submitted yet, any root: the one that
    /// was kept, or else a new one. Programs give the same bits on every device and at every time, so a trace that was
    /// lost is made again.
    ///
    /// Blocks for as long as the job takes.
    pub fn trace(
        &self,
        records: &Records,
        job: Index,
        files: &JobFiles,
        root: Option<Digest>,
    ) -> Result<Trace, WorkerError> {
        let wanted = |trace: &Trace| root.is_none_or(|root| trace.trace_root() == root);
        if let Ok(bytes) = fs::read(records.trace_path(job)) {
            match Trace::from_bytes(&files.program, files.input.clone(), &bytes) {
                Ok(trace) if wanted(&trace) => return Ok(trace),
                Ok(_) => tracing::warn!(job, "the kept trace is another one: running the job again"),
                Err(error) => tracing::warn!(job, %error, "the kept trace is damaged: running the job again"),
            }
        }
        let trace = self.run(job, files)?;
        if !wanted(&trace) {
            let reason = "running it again gives another trace than was submitted".into();
            return Err(WorkerError::Content { job, what: "trace", reason });
        }
        records.keep_trace(job, &trace.to_bytes())?;
        Ok(trace)
    }

    fn run(&self, job: Index, files: &JobFiles) -> Result<Trace, WorkerError> {
        let JobFiles { program, input } = files;
        let start = Instant::now();
        let (rows, device) = (input.rows(), self.executor.device());
        tracing::info!(job, rows, %device, program = program.name(), "running");
        let trace = self.executor.run(program, input.clone())?;
        let seconds = start.elapsed().as_secs_f64();
        metrics::histogram!("janction_worker_run_seconds").record(seconds);
        tracing::info!(job, rows, seconds, output = %trace.output_root(), "run and committed to");
        match &self.falsify {
            Some(what) => falsify(program, trace, what),
            None => Ok(trace),
        }
    }
}
