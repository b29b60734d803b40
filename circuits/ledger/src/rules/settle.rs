//! `Settle`: the winner A of job J is paid the second price, the developer B gets the rest of the budget.

use janction_aggregate::config::{Builder, F};
use janction_gadgets::sponge;
use janction_gadgets::uint::is_zero;
use janction_protocol::hash::tag;
use janction_protocol::stream::Kind;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;

use super::{Context, Effects, equal_if, is_if, unlock};
use crate::leaf::{account, job};

/// *Enforced*: J is proving and in time; fee, price and output root are J's; A is its winner, locked by it, is freed, gains
/// the price and a point of reputation; B is its owner and gains the rest of the budget; J is settled.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Settle);
    let price = c.fields.value;
    is_if(b, flag, c.j[job::STATUS], job::PROVING);
    let zero = b.zero();
    e.window(b, 0, flag, [zero, c.run.ledger.time, c.j[job::DEADLINE]]);
    equal_if(b, flag, c.fields.fee, c.j[job::FEE]);
    equal_if(b, flag, price, c.j[job::SECOND_PRICE]);
    let output: [Target; 4] = c.fields.elements(b, 1);
    for (i, x) in output.into_iter().enumerate() {
        equal_if(b, flag, x, c.j[job::OUTPUT_ROOT + i]);
    }

    e.a_index.add_if(b, flag, c.j[job::WINNER]);
    e.b_index.add_if(b, flag, c.j[job::OWNER]);
    let index = c.fields.job(b);
    equal_if(b, flag, c.a[account::LOCK_JOB], index);
    unlock(b, &mut e.a, c.a, flag);
    let one = b.one();
    e.a.add(b, account::REPUTATION, flag, one);
    e.a.add(b, account::BALANCE, flag, price);
    let rest = b.sub(c.j[job::BUDGET], price);
    e.at_least_zero(b, 2, flag, rest);
    e.b.add(b, account::BALANCE, flag, rest);
    let settled = b.constant(F::from_canonical_u64(job::SETTLED));
    e.j.set(b, c.j, job::STATUS, flag, settled);
}

/// The chain of claims with the claim of settling J appended, as `protocol/core/src/claim.rs` orders its elements.
pub fn append_claim(b: &mut Builder, c: &Context) -> HashOutTarget {
    let index = c.fields.job(b);
    let full = is_zero(b, c.j[job::POLICY]);
    let coverage = b.select(full, c.j[job::INPUT_ROWS], c.j[job::POLICY]);
    let digest = |at: usize| &c.j[at..at + 4];
    let claim = [
        &c.run.ledger.deployment[..],
        &[index, c.j[job::NONCE], c.j[job::WINNER]],
        digest(job::PROGRAM),
        digest(job::AUDIT_KEY),
        digest(job::INPUT_ROOT),
        &[c.j[job::INPUT_ROWS]],
        digest(job::TRACE_ROOT),
        digest(job::OUTPUT_ROOT),
        digest(job::BEACON),
        &[c.j[job::POLICY], coverage],
    ]
    .concat();
    let claim = sponge::hash(b, tag::CLAIM, &claim);
    let link = [c.run.claims.elements, claim.elements].concat();
    sponge::hash(b, tag::CLAIMS, &link)
}
