//! `Forfeit`: the bond of unit A, whose seal for job J was not revealed in its window, is burned.

use janction_aggregate::config::Builder;
use janction_protocol::stream::Kind;

use super::{Context, Effects, equal_if, is_if, nonzero_if, unlock};
use crate::leaf::{account, job};

/// *Enforced*: A is a unit, locked by J, its seal still closed, and every L1 operation made in the reveal window has been
/// consumed; the fee is J's. The locked stake is gone: the fee to the batch's fees, the rest burned.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Forfeit);
    let (locked, expiry) = (c.a[account::LOCKED], c.a[account::LOCK_EXPIRY]);
    is_if(b, flag, c.a[account::KIND], account::UNIT);
    let index = c.fields.job(b);
    equal_if(b, flag, c.a[account::LOCK_JOB], index);
    equal_if(b, flag, c.fields.fee, c.j[job::FEE]);
    nonzero_if(b, flag, expiry);
    e.less(b, 0, flag, expiry, c.run.l1_time);
    e.at_most(b, 1, flag, c.fields.fee, locked);
    let burned = b.sub(locked, c.fields.fee);
    e.burned.add_if(b, flag, burned);
    let taken = b.neg(locked);
    e.a.add(b, account::STAKE, flag, taken);
    unlock(b, &mut e.a, c.a, flag);
}
