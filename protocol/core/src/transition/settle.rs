//! `Settle`: the winner A of job J is paid the second price, the developer B gets the rest of the budget.

use super::context::{credit, require_job_fee, require_lock, require_status, require_until};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::claim::Claim;
use crate::state::{Account, Index, Job, JobStatus};
use crate::transaction::Settle;

impl Rule for Settle {
    fn job(&self, _: &Context) -> Index {
        self.job
    }

    fn account_a(&self, job: &Job) -> Index {
        job.winner
    }

    fn account_b(&self, _: &Context, _: &Account, job: &Job) -> Index {
        job.owner
    }

    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let Leaves { a: winner, b: developer, j: job } = leaves;
        require_status(job, self.job, JobStatus::Proving)?;
        require_until(context.time, job.deadline)?;
        require_job_fee(job, self.fee)?;
        require_lock(winner, self.job)?;
        if self.price != job.second_price {
            return Err(RuleError::WrongPrice { expected: job.second_price, got: self.price });
        }
        if self.output_root != job.output_root {
            return Err(RuleError::WrongOutput);
        }
        winner.unlock();
        winner.reputation = winner.reputation.checked_add(1).ok_or(RuleError::Overflow)?;
        credit(winner, self.price)?;
        credit(developer, job.budget.checked_sub(self.price).ok_or(RuleError::Overflow)?)?;
        job.status = JobStatus::Settled;
        let claim = Some(Claim::of(context.deployment, self.job, job));
        Ok(Effects { fee: self.fee, claim, ..Effects::default() })
    }
}
