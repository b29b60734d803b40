use janction_protocol::ledger::Ledger;
use janction_protocol::state::AccountKind;
use janction_protocol::transaction::*;
use janction_protocol::transition::{REGISTER_LIMIT, Role};

use crate::harness::*;
use crate::market::*;

#[test]
fn creates_a_unit_owned_by_the_wallets_key() {
    let w = World::with_units();
    let unit = w.account(UNIT);
    assert_eq!((unit.kind, unit.owner, unit.operator), (AccountKind::Unit, key(3), key(operator(UNIT))));
    assert_eq!((unit.gpu_class, unit.vram, unit.region, unit.owner_account), (90, 81_559, 3, OWNER));
    assert_eq!((unit.stake, unit.reputation, unit.nonce), (jct(200), 0, 1));
}

#[test]
fn only_wallets_register_and_only_their_owners_sign() {
    let mut w = World::with_units();
    w.know(UNIT, 3, Some(operator(UNIT)));
    assert_eq!(w.refused(register(UNIT, 8)), "not-a-wallet");
    assert_eq!(w.refused(register(77, 8)), "not-a-wallet");
    let by_operator = w.sign_as(register(OWNER, 8), Role::Operator, operator(UNIT));
    assert_eq!(w.refused_signed(&by_operator), "operator-may-not");
}

/// Half of the tree is left to deposits, so that the L1 queue cannot jam.
#[test]
fn units_stop_where_the_deposits_half_begins() {
    let mut w = World::new();
    let mut snapshot = w.ledger.snapshot();
    snapshot.state.next_account = REGISTER_LIMIT;
    w.ledger = Ledger::restore(snapshot).unwrap();
    assert_eq!(w.refused(register(OWNER, 8)), "accounts-full");
}

/// The key on the rig cannot move money: not by any kind that does, not as a fee.
#[test]
fn operators_cannot_move_money() {
    let mut w = World::with_job(post_job());
    let most = units(1 << 30);
    let moves: Vec<Transaction> = vec![
        Transfer { fee: fee(), from: UNIT, to: RIVAL, value: units(1) }.into(),
        Withdraw { fee: fee(), account: UNIT, value: units(1), address: janction_protocol::Address([1; 20]) }
            .into(),
        Stake { fee: fee(), unit: UNIT, value: units(1) }.into(),
        Unstake { fee: fee(), unit: UNIT, value: units(1) }.into(),
        PostJob { developer: UNIT, ..post_job() }.into(),
        register(UNIT, 8).into(),
    ];
    for transaction in moves {
        let kind = transaction.kind();
        let signed = w.sign_as(transaction, Role::Operator, operator(UNIT));
        let code = w.refused_signed(&signed);
        assert!(["operator-may-not", "not-a-wallet"].contains(&code), "{kind:?}: {code}");
    }
    assert_eq!(w.refused(SealBid { fee: most, ..seal_bid(UNIT, JOB, jct(1)) }), "operator-fee");
    assert_eq!(w.refused(RevealBid { fee: most, ..reveal_bid(UNIT, JOB, jct(1)) }), "operator-fee");
    assert_eq!(w.refused(Submit { fee: most, ..submit(UNIT, JOB) }), "operator-fee");
    w.ok(SealBid { fee: units((1 << 30) - 1), ..seal_bid(UNIT, JOB, jct(1)) });
}
