//! `Transfer`: money from A to B.

use janction_aggregate::config::Builder;
use janction_protocol::stream::Kind;

use super::{Context, Effects, nonzero_if};
use crate::leaf::account;

/// *Enforced*: A pays value (and, as every signed kind, the fee); B exists and gains the value. B is opened in the tree that
/// A's write left, so A = B gains nothing.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Transfer);
    let paid = b.neg(c.fields.value);
    e.a.add(b, account::BALANCE, flag, paid);
    e.b_index.add_if(b, flag, c.fields.b);
    nonzero_if(b, flag, c.b[account::KIND]);
    e.b.add(b, account::BALANCE, flag, c.fields.value);
}
