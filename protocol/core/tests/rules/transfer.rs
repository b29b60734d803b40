use janction_protocol::crypto::Signature;
use janction_protocol::transaction::*;
use janction_protocol::transition::{Authorization, Role};
use janction_protocol::{Amount, Deployment};

use crate::harness::*;

fn transfer(value: Amount) -> Transfer {
    Transfer { fee: fee(), from: DEVELOPER, to: OWNER, value }
}

#[test]
fn moves_value_and_pays_the_fee_to_the_sequencer() {
    let mut w = World::new();
    let receipt = w.ok(transfer(jct(10)));
    assert_eq!(receipt.fee, fee());
    assert_eq!(w.balance(DEVELOPER), jct(990).units() - fee().units());
    assert_eq!(w.account(OWNER).balance, jct(1010));
    assert_eq!(w.balance(SEQUENCER), jct(1000).units() + fee().units());
    assert_eq!(w.account(DEVELOPER).nonce, 1);
    assert_eq!(w.account(OWNER).nonce, 0);
}

/// Opening both slots against the old root would mint the value.
#[test]
fn a_transfer_to_oneself_only_costs_the_fee() {
    let mut w = World::new();
    w.ok(Transfer { to: DEVELOPER, ..transfer(jct(10)) });
    assert_eq!(w.balance(DEVELOPER), jct(1000).units() - fee().units());
    assert_eq!(w.account(DEVELOPER).nonce, 1);
    // Also not with money that is not there.
    assert_eq!(w.refused(Transfer { to: DEVELOPER, ..transfer(jct(1000)) }), "insufficient-balance");
}

#[test]
fn the_sequencers_own_transfers_and_fees_add_up() {
    let mut w = World::new();
    w.ok(Transfer { fee: fee(), from: SEQUENCER, to: SEQUENCER, value: jct(1) });
    assert_eq!(w.account(SEQUENCER).balance, jct(1000));
}

#[test]
fn zero_moves_nothing() {
    let mut w = World::new();
    w.ok(Transfer { fee: Amount::ZERO, ..transfer(Amount::ZERO) });
    assert_eq!(w.account(DEVELOPER).balance, jct(1000));
    assert_eq!(w.account(DEVELOPER).nonce, 1);
}

#[test]
fn the_whole_balance_can_go_but_no_unit_more() {
    let mut w = World::new();
    let rest = units(jct(1000).units() - fee().units());
    assert_eq!(w.refused(transfer(units(rest.units() + 1))), "insufficient-balance");
    w.ok(transfer(rest));
    assert_eq!(w.balance(DEVELOPER), 0);
}

#[test]
fn huge_amounts_do_not_wrap() {
    let mut w = World::new();
    let most = units(Amount::LIMIT - 1);
    assert_eq!(w.refused(transfer(most)), "overflow");
    let no_fee = Transfer { fee: Amount::ZERO, ..transfer(most) };
    assert_eq!(w.refused(no_fee), "insufficient-balance");
}

#[test]
fn nobody_receives_at_an_unused_index() {
    let mut w = World::new();
    for to in [0, 5, (1 << 24) - 1] {
        assert_eq!(w.refused(Transfer { to, ..transfer(jct(1)) }), "no-account");
    }
}

#[test]
fn an_unused_account_signs_nothing() {
    let mut w = World::new();
    for from in [0, 5] {
        let nothing = Transfer { fee: Amount::ZERO, from, to: OWNER, value: Amount::ZERO };
        assert_eq!(w.refused(nothing), "signature");
    }
}

#[test]
fn only_the_owner_signs() {
    let mut w = World::new();
    let by_other = w.sign_as(transfer(jct(1)), Role::Owner, 3);
    assert_eq!(w.refused_signed(&by_other), "signature");
    let as_operator = w.sign_as(transfer(jct(1)), Role::Operator, 2);
    assert_eq!(w.refused_signed(&as_operator), "operator-may-not");
    assert_eq!(w.refused_signed(&SignedTransaction::unsigned(transfer(jct(1)))), "unsigned");
}

#[test]
fn a_signature_serves_once_and_for_one_ledger() {
    let mut w = World::new();
    let signed = w.sign(transfer(jct(1)));
    w.run(std::slice::from_ref(&signed), &[], &[]);
    assert_eq!(w.refused_signed(&signed), "nonce", "replay");
    let renumbered = SignedTransaction { nonce: 1, ..signed.clone() };
    assert_eq!(w.refused_signed(&renumbered), "signature", "the nonce is signed");

    let other = Deployment::new(1, deployment().rollup()).unwrap();
    let elsewhere = SignedTransaction::sign(transfer(jct(1)), 1, &other, Role::Owner, &secret(2)).unwrap();
    assert_eq!(w.refused_signed(&elsewhere), "signature", "another chain");
    let other = Deployment::new(31337, Default::default()).unwrap();
    let elsewhere = SignedTransaction::sign(transfer(jct(1)), 1, &other, Role::Owner, &secret(2)).unwrap();
    assert_eq!(w.refused_signed(&elsewhere), "signature", "another rollup");
}

/// The signature covers every field.
#[test]
fn a_changed_field_voids_the_signature() {
    let mut w = World::new();
    let signed = w.sign(transfer(jct(1)));
    let changed = [
        transfer(jct(2)),
        Transfer { fee: Amount::ZERO, ..transfer(jct(1)) },
        Transfer { to: RIVAL, ..transfer(jct(1)) },
        Transfer { from: RIVAL, ..transfer(jct(1)) },
    ];
    for transfer in changed {
        let forged = SignedTransaction { transaction: transfer.into(), ..signed.clone() };
        assert_eq!(w.refused_signed(&forged), "signature");
    }
}

#[test]
fn malleated_signatures_are_refused() {
    let mut w = World::new();
    let signed = w.sign(transfer(jct(1)));
    let Authorization { role, signature } = signed.authorization.unwrap();
    let bytes = signature.to_bytes();
    for bit in [0, 63, 320, 639] {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(signature) = Signature::from_bytes(&flipped) {
            let forged = SignedTransaction {
                authorization: Some(Authorization { role, signature }),
                ..signed.clone()
            };
            assert_eq!(w.refused_signed(&forged), "signature");
        }
    }
}

#[test]
fn signed_transactions_travel_in_one_encoding() {
    let w = World::new();
    let signed = w.sign(transfer(jct(1)));
    let bytes = signed.encode().unwrap();
    assert!(bytes.len() <= SignedTransaction::MAX_BYTES);
    assert_eq!(SignedTransaction::decode(&bytes).unwrap(), signed);
    assert!(SignedTransaction::decode(&bytes[..bytes.len() - 1]).is_err());
    assert!(SignedTransaction::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    assert!(SignedTransaction::decode(&bytes[..56]).is_err(), "a signed kind without its signature");
    let mut role = bytes.clone();
    role[56 + 4] = 2;
    assert!(matches!(SignedTransaction::decode(&role), Err(SignedTransactionError::Role(2))));
    let bare = SignedTransaction::unsigned(Expire { fee: fee(), job: 1 }).encode().unwrap();
    assert_eq!(bare.len(), 56);
    assert!(SignedTransaction::decode(&[bare.as_slice(), &bytes[56..]].concat()).is_err());
}
