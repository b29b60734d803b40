//! A job's life in the engine: what is told of it, leases of its audit, and what the sequencer does by itself.

use janction_protocol::Address;
use janction_protocol::state::JobStatus;
use janction_protocol::stream::Kind;
use janction_sequencer::batcher::admit::Submission;
use janction_sequencer::store::record::LeaseId;
use janction_trace::Policy;

use crate::market::*;
use crate::world::*;

const PAYEE: Address = Address([4; 20]);
const OTHER: Address = Address([5; 20]);

fn id(n: u8) -> LeaseId {
    LeaseId([n; 16])
}

#[tokio::test]
async fn events_are_told_in_order_and_go_with_the_batch_that_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::open(folder.path());
    let work = Work::new(Policy::Full);
    let mut changes = stage.engine(|engine| engine.watch_jobs()).await;
    stage.submitted(&work).await;
    let view = stage.engine(|engine| engine.job_view(JOB).unwrap()).await;
    let told: Vec<_> = view.events.iter().map(|(_, event)| (event.kind, event.account)).collect();
    let expected = [
        (Kind::PostJob, 1),
        (Kind::SealBid, UNIT),
        (Kind::SealBid, RIVAL),
        (Kind::RevealBid, UNIT),
        (Kind::Submit, UNIT),
    ];
    assert_eq!(told, expected);
    assert!(view.events.iter().all(|(batch, event)| *batch > 5 && event.transaction.is_some()));
    let mut told = 0;
    while let Ok(index) = changes.try_recv() {
        assert_eq!(index, JOB);
        told += 1;
    }
    assert_eq!(told, 4, "once a batch");
    assert_eq!(stage.engine(|engine| engine.list_jobs(0, 10, true)).await, (vec![JOB], 0));
    assert_eq!(stage.engine(|engine| engine.list_jobs(2, 10, false)).await, (vec![], 0));

    // The Submit's batch goes, then the posting one too.
    let sealed = view.batch;
    stage.engine(move |engine| engine.rewind(sealed - 1).unwrap()).await;
    assert_eq!(changes.try_recv(), Ok(JOB));
    let view = stage.engine(|engine| engine.job_view(JOB).unwrap()).await;
    assert_eq!((view.events.len(), view.job.status), (4, JobStatus::Posted));
    stage.engine(|engine| engine.rewind(5).unwrap()).await;
    let gone = stage.engine(|engine| engine.job_or_gone(JOB).unwrap()).await;
    assert_eq!((gone.events.len(), gone.job.status), (0, JobStatus::Empty));
    assert_eq!(stage.engine(|engine| engine.list_jobs(0, 10, true)).await, (vec![], 0));
}

#[tokio::test]
async fn an_audit_is_leased_once_until_it_expires_fails_or_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::open(folder.path());
    let work = Work::new(Policy::Full);
    stage.won(&work).await;
    let nothing = stage.engine(|e| e.lease_audit(id(1), PAYEE, &[], 0, |_| true).unwrap_err()).await;
    assert_eq!(nothing.code(), "no-work");
    let submit = work.submit(3);
    stage.engine(move |engine| seal_all(engine, &[submit])).await;
    let job = stage.job().await;
    stage
        .engine(move |engine| {
            let missing = engine.lease_audit(id(1), PAYEE, &[], 0, |_| false).unwrap_err();
            assert_eq!(missing.code(), "no-work", "its openings are not in the store");
            let granted = engine.lease_audit(id(1), PAYEE, &[], 0, |_| true).unwrap();
            assert_eq!(
                (granted.index, granted.claim.winner, granted.claim.coverage),
                (JOB, UNIT, work.rows())
            );
            // The same holder gets it again; a second process of the payee, and somebody else, do not.
            assert_eq!(engine.lease_audit(id(2), PAYEE, &[], 10, |_| true).unwrap().id, id(1));
            assert_eq!(engine.lease_audit(id(2), PAYEE, &[7], 10, |_| true).unwrap_err().code(), "no-work");
            assert_eq!(engine.lease_audit(id(2), OTHER, &[], 10, |_| true).unwrap_err().code(), "no-work");
            // It expires, and belongs to somebody else.
            let duration = engine.config().lease.duration_ms;
            assert_eq!(engine.heartbeat_audit(id(1), 20).unwrap(), 20 + duration);
            let late = 20 + duration;
            assert_eq!(engine.lease_audit(id(2), OTHER, &[], late, |_| true).unwrap().id, id(2));
            assert_eq!(engine.heartbeat_audit(id(1), late).unwrap_err().code(), "not-found");
            assert_eq!(engine.release_audit(id(1), None, late).unwrap_err().code(), "not-found");

            // A fault is written down; its payee rests, another one does not.
            let wrong = engine.release_audit(id(2), Some(("bad-luck", "x")), late).unwrap_err();
            assert_eq!(wrong.code(), "wrong-field");
            let reason = format!("operation \"y0\",\nrow 3{}", "ö".repeat(600));
            engine.release_audit(id(2), Some(("false-row", &reason)), late).unwrap();
            let faults = engine.job_view(JOB).unwrap().faults;
            assert_eq!((faults.len(), &*faults[0].code, faults[0].payee), (1, "false-row", OTHER));
            assert!(faults[0].reason.len() <= 512 && !faults[0].reason.contains('\n'));
            assert_eq!(engine.lease_audit(id(3), OTHER, &[], late, |_| true).unwrap_err().code(), "no-work");
            let after = late + engine.config().lease.fault_pause_ms;
            assert_eq!(engine.lease_audit(id(3), PAYEE, &[], late, |_| true).unwrap().id, id(3));
            engine.release_audit(id(3), None, late).unwrap();
            assert_eq!(engine.lease_audit(id(4), OTHER, &[], after, |_| true).unwrap().id, id(4));
            // Only the newest reports are kept.
            for n in 0..40u8 {
                engine.release_audit(id(4), Some(("openings", &n.to_string())), after).unwrap();
                engine.lease_audit(id(4), Address([n + 20; 20]), &[], after, |_| true).unwrap();
            }
            let faults = engine.job_view(JOB).unwrap().faults;
            assert_eq!((faults.len(), &*faults[15].reason), (16, "39"));

            // While a Settle waits, nobody is given the job; a second Settle is refused with its own word.
            let signed = settle(&job);
            engine.admit(Submission::new(signed.encode().unwrap(), PROOF.to_vec()).unwrap()).unwrap();
            let none = engine.lease_audit(id(9), Address([99; 20]), &[], after, |_| true);
            assert_eq!(none.unwrap_err().code(), "no-work");
            let mut second = settle(&job);
            if let janction_protocol::transaction::Transaction::Settle(settle) = &mut second.transaction {
                settle.fee = units(JOB_FEE + 1);
            }
            assert_eq!(admit(engine, &second).unwrap_err().code(), "settle-waits");
            engine.seal().unwrap();
            assert_eq!(engine.job(JOB).unwrap().status, JobStatus::Settled);
        })
        .await;
}

#[tokio::test]
async fn what_is_overdue_is_ended_by_the_sequencer_once_even_when_nothing_else_happens() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::open(folder.path());
    let work = Work::new(Policy::Full);
    stage.submitted(&work).await;
    // The rival did not reveal: its bond is due already.
    stage
        .engine(|engine| {
            assert!(engine.ledger().account(RIVAL).lock_expiry != 0);
            assert_eq!(engine.keep_house().unwrap(), 1);
            assert_eq!(engine.keep_house().unwrap(), 0, "it waits already");
            engine.seal().unwrap().unwrap();
            assert_eq!(engine.ledger().account(RIVAL).lock_job, 0);
            assert_eq!(engine.ledger().account(RIVAL).stake, units(10_000_000 - STAKE));
            assert_eq!(engine.keep_house().unwrap(), 0);
            assert!(!engine.clock_is_due());
            assert_eq!(engine.seal().unwrap(), None, "nothing to do");
        })
        .await;
    // Nobody proves the job.
    stage.pass(700).await;
    stage
        .engine(|engine| {
            assert_eq!(engine.keep_house().unwrap(), 0, "the ledger's clock stands still");
            assert!(engine.clock_is_due());
            engine.seal().unwrap().expect("an empty batch moves the clock");
            assert!(!engine.clock_is_due());
            assert_eq!(engine.keep_house().unwrap(), 1);
            assert_eq!(engine.keep_house().unwrap(), 0);
            engine.seal().unwrap().unwrap();
            let job = engine.job(JOB).unwrap();
            assert_eq!(job.status, JobStatus::Expired);
            assert_eq!(engine.ledger().account(UNIT).stake, units(10_000_000 - STAKE), "slashed");
            let developer = engine.ledger().account(DEVELOPER.into()).balance.units();
            assert!(developer > 1_000_000_000 - JOB_FEE - 2 * FEE, "refunded: {developer}");
            assert!(engine.list_jobs(0, 10, true).0.is_empty());
            assert_eq!(engine.keep_house().unwrap(), 0);
            let kinds: Vec<_> = engine.job_view(JOB).unwrap().events.iter().map(|(_, e)| e.kind).collect();
            assert_eq!(kinds[kinds.len() - 2..], [Kind::Forfeit, Kind::Expire]);
        })
        .await;
}

#[tokio::test]
async fn housekeeping_can_be_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = engine_config();
    config.batch.housekeeping = false;
    let stage = Stage::with(folder.path(), config, l1_config());
    stage.bids(&Work::new(Policy::Full)).await;
    stage.pass(5_000).await;
    assert!(!stage.engine(|engine| engine.clock_is_due()).await);
    stage.engine(|engine| assert_eq!(engine.keep_house().unwrap(), 0)).await;
}
