//! `Submit`: the winner A of job J commits to trace and output.

use janction_aggregate::config::{Builder, F};
use janction_gadgets::uint::is_zero;
use janction_protocol::stream::Kind;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::{Context, Effects, equal_if, is_if};
use crate::leaf::{account, job};

/// *Enforced*: A is a unit and J's winner; J is posted and its submit window open; the fee is one that an operator may pay.
/// J keeps both roots, time and batch; under `full` it is proving from now on, else it waits for its beacon.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Submit);
    let time = c.run.ledger.time;
    is_if(b, flag, c.a[account::KIND], account::UNIT);
    e.operator_fee(b, 0, flag, c.fields.fee);
    is_if(b, flag, c.j[job::STATUS], job::POSTED);
    e.window(b, 1, flag, [c.j[job::REVEAL_END], time, c.j[job::SUBMIT_END]]);
    equal_if(b, flag, c.j[job::WINNER], c.fields.a);

    for (at, limb) in [(job::TRACE_ROOT, 1), (job::OUTPUT_ROOT, 9)] {
        let digest: [Target; 4] = c.fields.elements(b, limb);
        for (i, x) in digest.into_iter().enumerate() {
            e.j.set(b, c.j, at + i, flag, x);
        }
    }
    e.j.set(b, c.j, job::SUBMIT_TIME, flag, time);
    e.j.set(b, c.j, job::SUBMIT_BATCH, flag, c.run.ledger.batch);
    let full = is_zero(b, c.j[job::POLICY]);
    // Proving is the status after submitted.
    let status = b.add_const(full.target, F::from_canonical_u64(job::SUBMITTED));
    e.j.set(b, c.j, job::STATUS, flag, status);
    let window = b.select(full, c.j[job::PROVING_WINDOW], c.j[job::BEACON_WINDOW]);
    let deadline = b.add(time, window);
    e.j.set(b, c.j, job::DEADLINE, flag, deadline);
}
