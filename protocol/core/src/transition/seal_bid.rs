//! `SealBid`: unit A locks job J's stake and commits to a price.

use super::context::{
    pay, require_eligible, require_kind, require_operator_fee, require_status, require_until,
};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::Amount;
use crate::state::{AccountKind, Index, Job, JobStatus};
use crate::transaction::SealBid;

impl Rule for SealBid {
    fn job(&self, _: &Context) -> Index {
        self.job
    }

    fn account_a(&self, _: &Job) -> Index {
        self.unit
    }

    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let (unit, job) = (&mut leaves.a, &leaves.j);
        require_kind(unit, self.unit, AccountKind::Unit)?;
        require_operator_fee(self.fee)?;
        require_status(job, self.job, JobStatus::Posted)?;
        require_until(context.time, job.bid_end)?;
        require_eligible(unit, job)?;
        if unit.lock_job != 0 {
            return Err(RuleError::Locked { job: unit.lock_job });
        }
        if unit.stake < job.stake {
            return Err(RuleError::InsufficientStake { needed: job.stake, has: unit.stake });
        }
        pay(unit, Amount::ZERO, self.fee)?;
        unit.locked = job.stake;
        unit.lock_job = self.job;
        unit.lock_expiry = job.reveal_end;
        unit.seal = self.seal;
        Ok(Effects::fee(self.fee))
    }
}
