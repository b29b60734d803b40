//! `RevealBid`: unit A opens its seal; the auction of job J takes the bid in; unit B, if displaced, is freed.

use super::context::{
    pay, require_after, require_eligible, require_kind, require_lock, require_operator_fee, require_status,
    require_until,
};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::state::{Account, AccountKind, Index, Job, JobStatus};
use crate::transaction::{RevealBid, seal};
use crate::{Amount, Digest};

impl RevealBid {
    /// Ties go to the earlier reveal.
    fn wins(&self, job: &Job) -> bool {
        job.winner == 0 || self.price < job.best_price
    }
}

impl Rule for RevealBid {
    fn job(&self, _: &Context) -> Index {
        self.job
    }

    fn account_a(&self, _: &Job) -> Index {
        self.unit
    }

    fn account_b(&self, _: &Context, _: &Account, job: &Job) -> Index {
        if self.wins(job) { job.winner } else { 0 }
    }

    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let Leaves { a: unit, b: displaced, j: job } = leaves;
        require_kind(unit, self.unit, AccountKind::Unit)?;
        require_operator_fee(self.fee)?;
        require_status(job, self.job, JobStatus::Posted)?;
        require_after(context.time, job.bid_end)?;
        require_until(context.time, job.reveal_end)?;
        require_eligible(unit, job)?;
        require_lock(unit, self.job)?;
        if unit.seal != seal(self.unit, self.job, self.price, self.salt) {
            return Err(RuleError::WrongSeal);
        }
        if self.price > job.budget {
            return Err(RuleError::AboveBudget { price: self.price, budget: job.budget });
        }
        pay(unit, Amount::ZERO, self.fee)?;
        // The seal is open; what is left of the lock, if anything, is the winner's.
        unit.seal = Digest::ZERO;
        unit.lock_expiry = 0;
        if !self.wins(job) {
            unit.unlock();
            if self.price < job.second_price {
                job.second_price = self.price;
                job.runner_up = self.unit;
            }
            return Ok(Effects::fee(self.fee));
        }
        if job.winner == 0 {
            // Alone so far: paid the budget, which `second_price` holds.
            job.deadline = job.submit_end;
        } else {
            require_lock(displaced, self.job)?;
            displaced.unlock();
            job.second_price = job.best_price;
            job.runner_up = job.winner;
        }
        job.winner = self.unit;
        job.best_price = self.price;
        Ok(Effects::fee(self.fee))
    }
}
