//! Killed between every two writes, and around everything that is sent: what was acknowledged is there after a restart,
//! and nothing happens twice on L1.
//!
//! The sequencer runs in a child process, which is this very test binary; L1 is a file, which survives it.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use janction_protocol::Address;
use janction_sequencer::batcher::Engine;
use janction_sequencer::clock::unix_ms;
use janction_sequencer::store::Store;
use janction_sequencer::store::record::{LeaseId, TransactionStatus};

use janction_protocol::state::JobStatus;
use janction_protocol::stream::Kind;
use janction_trace::Policy;

use crate::beacons::until_proving;
use crate::fake_l1::FakeL1;
use crate::market::{JOB, Work};
use crate::world::*;

/// What the script acknowledges: transfers with nonces below this.
const TRANSFERS: u32 = 3;

/// The child's life: everything that a sequencer does, from wherever the last life ended, until nothing is left to do.
#[tokio::test]
#[ignore = "run by the other tests of this file"]
async fn child() {
    let folder = std::env::var("CRASH_FOLDER").unwrap();
    let folder = Path::new(&folder);
    let mut stage = Stage::open(folder);
    let mut acknowledged =
        OpenOptions::new().create(true).append(true).open(folder.join("acknowledged")).unwrap();
    for _ in 0..60 {
        stage.follow().await;
        let ids = stage.engine(life).await;
        for id in ids {
            // What a client would note: it has the answer.
            let line: String = id.iter().map(|b| format!("{b:02x}")).collect();
            writeln!(acknowledged, "{line}").unwrap();
            acknowledged.flush().unwrap();
        }
        let _ = stage.step().await;
        stage.l1.mine();
        let done = |engine: &mut Engine| {
            let heads = engine.heads();
            let all = engine.ledger().account(1).nonce == TRANSFERS && engine.pending() == 0;
            all && heads.proven == heads.sealed
        };
        if stage.engine(done).await {
            return;
        }
    }
    panic!("not done after 60 blocks");
}

/// One round: a transfer if one is left, a batch, a lease, a proof. Returns what was acknowledged.
fn life(engine: &mut Engine) -> Vec<[u8; 32]> {
    let mut ids = Vec::new();
    if engine.ledger().state().next_account > 3 {
        let next = engine.account(1).unwrap().1;
        if next < TRANSFERS {
            ids.push(admit(engine, &transfer(1, next, 2, 5)).unwrap());
        }
    }
    engine.seal().unwrap();
    let payee = Address([4; 20]);
    // One proof at a time, as one prover would.
    if let Ok(granted) = engine.lease(LeaseId([1; 16]), payee, &[], 2, unix_ms()) {
        let bound = engine.bound(granted.lease.first, granted.lease.last, payee).unwrap();
        let _ = engine.submit_proof(granted.id, b"fine".to_vec(), &bound.inputs.to_u64s());
    }
    ids
}

/// The way of a beacon: from a Submit that is sealed to the proving window.
#[tokio::test]
#[ignore = "run by the other tests of this file"]
async fn beacon_child() {
    let folder = std::env::var("CRASH_FOLDER").unwrap();
    let mut stage = Stage::open(Path::new(&folder));
    until_proving(&mut stage).await;
}

/// Runs a child once; whether it came to the end of its script.
fn run(child: &str, folder: &Path, crash_at: Option<&str>) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", child]).env("CRASH_FOLDER", folder).env("RUST_BACKTRACE", "0");
    if let Some(place) = crash_at {
        command.env("SEQUENCER_CRASH_AT", place);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("panicked"), "{text} {}", String::from_utf8_lossy(&output.stderr));
    output.status.success()
}

fn prepare(folder: &Path) {
    let l1 = FakeL1::open(folder);
    (1..=3).for_each(|n| l1.deposit(key(n), 1_000_000_000));
    l1.mine_many(2);
}

/// After the end: every acknowledged transaction is in a batch, the money adds up, each effect happened once.
fn check(folder: &Path, place: &str) {
    let l1 = FakeL1::open(folder);
    let (committed, proven) = l1.effects();
    let unique: BTreeSet<_> = committed.iter().collect();
    assert_eq!(unique.len(), committed.len(), "{place}: {committed:?}");
    assert_eq!(l1.reverted(), 0, "{place}");
    assert_eq!(proven, committed.len() as u64, "{place}");
    let lines = std::fs::read_to_string(folder.join("acknowledged")).unwrap();
    let store = Arc::new(Store::open(&folder.join("database"), deployment()).unwrap());
    let engine = Engine::open(store, engine_config()).unwrap();
    for line in lines.lines() {
        let id: [u8; 32] = core::array::from_fn(|i| u8::from_str_radix(&line[2 * i..2 * i + 2], 16).unwrap());
        let status = engine.transaction(&id).unwrap().status;
        assert!(matches!(status, TransactionStatus::Included { .. }), "{place}: {status:?}");
    }
    let ledger = engine.ledger();
    assert_eq!(ledger.account(1).nonce, TRANSFERS, "{place}");
    assert_eq!(ledger.account(2).balance.units(), 1_000_000_000 + 5 * u64::from(TRANSFERS), "{place}");
    assert_eq!(ledger.holdings(), 3_000_000_000, "{place}");
}

/// Kills at the n-th visit of a place for each n, until the script runs through.
fn kill_everywhere(child: &str, place: &str, prepare: impl Fn(&Path), check: impl Fn(&Path, &str)) -> usize {
    for n in 1.. {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let at = format!("{place}:{n}");
        let through = run(child, folder.path(), Some(&at));
        if !through {
            assert!(run(child, folder.path(), None), "{at}: the second life must reach the end");
        }
        check(folder.path(), &at);
        if through {
            return n - 1;
        }
    }
    unreachable!()
}

#[test]
fn killed_before_and_after_every_write() {
    // Each write of the script, before and after: dozens of lives.
    assert!(kill_everywhere("crash::child", "write", prepare, check) >= 20);
}

#[test]
fn killed_before_and_after_everything_that_is_sent() {
    assert!(kill_everywhere("crash::child", "l1-send", prepare, check) >= 4);
}

/// Copies a folder of files and folders.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        match entry.metadata().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn killed_on_the_way_of_a_beacon() {
    let ready = tempfile::tempdir().unwrap();
    let work = Work::new(Policy::Rows(3));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut stage = Stage::open(ready.path());
        stage.submitted(&work).await;
        // All but the Submit's batch, so that few lives are needed.
        for _ in 0..40 {
            let _ = stage.step().await;
            if stage.engine(|engine| engine.heads().committed + 1 >= engine.heads().sealed).await {
                break;
            }
            stage.l1.mine();
        }
    });
    drop(runtime);
    let check = |folder: &Path, place: &str| {
        let l1 = FakeL1::open(folder);
        assert_eq!((l1.beacons(), l1.reverted()), (vec![(JOB, work.trace.trace_root())], 0), "{place}");
        let store = Arc::new(Store::open(&folder.join("database"), deployment()).unwrap());
        let engine = Engine::open(store, engine_config()).unwrap();
        let view = engine.job_view(JOB).unwrap();
        assert_eq!(view.job.status, JobStatus::Proving, "{place}");
        let told = view.events.iter().filter(|(_, event)| event.kind == Kind::RecordBeacon);
        assert_eq!(told.count(), 1, "{place}");
    };
    let prepare = |folder: &Path| copy(ready.path(), folder);
    assert!(kill_everywhere("crash::beacon_child", "write", prepare, check) >= 8);
    assert!(kill_everywhere("crash::beacon_child", "l1-send", prepare, check) >= 2);
}
