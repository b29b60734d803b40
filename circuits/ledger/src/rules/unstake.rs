//! `Unstake`: unlocked stake becomes balance.

use janction_aggregate::config::Builder;
use janction_protocol::stream::Kind;

use super::{Context, Effects, is_if};
use crate::leaf::account;

/// *Enforced*: A is a unit; the value is at most the unlocked part of its stake, and goes to its balance, from which the
/// fee may be paid.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Unstake);
    is_if(b, flag, c.a[account::KIND], account::UNIT);
    let unlocked = b.sub(c.a[account::STAKE], c.a[account::LOCKED]);
    e.at_most(b, 0, flag, c.fields.value, unlocked);
    let taken = b.neg(c.fields.value);
    e.a.add(b, account::STAKE, flag, taken);
    e.a.add(b, account::BALANCE, flag, c.fields.value);
}
