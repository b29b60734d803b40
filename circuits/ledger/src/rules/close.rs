//! `Close`: a batch that is complete ends; its fees are credited.

use janction_aggregate::config::Builder;
use janction_protocol::stream::Kind;

use super::{Context, Effects, assert_zero_if, equal_if, nonzero_if};
use crate::leaf::account;

/// *Enforced*: the batch (the step demands an open one) is consumed to its end, with all its events, its cursors reached;
/// slot A is the fee account, which exists, and gains the fees.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Close);
    let run = c.run;
    equal_if(b, flag, run.position, run.end);
    assert_zero_if(b, flag, run.events);
    equal_if(b, flag, run.ledger.l1_cursor, run.batch_l1_end);
    equal_if(b, flag, run.ledger.beacon_cursor, run.batch_beacon_end);
    e.a_index.add_if(b, flag, run.fee_account);
    nonzero_if(b, flag, c.a[account::KIND]);
    e.a.add(b, account::BALANCE, flag, run.fees);
}
