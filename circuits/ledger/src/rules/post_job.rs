//! `PostJob`: wallet A locks budget and job fee in job J at the next free index.

use janction_aggregate::config::{Builder, F};
use janction_protocol::stream::Kind;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::{Context, Effects, assert_zero_if, is_if, nonzero_if};
use crate::leaf::{account, job};

/// *Enforced*: A is a wallet; windows and input rows are not zero; the stake is at least budget + job fee (below 2^48);
/// GPU class below 2^16, region below 2^8; A pays budget + job fee; J is at the next free index, empty before, and after
/// holds what the transaction says, A, its nonce, and the ends of the windows from the batch's time on.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::PostJob);
    let payload = &c.fields.payload;
    let upper: [Target; 11] = core::array::from_fn(|i| payload[i].upper(b));
    let [bid, reveal, submit, proving, beacon, vram, rows, policy, reputation, gpu_class, region] = upper;
    let (budget, job_fee, stake) = (c.fields.value, payload[24].whole, payload[25].whole);

    is_if(b, flag, c.a[account::KIND], account::WALLET);
    // A product in a field is zero only when a factor is.
    let product = b.mul_many([bid, reveal, submit, proving, beacon, rows]);
    nonzero_if(b, flag, product);
    let wide = [payload[9].field(b, 0, 1), payload[10].field(b, 0, 2), payload[24].field(b, 0, 1)];
    for x in wide {
        assert_zero_if(b, flag, x);
    }
    let locked = b.add(budget, job_fee);
    e.at_most(b, 0, flag, locked, stake);
    let paid = b.neg(locked);
    e.a.add(b, account::BALANCE, flag, paid);

    e.j_index.add_if(b, flag, c.run.ledger.next_job);
    assert_zero_if(b, flag, c.j[job::STATUS]);
    let posted = b.constant(F::from_canonical_u64(job::POSTED));
    let bid_end = b.add(c.run.ledger.time, bid);
    let reveal_end = b.add(bid_end, reveal);
    let submit_end = b.add(reveal_end, submit);
    let fields = [
        (job::STATUS, posted),
        (job::OWNER, c.fields.a),
        (job::NONCE, c.a[account::NONCE]),
        (job::INPUT_ROWS, rows),
        (job::GPU_CLASS, gpu_class),
        (job::VRAM, vram),
        (job::REGION, region),
        (job::REPUTATION, reputation),
        (job::STAKE, stake),
        (job::POLICY, policy),
        (job::BUDGET, budget),
        (job::FEE, job_fee),
        (job::BID_END, bid_end),
        (job::REVEAL_END, reveal_end),
        (job::SUBMIT_END, submit_end),
        (job::PROVING_WINDOW, proving),
        (job::BEACON_WINDOW, beacon),
        (job::BEST_PRICE, budget),
        (job::SECOND_PRICE, budget),
        (job::DEADLINE, reveal_end),
    ];
    for (i, x) in fields {
        e.j.add(b, i, flag, x);
    }
    for (at, limb) in [(job::PROGRAM, 0), (job::AUDIT_KEY, 8), (job::INPUT_ROOT, 16)] {
        let digest: [Target; 4] = c.fields.elements(b, limb);
        for (i, x) in digest.into_iter().enumerate() {
            e.j.add(b, at + i, flag, x);
        }
    }
    let one = b.one();
    e.job_created.add_if(b, flag, one);
}
