//! `Withdraw`: money out of the ledger, to an L1 address.

use janction_aggregate::config::Builder;
use janction_protocol::stream::Kind;

use super::{Context, Effects, assert_zero_if, nonzero_if};
use crate::leaf::account;

/// *Enforced*: A pays the value and keeps the address, whose first limb has 6 bytes and which is not zero.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Withdraw);
    let paid = b.neg(c.fields.value);
    e.a.add(b, account::BALANCE, flag, paid);
    let limbs = [0, 1, 2].map(|i| c.fields.payload[i]);
    let top = limbs[0].field(b, 0, 1);
    assert_zero_if(b, flag, top);
    // Three limbs below 2^56 add up to zero only when all are.
    let sum = b.add_many(limbs.map(|limb| limb.whole));
    nonzero_if(b, flag, sum);
    for (i, limb) in limbs.into_iter().enumerate() {
        e.a.set(b, c.a, account::ADDRESS + i, flag, limb.whole);
    }
}
