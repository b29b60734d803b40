//! `RecordBeacon`: starts the proving window of a job that waits for its beacon; changes nothing otherwise.

use janction_aggregate::config::{Builder, F};
use janction_protocol::state::TIME_BITS;
use janction_protocol::stream::Kind;
use plonky2::field::types::Field;

use super::{Context, Effects};
use crate::leaf::job;

/// *Enforced*: L1 time below 2^39; the trace root's halves are canonical. If J is submitted with that trace root, it is
/// proving from now on, with beacon, record time and deadline; else it stays. Never fails for a record that L1 made.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::RecordBeacon);
    let time = c.fields.value;
    let latest = b.constant(F::from_canonical_u64((1 << TIME_BITS) - 1));
    e.at_most(b, 0, flag, time, latest);

    c.fields.assert_canonical(b, flag, 0, 5);
    let first = c.fields.halves(b, 0, 5);
    let [second, third, fourth] = c.fields.elements(b, 6);
    let submitted = b.constant(F::from_canonical_u64(job::SUBMITTED));
    let mut awaited = b.is_equal(c.j[job::STATUS], submitted);
    for (i, element) in [first, second, third, fourth].into_iter().enumerate() {
        let same = b.is_equal(element, c.j[job::TRACE_ROOT + i]);
        awaited = b.and(awaited, same);
    }
    let recorded = b.and(flag, awaited);

    let proving = b.constant(F::from_canonical_u64(job::PROVING));
    e.j.set(b, c.j, job::STATUS, recorded, proving);
    for i in 0..4 {
        e.j.set(b, c.j, job::BEACON + i, recorded, c.fields.payload[1 + i].whole);
    }
    e.j.set(b, c.j, job::BEACON_TIME, recorded, time);
    let deadline = b.add(time, c.j[job::PROVING_WINDOW]);
    e.j.set(b, c.j, job::DEADLINE, recorded, deadline);
}
