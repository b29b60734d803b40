//! `Stake`: a unit's balance becomes stake.

use super::context::{pay, require_kind};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::state::{AccountKind, Index, Job};
use crate::transaction::Stake;

impl Rule for Stake {
    fn account_a(&self, _: &Job) -> Index {
        self.unit
    }

    fn apply(&self, _: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let unit = &mut leaves.a;
        require_kind(unit, self.unit, AccountKind::Unit)?;
        pay(unit, self.value, self.fee)?;
        unit.stake = unit.stake.checked_add(self.value).ok_or(RuleError::Overflow)?;
        Ok(Effects::fee(self.fee))
    }
}
