use janction_protocol::state::AccountKind;
use janction_protocol::transaction::*;

use crate::harness::*;

#[test]
fn an_unknown_key_becomes_a_wallet() {
    let mut w = World::new();
    w.run(&[], &[Deposit { hint: 0, key: key(9), value: jct(5) }], &[]);
    let account = w.account(5);
    assert_eq!((account.kind, account.owner, account.balance), (AccountKind::Wallet, key(9), jct(5)));
    assert_eq!(w.ledger.state().next_account, 6);
    assert_eq!(w.ledger.state().l1_cursor, 5);
}

#[test]
fn a_known_key_is_credited() {
    let mut w = World::new();
    w.run(&[], &[Deposit { hint: OWNER, key: key(3), value: jct(5) }], &[]);
    assert_eq!(w.account(OWNER).balance, jct(1005));
    assert_eq!(w.ledger.state().next_account, 5);
}

/// The queue cannot jam: whatever the hint, the money lands with the key.
#[test]
fn a_wrong_hint_does_not_give_the_money_away() {
    for hint in [DEVELOPER, 5, 6, (1 << 24) - 1] {
        let mut w = World::new();
        w.run(&[], &[Deposit { hint, key: key(3), value: jct(5) }], &[]);
        assert_eq!(w.account(5).owner, key(3), "hint {hint}");
        assert_eq!(w.account(5).balance, jct(5));
        if hint < 5 {
            assert_eq!(w.account(hint).balance, jct(1000));
        }
    }
}

#[test]
fn deposits_cannot_be_sent() {
    let mut w = World::new();
    let deposit = SignedTransaction::unsigned(Deposit { hint: 0, key: key(9), value: jct(5) });
    assert_eq!(w.refused_signed(&deposit), "from-l1");
    let beacon = RecordBeacon { job: 1, trace_root: digest(1), beacon: [0; 4], time: 1 };
    assert_eq!(w.refused_signed(&SignedTransaction::unsigned(beacon)), "from-l1");
}
