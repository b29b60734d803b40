//! What holds for every kind: one signature serves once, no other bytes of it serve at all, and one account in both
//! places neither makes nor loses money.
//!
//! The kinds are enumerated, so that a new one fails here until it has a case.

use janction_protocol::Address;
use janction_protocol::crypto::Signature;
use janction_protocol::state::AccountKind;
use janction_protocol::stream::{Kind, Section, Signer};
use janction_protocol::transaction::*;
use janction_protocol::transition::{Authorization, Role};

use crate::harness::*;
use crate::market::*;

/// A world in which the transaction of this kind is valid, and the code with which a replay of it is refused.
fn valid(kind: Kind) -> (World, Transaction, &'static str) {
    let revealing = || {
        let mut w = World::with_job(post_job());
        w.ok(seal_bid(UNIT, JOB, jct(40)));
        w.time = BID_END + 1;
        w
    };
    let submitting = || {
        let mut w = World::with_winner(post_job());
        w.time = REVEAL_END + 1;
        w
    };
    let overdue = || {
        let mut w = World::with_job(post_job());
        w.ok(seal_bid(UNIT, JOB, jct(40)));
        w.pass(REVEAL_END + 1);
        w
    };
    match kind {
        Kind::Noop | Kind::Open | Kind::Close | Kind::Deposit | Kind::RecordBeacon => {
            unreachable!("nobody sends {kind:?}")
        }
        Kind::Transfer => {
            let transfer = Transfer { fee: fee(), from: OWNER, to: RIVAL, value: jct(1) };
            (World::with_units(), transfer.into(), "nonce")
        }
        Kind::Withdraw => {
            let address = Address([7; 20]);
            let withdraw = Withdraw { fee: fee(), account: OWNER, value: jct(1), address };
            (World::with_units(), withdraw.into(), "nonce")
        }
        Kind::Register => (World::with_units(), register(OWNER, 8).into(), "nonce"),
        Kind::Stake => (World::with_units(), Stake { fee: fee(), unit: UNIT, value: jct(1) }.into(), "nonce"),
        Kind::Unstake => {
            (World::with_units(), Unstake { fee: fee(), unit: UNIT, value: jct(1) }.into(), "nonce")
        }
        Kind::PostJob => (World::with_units(), post_job().into(), "nonce"),
        Kind::SealBid => (World::with_job(post_job()), seal_bid(UNIT, JOB, jct(40)).into(), "nonce"),
        Kind::RevealBid => (revealing(), reveal_bid(UNIT, JOB, jct(40)).into(), "nonce"),
        Kind::Forfeit => (overdue(), Forfeit { fee: job_fee(), unit: UNIT, job: JOB }.into(), "lock"),
        Kind::Submit => (submitting(), submit(UNIT, JOB).into(), "nonce"),
        Kind::Settle => (World::proving(), settle(JOB, jct(70)).into(), "wrong-status"),
        Kind::Expire => (overdue(), expire(JOB).into(), "wrong-status"),
    }
}

fn sent() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.section() == Section::L2)
}

#[test]
fn every_transaction_counts_once() {
    for kind in sent() {
        let (mut w, transaction, code) = valid(kind);
        let signed = w.sign(transaction);
        w.run(std::slice::from_ref(&signed), &[], &[]);
        assert_eq!(w.refused_signed(&signed), code, "{kind:?}");
        // Twice in one batch: it is taken in once.
        let (mut w, transaction, _) = valid(kind);
        let signed = w.sign(transaction);
        let (batch, refusals) = w.offer(&[signed.clone(), signed], &[], &[]);
        assert_eq!((batch.receipts.len(), refusals.len()), (1, 1), "{kind:?}");
    }
}

#[test]
fn no_other_bytes_of_a_signature_serve() {
    for kind in sent() {
        let (mut w, transaction, _) = valid(kind);
        let signed = w.sign(transaction);
        let with = |authorization| SignedTransaction { authorization, ..signed.clone() };
        let Some(Authorization { role, signature }) = signed.authorization else {
            assert_eq!(kind.signer(), Signer::None);
            let other = w.sign(Transfer { fee: fee(), from: OWNER, to: RIVAL, value: jct(1) });
            assert_eq!(w.refused_signed(&with(other.authorization)), "needlessly-signed", "{kind:?}");
            continue;
        };
        assert_eq!(w.refused_signed(&with(None)), "unsigned", "{kind:?}");
        // A bit of R, and one of s; what is no signature any more does not even decode.
        let bytes = signature.to_bytes();
        for bit in [7, 8 * bytes.len() - 8] {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(signature) = Signature::from_bytes(&flipped) else { continue };
            let forged = with(Some(Authorization { role, signature }));
            assert_eq!(w.refused_signed(&forged), "signature", "{kind:?}, bit {bit}");
        }
        // The right signature in the other role.
        let (other, code) = match (role, kind.signer()) {
            (Role::Owner, Signer::Owner) => (Role::Operator, "operator-may-not"),
            (Role::Owner, _) => (Role::Operator, "signature"),
            (Role::Operator, _) => (Role::Owner, "signature"),
        };
        let forged = with(Some(Authorization { role: other, signature }));
        assert_eq!(w.refused_signed(&forged), code, "{kind:?}");
        // Of another nonce.
        let forged = SignedTransaction { nonce: signed.nonce + 1, ..signed.clone() };
        assert_eq!(w.refused_signed(&forged), "nonce", "{kind:?}");
        w.run(&[signed], &[], &[]);
    }
}

/// Kinds with two account slots, and what becomes of one account in both. The other kinds open one.
#[test]
fn the_same_account_in_both_places() {
    for kind in Kind::ALL {
        match kind {
            Kind::Noop | Kind::Open | Kind::RecordBeacon => {}
            Kind::Withdraw | Kind::Stake | Kind::Unstake | Kind::PostJob => {}
            Kind::SealBid | Kind::Forfeit | Kind::Submit => {}
            // The account that is credited with fees is also the one that pays them.
            Kind::Close => {
                let mut w = World::new();
                let address = Address([7; 20]);
                w.ok(Withdraw { fee: fee(), account: SEQUENCER, value: jct(1), address });
                assert_eq!(w.account(SEQUENCER).balance, jct(999));
            }
            // The key's account and the hint are one.
            Kind::Deposit => {
                let mut w = World::new();
                let deposit = Deposit { hint: OWNER, key: key(OWNER as u8), value: jct(5) };
                w.run(&[], &[deposit, deposit], &[]);
                assert_eq!(w.account(OWNER).balance, jct(1010));
            }
            Kind::Transfer => {
                let mut w = World::new();
                w.ok(Transfer { fee: fee(), from: OWNER, to: OWNER, value: jct(999) });
                assert_eq!(w.balance(OWNER), jct(1000).units() - fee().units());
            }
            // The next free index has no key yet: nobody registers a unit over its own wallet.
            Kind::Register => {
                let mut w = World::with_units();
                let next = w.ledger.state().next_account;
                assert_eq!(w.refused(register(next, next)), "not-a-wallet");
                assert_eq!(w.account(next).kind, AccountKind::Empty);
            }
            // The best bidder would displace itself with a better price.
            Kind::RevealBid => {
                let mut w = World::with_bids(post_job(), &[(UNIT, jct(40))]);
                for price in [jct(39), jct(40)] {
                    assert_eq!(w.refused(reveal_bid(UNIT, JOB, price)), "wrong-seal");
                }
                assert_eq!(w.refused(seal_bid(UNIT, JOB, jct(39))), "too-late");
                assert_eq!((w.account(UNIT).locked, w.job(JOB).winner), (jct(150), UNIT));
            }
            // Winner and developer would have to be one account: developers are wallets, winners are units. Two accounts
            // of one owner are paid like strangers.
            Kind::Settle | Kind::Expire => {
                let mut w = World::with_units();
                assert_eq!(w.refused(PostJob { developer: UNIT, ..post_job() }), "not-a-wallet");
                w.ok(post_job());
                assert_eq!(w.refused(seal_bid(DEVELOPER, JOB, jct(1))), "not-a-unit");
            }
        }
    }
}
