//! `Stake`: a unit's balance becomes stake.

use janction_aggregate::config::Builder;
use janction_protocol::stream::Kind;

use super::{Context, Effects, is_if};
use crate::leaf::account;

/// *Enforced*: A is a unit; the value goes from its balance to its stake.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Stake);
    is_if(b, flag, c.a[account::KIND], account::UNIT);
    let paid = b.neg(c.fields.value);
    e.a.add(b, account::BALANCE, flag, paid);
    e.a.add(b, account::STAKE, flag, c.fields.value);
}
