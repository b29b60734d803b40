use janction_protocol::Amount;
use janction_protocol::transaction::*;

use crate::harness::*;
use crate::market::*;

fn stake(value: Amount) -> Stake {
    Stake { fee: fee(), unit: UNIT, value }
}

#[test]
fn balance_becomes_stake() {
    let mut w = World::with_units();
    w.ok(stake(jct(50)));
    assert_eq!(w.account(UNIT).stake, jct(250));
    assert_eq!(w.balance(UNIT), jct(50).units() - fee().units());
}

#[test]
fn refusals() {
    let mut w = World::with_units();
    assert_eq!(w.refused(stake(jct(100))), "insufficient-balance");
    assert_eq!(w.refused(stake(units(Amount::LIMIT - 1))), "overflow");
    assert_eq!(w.refused(Stake { unit: OWNER, ..stake(jct(1)) }), "not-a-unit");
    assert_eq!(w.refused(Stake { unit: 0, ..stake(jct(1)) }), "not-a-unit");
}
