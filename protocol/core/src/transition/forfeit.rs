//! `Forfeit`: the bond of unit A, whose seal for job J was not revealed in its window, is burned.

use super::context::{require_after, require_job_fee, require_kind, require_lock};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::state::{AccountKind, Index, Job};
use crate::transaction::Forfeit;

impl Rule for Forfeit {
    fn job(&self, _: &Context) -> Index {
        self.job
    }

    fn account_a(&self, _: &Job) -> Index {
        self.unit
    }

    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let (unit, job) = (&mut leaves.a, &leaves.j);
        require_kind(unit, self.unit, AccountKind::Unit)?;
        require_lock(unit, self.job)?;
        require_job_fee(job, self.fee)?;
        if unit.lock_expiry == 0 {
            return Err(RuleError::NoSeal);
        }
        // l1_time, not time: a reveal that was forced through L1 in its window has then been consumed.
        require_after(context.l1_time, unit.lock_expiry)?;
        let bond = unit.locked;
        // The fee comes out of the bond, so unrevealed seals cannot use up the job's reserve; PostJob made sure that
        // the bond is at least budget + fee. The developer gets nothing: a share would make shill bids cheaper.
        let burned = bond.checked_sub(self.fee).ok_or(RuleError::Overflow)?;
        unit.stake = unit.stake.checked_sub(bond).ok_or(RuleError::Overflow)?;
        unit.unlock();
        Ok(Effects { fee: self.fee, burned, ..Effects::default() })
    }
}
