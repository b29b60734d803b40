//! `Withdraw`: money out of the ledger, to an L1 address.

use super::context::pay;
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::Address;
use crate::state::{Index, Job};
use crate::transaction::Withdraw;

impl Rule for Withdraw {
    fn account_a(&self, _: &Job) -> Index {
        self.account
    }

    fn apply(&self, _: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        if self.address == Address::ZERO {
            return Err(RuleError::AddressZero);
        }
        pay(&mut leaves.a, self.value, self.fee)?;
        leaves.a.address = self.address;
        Ok(Effects::fee(self.fee))
    }
}
