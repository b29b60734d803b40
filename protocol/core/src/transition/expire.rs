//! `Expire`: job J is overdue: the developer B is refunded, the winner A freed, and slashed if it is to blame.

use super::context::{credit, require_after, require_job_fee, require_lock};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::Amount;
use crate::state::{Account, Index, Job, JobStatus};
use crate::transaction::Expire;

/// The developer gets an eighth of a slash, rounded down; the rest is burned, so that griefing does not pay.
const COMPENSATION_BITS: u32 = 3;

impl Rule for Expire {
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
        if !job.status.is_live() {
            return Err(RuleError::WrongStatus {
                job: self.job,
                expected: JobStatus::Proving,
                is: job.status,
            });
        }
        // l1_time, not time: every beacon record and L1 operation made in time has then been consumed.
        require_after(context.l1_time, job.deadline)?;
        require_job_fee(job, self.fee)?;
        // A winner is to blame for a missing Submit and for a missing proof, not for a beacon that nobody recorded.
        let mut burned = Amount::ZERO;
        let mut compensation = Amount::ZERO;
        if job.winner != 0 {
            require_lock(winner, self.job)?;
            if job.status != JobStatus::Submitted {
                let slash = winner.locked;
                compensation =
                    Amount::new(slash.units() >> COMPENSATION_BITS).map_err(|_| RuleError::Overflow)?;
                burned = slash.checked_sub(compensation).ok_or(RuleError::Overflow)?;
                winner.stake = winner.stake.checked_sub(slash).ok_or(RuleError::Overflow)?;
            }
            winner.unlock();
        }
        credit(developer, job.budget)?;
        credit(developer, compensation)?;
        job.status = JobStatus::Expired;
        Ok(Effects { fee: self.fee, burned, ..Effects::default() })
    }
}
