//! `Unstake`: unlocked stake becomes balance.

use super::context::{credit, pay, require_kind};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::Amount;
use crate::state::{AccountKind, Index, Job};
use crate::transaction::Unstake;

impl Rule for Unstake {
    fn account_a(&self, _: &Job) -> Index {
        self.unit
    }

    fn apply(&self, _: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        let unit = &mut leaves.a;
        require_kind(unit, self.unit, AccountKind::Unit)?;
        let (needed, has) = (self.value, unit.unlocked());
        let short = RuleError::InsufficientStake { needed, has };
        has.checked_sub(needed).ok_or(short)?;
        unit.stake = unit.stake.checked_sub(needed).ok_or(RuleError::Overflow)?;
        // The value first, so that a unit with an empty balance can pay the fee from it.
        credit(unit, self.value)?;
        pay(unit, Amount::ZERO, self.fee)?;
        Ok(Effects::fee(self.fee))
    }
}
