//! `Deposit`: credits a known key, makes a wallet of an unknown one.

use janction_aggregate::config::Builder;
use janction_gadgets::uint::is_zero;
use janction_protocol::stream::Kind;
use plonky2::iop::target::{BoolTarget, Target};

use super::{Context, Effects, assert_zero_if};
use crate::leaf::account;

/// *Enforced*: slot A is the hinted account. If it is not empty and its owner key is the deposit's, it gains the value and
/// slot B is unused; else slot B is the next free index, empty before, a wallet with key and value after. Which of the two
/// follows from the leaf; the prover has no choice.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Deposit);
    let key: [Target; 5] = c.fields.elements(b, 0);
    let empty = is_zero(b, c.a[account::KIND]);
    let mut known = b.not(empty);
    for (i, &element) in key.iter().enumerate() {
        let same = b.is_equal(element, c.a[account::OWNER + i]);
        known = b.and(known, same);
    }
    let known = b.and(flag, known);
    let unknown = BoolTarget::new_unsafe(b.sub(flag.target, known.target));

    e.a.add(b, account::BALANCE, known, c.fields.value);

    let one = b.one();
    e.b_index.add_if(b, unknown, c.run.ledger.next_account);
    assert_zero_if(b, unknown, c.b[account::KIND]);
    e.b.add(b, account::KIND, unknown, one);
    for (i, &element) in key.iter().enumerate() {
        e.b.add(b, account::OWNER + i, unknown, element);
    }
    e.b.add(b, account::BALANCE, unknown, c.fields.value);
    e.account_created.add_if(b, unknown, one);
}
