use janction_protocol::Amount;
use janction_protocol::transaction::*;

use crate::harness::*;
use crate::market::*;

fn unstake(value: Amount) -> Unstake {
    Unstake { fee: fee(), unit: UNIT, value }
}

#[test]
fn unlocked_stake_becomes_balance() {
    let mut w = World::with_units();
    w.ok(unstake(jct(200)));
    assert_eq!(w.account(UNIT).stake, Amount::ZERO);
    assert_eq!(w.balance(UNIT), jct(300).units() - fee().units());
}

/// A lock cannot be emptied by unstaking, from the seal until the job lets go.
#[test]
fn locked_stake_stays() {
    let mut w = World::with_job(post_job());
    w.ok(seal_bid(UNIT, JOB, jct(40)));
    assert_eq!(w.refused(unstake(units(jct(50).units() + 1))), "insufficient-stake");
    w.ok(unstake(jct(50)));
    w.time = BID_END + 1;
    w.ok(reveal_bid(UNIT, JOB, jct(40)));
    assert_eq!(w.refused(unstake(units(1))), "insufficient-stake");
    // Also long after every window: a lock does not expire before the slash.
    w.pass(SUBMIT_END + 1_000_000);
    assert_eq!(w.refused(unstake(units(1))), "insufficient-stake");
    w.ok(expire(JOB));
    assert_eq!(w.account(UNIT).stake, Amount::ZERO);
}

#[test]
fn the_fee_can_come_out_of_what_is_unstaked() {
    let mut w = World::with_units();
    w.ok(Transfer { fee: fee(), from: UNIT, to: OWNER, value: units(w.balance(UNIT) - fee().units()) });
    assert_eq!(w.balance(UNIT), 0);
    w.ok(unstake(fee()));
    assert_eq!(w.balance(UNIT), 0);
    assert_eq!(w.refused(unstake(Amount::ZERO)), "insufficient-balance");
}

#[test]
fn only_units_have_stake() {
    let mut w = World::with_units();
    assert_eq!(w.refused(Unstake { unit: OWNER, ..unstake(Amount::ZERO) }), "not-a-unit");
}
