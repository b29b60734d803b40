//! `Expire`: job J is overdue: the developer B is refunded, the winner A freed, and slashed if it is to blame.

use janction_aggregate::config::{Builder, F};
use janction_gadgets::uint::{is_zero, range_check};
use janction_protocol::stream::Kind;
use plonky2::field::types::Field;

use super::{Context, Effects, assert_zero_if, equal_if, unlock};
use crate::leaf::{account, job};

/// Bits of a stake that a job locks.
const LOCKED_BITS: usize = 56;

/// *Enforced*: J is live (posted, submitted or proving) and every L1 operation and beacon record made until its deadline has
/// been consumed; the fee is J's; B is its owner and gains the budget. If J has a winner, it is A, locked by J, and is freed;
/// unless only the beacon was missing, A loses the locked stake: an eighth of it, rounded down, to B, the rest burned.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Expire);
    let (status, winner, locked) = (c.j[job::STATUS], c.j[job::WINNER], c.a[account::LOCKED]);
    let waits = b.add_const(status, -F::from_canonical_u64(job::SUBMITTED));
    let live = [job::POSTED, job::PROVING].map(|s| b.add_const(status, -F::from_canonical_u64(s)));
    let product = b.mul_many([waits, live[0], live[1]]);
    assert_zero_if(b, flag, product);
    e.less(b, 0, flag, c.j[job::DEADLINE], c.run.l1_time);
    equal_if(b, flag, c.fields.fee, c.j[job::FEE]);

    e.a_index.add_if(b, flag, winner);
    e.b_index.add_if(b, flag, c.j[job::OWNER]);
    let none = is_zero(b, winner);
    let won = b.not(none);
    let won = b.and(flag, won);
    let index = c.fields.job(b);
    equal_if(b, won, c.a[account::LOCK_JOB], index);
    unlock(b, &mut e.a, c.a, won);

    // locked = 8 eighth + rem, with rem of three bits and eighth below 2^56: both are unique.
    let zero = b.zero();
    let rem = c.locked_bits.iter().rev().fold(zero, |sum, bit| b.mul_const_add(F::TWO, sum, bit.target));
    let eighths = b.sub(locked, rem);
    let eighth = b.mul_const(F::from_canonical_u64(8).inverse(), eighths);
    range_check(b, eighth, LOCKED_BITS);

    let beacon_missing = is_zero(b, waits);
    let to_blame = b.not(beacon_missing);
    let slashed = b.and(won, to_blame);
    let burned = b.sub(locked, eighth);
    e.burned.add_if(b, slashed, burned);
    let taken = b.neg(locked);
    e.a.add(b, account::STAKE, slashed, taken);
    e.b.add(b, account::BALANCE, slashed, eighth);
    e.b.add(b, account::BALANCE, flag, c.j[job::BUDGET]);
    let expired = b.constant(F::from_canonical_u64(job::EXPIRED));
    e.j.set(b, c.j, job::STATUS, flag, expired);
}
