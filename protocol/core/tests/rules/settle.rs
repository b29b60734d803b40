use janction_protocol::claim::Claim;
use janction_protocol::state::JobStatus;
use janction_protocol::transaction::*;
use janction_protocol::{Amount, Digest};
use plonky2::field::types::Field;

use crate::harness::*;
use crate::market::*;

#[test]
fn the_winner_gets_the_second_price_and_the_developer_the_rest() {
    let mut w = World::proving();
    let (unit, developer, sequencer) = (w.balance(UNIT), w.balance(DEVELOPER), w.balance(SEQUENCER));
    let signed = w.sign(settle(JOB, jct(70)));
    let batch = w.run(&[signed], &[], &[]);
    assert_eq!(w.balance(UNIT), unit + jct(70).units());
    assert_eq!(w.balance(DEVELOPER), developer + jct(30).units());
    assert_eq!(w.balance(SEQUENCER), sequencer + job_fee().units());
    let account = w.account(UNIT);
    assert_eq!(
        (account.reputation, account.stake, account.locked, account.lock_job),
        (1, jct(200), Amount::ZERO, 0)
    );
    assert_eq!(w.job(JOB).status, JobStatus::Settled);
    assert_eq!((w.burned(), batch.header.events), (0, 1));
    let claim = batch.claims[0];
    assert_eq!(claim, Claim::of(deployment(), JOB, &w.job(JOB)));
    assert_eq!(
        (claim.winner, claim.policy, claim.coverage, claim.beacon),
        (UNIT, 44, 44, [1, 2, 3, (1 << 56) - 1])
    );
    assert_eq!(w.refused(settle(JOB, jct(70))), "wrong-status", "a job pays once");
}

#[test]
fn full_covers_every_input_row() {
    let mut w = World::submitted(PostJob { policy: 0, ..post_job() });
    let claim = w.ok(settle(JOB, jct(70))).claim.unwrap();
    assert_eq!((claim.policy, claim.coverage, claim.beacon), (0, 360, [0; 4]));
}

/// Every element of a claim is bound by its digest.
#[test]
fn claims_bind_every_element() {
    let mut w = World::proving();
    let claim = w.ok(settle(JOB, jct(70))).claim.unwrap();
    let elements = claim.elements();
    let other = |change: &dyn Fn(&mut Claim)| {
        let mut changed = claim;
        change(&mut changed);
        assert_ne!(changed.digest(), claim.digest());
        elements.iter().zip(changed.elements()).filter(|(a, b)| **a != *b).count()
    };
    assert_eq!(other(&|c| c.job += 1), 1);
    assert_eq!(other(&|c| c.nonce += 1), 1);
    assert_eq!(other(&|c| c.winner += 1), 1);
    assert_eq!(other(&|c| c.program.0[3] += janction_protocol::F::ONE), 1);
    assert_eq!(other(&|c| c.audit_key.0[0] += janction_protocol::F::ONE), 1);
    assert_eq!(other(&|c| c.input_root.0[0] += janction_protocol::F::ONE), 1);
    assert_eq!(other(&|c| c.input_rows += 1), 1);
    assert_eq!(other(&|c| c.trace_root.0[0] += janction_protocol::F::ONE), 1);
    assert_eq!(other(&|c| c.output_root.0[0] += janction_protocol::F::ONE), 1);
    assert_eq!(other(&|c| c.beacon[2] += 1), 1);
    assert_eq!(other(&|c| c.policy += 1), 1);
    assert_eq!(other(&|c| c.coverage += 1), 1);
    let (x, y) = (claim, Claim { job: 9, ..claim });
    let chain = |a: &Claim, b: &Claim| b.append_to(a.append_to(Digest::ZERO));
    assert_ne!(chain(&x, &y), chain(&y, &x), "a sequence, not a set");
}

#[test]
fn until_the_deadline() {
    let mut w = World::proving();
    let deadline = w.job(JOB).deadline;
    w.time = deadline + 1;
    assert_eq!(w.refused(settle(JOB, jct(70))), "too-late");
    w.time = deadline;
    w.ok(settle(JOB, jct(70)));
}

#[test]
fn not_before_there_is_something_to_prove() {
    assert_eq!(World::with_job(post_job()).refused(settle(JOB, jct(100))), "wrong-status");
    assert_eq!(World::with_winner(post_job()).refused(settle(JOB, jct(70))), "wrong-status");
    let mut w = World::submitted(post_job());
    assert_eq!(w.refused(settle(JOB, jct(70))), "wrong-status", "the beacon is not recorded");
    assert_eq!(w.refused(settle(0, jct(70))), "wrong-status");
}

#[test]
fn price_output_and_fee_are_the_jobs() {
    let mut w = World::proving();
    assert_eq!(w.refused(settle(JOB, jct(100))), "wrong-price");
    assert_eq!(w.refused(settle(JOB, jct(40))), "wrong-price");
    assert_eq!(w.refused(Settle { output_root: digest(6), ..settle(JOB, jct(70)) }), "wrong-output");
    assert_eq!(w.refused(Settle { fee: Amount::ZERO, ..settle(JOB, jct(70)) }), "job-fee");
    assert_eq!(w.refused(Settle { fee: jct(100), ..settle(JOB, jct(70)) }), "job-fee");
}

#[test]
fn the_freed_unit_bids_again_with_its_reputation() {
    let mut w = World::proving();
    w.ok(settle(JOB, jct(70)));
    w.ok(PostJob { reputation: 1, ..post_job() });
    assert_eq!(w.refused(seal_bid(RIVAL_UNIT, 2, jct(1))), "ineligible");
    w.ok(seal_bid(UNIT, 2, jct(1)));
}
