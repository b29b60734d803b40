//! `Deposit`: credits a known key, makes a wallet of an unknown one.

use super::context::credit;
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::state::{Account, AccountKind, Index, Job};
use crate::transaction::Deposit;

impl Deposit {
    /// Whether the account that the depositor named has the deposit's key.
    fn is_known(&self, hinted: &Account) -> bool {
        hinted.kind != AccountKind::Empty && hinted.owner == self.key
    }
}

impl Rule for Deposit {
    fn account_a(&self, _: &Job) -> Index {
        self.hint
    }

    fn account_b(&self, context: &Context, a: &Account, _: &Job) -> Index {
        if self.is_known(a) { 0 } else { context.next_account }
    }

    fn apply(&self, _: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        if self.is_known(&leaves.a) {
            credit(&mut leaves.a, self.value)?;
            return Ok(Effects::default());
        }
        leaves.b =
            Account { kind: AccountKind::Wallet, owner: self.key, balance: self.value, ..Account::default() };
        Ok(Effects { account_created: true, ..Effects::default() })
    }
}
