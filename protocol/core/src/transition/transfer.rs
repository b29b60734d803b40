//! `Transfer`: money from A to B.

use super::context::{credit, pay};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::state::{Account, AccountKind, Index, Job};
use crate::transaction::Transfer;

impl Rule for Transfer {
    fn account_a(&self, _: &Job) -> Index {
        self.from
    }

    fn account_b(&self, _: &Context, _: &Account, _: &Job) -> Index {
        self.to
    }

    fn apply(&self, _: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        pay(&mut leaves.a, self.value, self.fee)?;
        if leaves.b.kind == AccountKind::Empty {
            return Err(RuleError::NoAccount { index: self.to });
        }
        credit(&mut leaves.b, self.value)?;
        Ok(Effects::fee(self.fee))
    }
}
