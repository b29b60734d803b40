//! `Submit`: the winner A of job J commits to trace and output.

use super::context::{pay, require_after, require_kind, require_operator_fee, require_status, require_until};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::Amount;
use crate::state::{AccountKind, Index, Job, JobStatus};
use crate::transaction::Submit;

impl Rule for Submit {
    fn job(&self, _: &Context) -> Index {
        self.job
    }

    fn account_a(&self, _: &Job) -> Index {
        self.unit
    }

    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let (unit, job) = (&mut leaves.a, &mut leaves.j);
        require_kind(unit, self.unit, AccountKind::Unit)?;
        require_operator_fee(self.fee)?;
        require_status(job, self.job, JobStatus::Posted)?;
        require_after(context.time, job.reveal_end)?;
        require_until(context.time, job.submit_end)?;
        if job.winner != self.unit {
            return Err(RuleError::NotTheWinner { unit: self.unit, winner: job.winner });
        }
        pay(unit, Amount::ZERO, self.fee)?;
        job.trace_root = self.trace_root;
        job.output_root = self.output_root;
        job.submit_time = context.time;
        job.submit_batch = context.batch;
        let (status, window) = if job.is_full() {
            (JobStatus::Proving, job.proving_window)
        } else {
            (JobStatus::Submitted, job.beacon_window)
        };
        job.status = status;
        job.deadline = context.time + u64::from(window);
        Ok(Effects::fee(self.fee))
    }
}
