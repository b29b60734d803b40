//! Deposits, transfers, withdrawals, units and their stake.

use janction_protocol::stream::Kind;
use plonky2::field::types::Field;

use super::{MAX, accepted, n, refused};
use crate::leaf::account;
use crate::tests::F;
use crate::tests::story::amount;

#[test]
fn deposit() {
    for nth in [4, 6] {
        refused(
            Kind::Deposit,
            nth,
            &[
                ("not open", |d| d.run.open = false),
                ("tag", |d| d.limbs[0][0] += n(1 << 48)),
                ("a fee", |d| d.limbs[0][0] += n(1)),
                ("an account B", |d| d.limbs[0][2] += n(1 << 32)),
                ("value of 63 bits", |d| d.limbs[0][1] += n(1 << 30)),
                ("the value's alias", |d| {
                    d.limbs[0][1] += n(u64::from(u32::MAX));
                    d.limbs[0][2] += n(1);
                }),
                ("key in another form", |d| d.alias(0, 1)),
                ("key's last element in another form", |d| d.alias(8, 9)),
                ("bytes above a half", |d| d.payload(3, 1 << 32)),
                ("payload 10", |d| d.payload(10, 1)),
                ("payload 11", |d| d.payload(11, 1)),
                ("no continuation", |d| d.limbs[1][0] = F::ZERO),
                ("padding of the continuation", |d| d.limbs[1][0] += n(1)),
                ("a third block", |d| d.limbs[2][4] = n(1)),
                ("in the L2 part", |d| d.run.l2_end = d.run.position + 1),
                ("in the beacon part", |d| d.run.l1_end = d.run.position + 1),
            ],
        );
    }
    refused(Kind::Deposit, 4, &[("the balance overflows", |d| d.a[account::BALANCE] = n(MAX))]);
    refused(Kind::Deposit, 6, &[("the new leaf is not empty", |d| d.b[account::KIND] = F::ONE)]);
}

#[test]
fn transfer() {
    refused(
        Kind::Transfer,
        6,
        &[
            ("one unit short", |d| d.a[account::BALANCE] = n((2 << 32) + 5 + 2 - 1)),
            ("nothing", |d| d.a[account::BALANCE] = F::ZERO),
            ("to nobody", |d| d.b[account::KIND] = F::ZERO),
            ("from nobody", |d| d.a[account::KIND] = F::ZERO),
            ("B's balance overflows", |d| d.b[account::BALANCE] = n(MAX)),
            ("fees overflow", |d| d.run.fees = amount(MAX)),
            ("nonce overflows", |d| d.a[account::NONCE] = n(u64::from(u32::MAX))),
            ("value of 63 bits", |d| d.limbs[0][1] += n(1 << 30)),
            ("tag", |d| d.limbs[0][0] += n(1 << 48)),
            ("padding", |d| d.payload(0, 1)),
            ("padding's upper bytes", |d| d.payload(4, 1 << 55)),
            ("a continuation", |d| d.limbs[1][0] = n(0xff << 48)),
            ("in the tail", |d| d.run.l2_end = d.run.position),
            ("not open", |d| d.run.open = false),
        ],
    );
    accepted(
        Kind::Transfer,
        6,
        &[
            ("to the last unit", |d| d.a[account::BALANCE] = n((2 << 32) + 5 + 2)),
            ("to the brim", |d| d.b[account::BALANCE] = n(MAX - (2 << 32) - 5)),
        ],
    );
}

#[test]
fn withdraw() {
    refused(
        Kind::Withdraw,
        0,
        &[
            ("one unit short", |d| d.a[account::BALANCE] = n(8)),
            ("no address", |d| (0..3).for_each(|i| d.limbs[0][3 + i] = F::ZERO)),
            ("address of 21 bytes", |d| d.payload(0, 1 << 48)),
            ("an account B", |d| d.limbs[0][2] += n(1 << 32)),
            ("padding", |d| d.payload(3, 1)),
            ("one event too many", |d| d.run.events = 0),
            ("from nobody", |d| d.a[account::KIND] = F::ZERO),
        ],
    );
}

#[test]
fn register() {
    refused(
        Kind::Register,
        0,
        &[
            ("by a unit", |d| d.a[account::KIND] = F::TWO),
            ("the tree's half is full", |d| d.run.ledger.next_account = 1 << 23),
            ("a leaf in use", |d| d.b[account::KIND] = F::ONE),
            ("no money for the fee", |d| d.a[account::BALANCE] = n(4)),
            ("GPU class of 17 bits", |d| d.payload(10, 1 << 16)),
            ("region of 9 bits", |d| d.payload(11, 1 << 8)),
            ("bytes above the region", |d| d.payload(11, 1 << 32)),
            ("operator key in another form", |d| d.alias(4, 5)),
            ("a value", |d| d.limbs[0][2] += n(1)),
        ],
    );
    accepted(Kind::Register, 0, &[("the last index", |d| d.run.ledger.next_account = (1 << 23) - 1)]);
}

#[test]
fn stake_and_unstake() {
    refused(
        Kind::Stake,
        0,
        &[
            ("by a wallet", |d| d.a[account::KIND] = F::ONE),
            ("one unit short", |d| d.a[account::BALANCE] = n(5000)),
            ("the stake overflows", |d| d.a[account::STAKE] = n(MAX)),
            ("padding", |d| d.payload(0, 1)),
        ],
    );
    refused(
        Kind::Unstake,
        0,
        &[
            ("by a wallet", |d| d.a[account::KIND] = F::ONE),
            ("more than is unlocked", |d| d.a[account::LOCKED] = n(4901)),
            ("more than the stake", |d| d.a[account::STAKE] = n(99)),
            ("padding", |d| d.payload(2, 1)),
        ],
    );
    accepted(
        Kind::Unstake,
        0,
        &[
            ("all that is unlocked", |d| d.a[account::LOCKED] = n(4900)),
            ("the fee out of the value", |d| d.a[account::BALANCE] = F::ZERO),
        ],
    );
}
