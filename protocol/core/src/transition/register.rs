//! `Register`: wallet A creates unit B at the next free index.

use super::context::{REGISTER_LIMIT, pay, require_kind};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::Amount;
use crate::state::{Account, AccountKind, Index, Job};
use crate::transaction::Register;

impl Rule for Register {
    fn account_a(&self, _: &Job) -> Index {
        self.wallet
    }

    fn account_b(&self, context: &Context, _: &Account, _: &Job) -> Index {
        context.next_account
    }

    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        require_kind(&leaves.a, self.wallet, AccountKind::Wallet)?;
        if context.next_account >= REGISTER_LIMIT {
            return Err(RuleError::AccountsFull);
        }
        pay(&mut leaves.a, Amount::ZERO, self.fee)?;
        leaves.b = Account {
            kind: AccountKind::Unit,
            owner: leaves.a.owner,
            operator: self.operator,
            gpu_class: self.gpu_class,
            vram: self.vram,
            region: self.region,
            owner_account: self.wallet,
            ..Account::default()
        };
        Ok(Effects { fee: self.fee, account_created: true, ..Effects::default() })
    }
}
