//! `RecordBeacon`: starts the proving window of a job that waits for its beacon; changes nothing otherwise.

use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::state::{Index, JobStatus};
use crate::transaction::RecordBeacon;

impl Rule for RecordBeacon {
    fn job(&self, _: &Context) -> Index {
        self.job
    }

    fn apply(&self, _: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let job = &mut leaves.j;
        if job.status == JobStatus::Submitted && job.trace_root == self.trace_root {
            job.status = JobStatus::Proving;
            job.beacon = self.beacon;
            job.beacon_time = self.time;
            job.deadline = self.time + u64::from(job.proving_window);
        }
        Ok(Effects::default())
    }
}
