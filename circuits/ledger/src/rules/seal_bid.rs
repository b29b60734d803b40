//! `SealBid`: unit A locks job J's stake and commits to a price.

use janction_aggregate::config::Builder;
use janction_protocol::stream::Kind;
use plonky2::iop::target::Target;

use super::{Context, Effects, assert_zero_if, is_if};
use crate::leaf::{account, job};

/// *Enforced*: A is a unit, not locked, eligible, with the stake; J is posted and its bid window open; the fee is one that an
/// operator may pay. A's lock becomes J's, until the reveal window's end, and its seal the transaction's.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::SealBid);
    is_if(b, flag, c.a[account::KIND], account::UNIT);
    e.operator_fee(b, 0, flag, c.fields.fee);
    is_if(b, flag, c.j[job::STATUS], job::POSTED);
    let zero = b.zero();
    e.window(b, 1, flag, [zero, c.run.ledger.time, c.j[job::BID_END]]);
    e.eligible(b, 3, flag, c);
    assert_zero_if(b, flag, c.a[account::LOCK_JOB]);
    e.at_most(b, 6, flag, c.j[job::STAKE], c.a[account::STAKE]);

    let index = c.fields.job(b);
    e.a.set(b, c.a, account::LOCKED, flag, c.j[job::STAKE]);
    e.a.set(b, c.a, account::LOCK_JOB, flag, index);
    e.a.set(b, c.a, account::LOCK_EXPIRY, flag, c.j[job::REVEAL_END]);
    let seal: [Target; 4] = c.fields.elements(b, 1);
    for (i, x) in seal.into_iter().enumerate() {
        e.a.set(b, c.a, account::SEAL + i, flag, x);
    }
}
