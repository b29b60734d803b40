//! `RevealBid`: unit A opens its seal; the auction of job J takes the bid in; unit B, if displaced, is freed.

use janction_aggregate::config::Builder;
use janction_gadgets::sponge;
use janction_gadgets::uint::{is_zero, less_than};
use janction_protocol::hash::tag;
use janction_protocol::stream::Kind;
use plonky2::iop::target::BoolTarget;

use super::{Context, Effects, equal_if, is_if, unlock};
use crate::leaf::{account, job};

/// *Enforced*: A is a unit, locked by J, eligible; the seal in its leaf is that of unit, job, price and salt; J is posted and
/// its reveal window open; the price is within the budget; the fee is one that an operator may pay. Then
/// - the bid wins when J has no winner or the price is below the best: slot B is the winner so far (if any), is locked by J
///   and freed; it becomes the runner-up and its price the second; A keeps its lock;
/// - else A is freed, and its price becomes the second if it is lower.
///
/// Which of the two follows from the leaf; the prover has no choice.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::RevealBid);
    let (unit, price, index) = (c.fields.a, c.fields.value, c.fields.job(b));
    is_if(b, flag, c.a[account::KIND], account::UNIT);
    e.operator_fee(b, 0, flag, c.fields.fee);
    is_if(b, flag, c.j[job::STATUS], job::POSTED);
    e.window(b, 1, flag, [c.j[job::BID_END], c.run.ledger.time, c.j[job::REVEAL_END]]);
    e.eligible(b, 3, flag, c);
    equal_if(b, flag, c.a[account::LOCK_JOB], index);
    let salt = [1, 2, 3, 4].map(|i| c.fields.payload[i].whole);
    let seal = sponge::hash(b, tag::SEAL, &[&[unit, index, price][..], &salt].concat());
    for (i, x) in seal.elements.into_iter().enumerate() {
        equal_if(b, flag, c.a[account::SEAL + i], x);
    }
    e.at_most(b, 6, flag, price, c.j[job::BUDGET]);

    let (winner, best, second) = (c.j[job::WINNER], c.j[job::BEST_PRICE], c.j[job::SECOND_PRICE]);
    let alone = is_zero(b, winner);
    let lower = less_than(b, price, best);
    let wins = b.or(alone, lower);
    let wins = b.and(flag, wins);
    let loses = BoolTarget::new_unsafe(b.sub(flag.target, wins.target));
    let first = b.and(wins, alone);
    let displaces = BoolTarget::new_unsafe(b.sub(wins.target, first.target));

    // The seal is open; what is left of the lock, if anything, is the winner's.
    let zero = b.zero();
    for i in (account::SEAL..account::SEAL + 4).chain([account::LOCK_EXPIRY]) {
        e.a.set(b, c.a, i, flag, zero);
    }
    for i in [account::LOCKED, account::LOCK_JOB] {
        e.a.set(b, c.a, i, loses, zero);
    }
    e.b_index.add_if(b, displaces, winner);
    equal_if(b, displaces, c.b[account::LOCK_JOB], index);
    unlock(b, &mut e.b, c.b, displaces);

    let runner_up = less_than(b, price, second);
    let runner_up = b.and(loses, runner_up);
    e.j.set(b, c.j, job::SECOND_PRICE, runner_up, price);
    e.j.set(b, c.j, job::RUNNER_UP, runner_up, unit);
    e.j.set(b, c.j, job::SECOND_PRICE, displaces, best);
    e.j.set(b, c.j, job::RUNNER_UP, displaces, winner);
    e.j.set(b, c.j, job::DEADLINE, first, c.j[job::SUBMIT_END]);
    e.j.set(b, c.j, job::WINNER, wins, unit);
    e.j.set(b, c.j, job::BEST_PRICE, wins, price);
}
