use janction_protocol::transaction::*;
use janction_protocol::{Address, Amount};

use crate::harness::*;

fn withdraw(value: Amount) -> Withdraw {
    Withdraw { fee: fee(), account: OWNER, value, address: Address([7; 20]) }
}

#[test]
fn money_leaves_and_the_address_is_kept() {
    let mut w = World::new();
    let signed = w.sign(withdraw(jct(10)));
    let batch = w.run(&[signed], &[], &[]);
    assert_eq!(w.balance(OWNER), jct(990).units() - fee().units());
    assert_eq!(w.account(OWNER).address, Address([7; 20]));
    assert_eq!(batch.header.events, 1);
    assert_eq!(batch.events, [1]);
}

#[test]
fn refusals() {
    let mut w = World::new();
    assert_eq!(w.refused(Withdraw { address: Address::ZERO, ..withdraw(jct(1)) }), "address-zero");
    assert_eq!(w.refused(withdraw(jct(1000))), "insufficient-balance");
    assert_eq!(w.refused(withdraw(units(Amount::LIMIT - 1))), "overflow");
}
