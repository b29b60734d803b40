//! The state, rebuilt from what stands on L1.

use std::collections::HashMap;

use alloy::primitives::{B256, keccak256};
use janction_bindings::abi::Rollup::RollupEvents;
use janction_bindings::{BatchInfo, CommittedBatch, L1, ProvenRange, State, queue};
use janction_protocol::binding::BatchEntry;
use janction_protocol::ledger::{Ledger, apply_batch};
use janction_protocol::state::Key;
use janction_protocol::stream::Block;
use janction_protocol::transaction::{Deposit, RecordBeacon, Transaction};
use janction_protocol::{Amount, Deployment, Digest};

use super::report::Report;
use crate::failure::Outcome;

/// L1 blocks asked for at a time; public endpoints limit it.
const SPAN: u64 = 5_000;

/// What L1's logs and calldata say.
#[derive(Debug, Default)]
pub struct History {
    /// Batches that stand, in order.
    pub batches: Vec<CommittedBatch>,
    /// Proofs in order.
    pub proven: Vec<ProvenRange>,
    /// Operations of the L1 queue in order, with the queue hash after each.
    pub deposits: Vec<(Deposit, u64, B256)>,
    /// Beacon records in order, with the queue hash after each.
    pub beacons: Vec<(RecordBeacon, B256)>,
    /// The same records as they were logged.
    pub records: Vec<BeaconLog>,
    /// L1 block of each `Submit`'s first commit, by job and trace root.
    pub submits: HashMap<(u32, B256), u64>,
    /// Units that were claimed.
    pub claimed: u128,
    /// Entries that this version cannot read.
    pub unreadable: Vec<String>,
}

/// A beacon as L1 logged it.
#[derive(Clone, Copy, Debug)]
pub struct BeaconLog {
    /// The job.
    pub job: u32,
    /// The trace root that it was derived with.
    pub trace_root: B256,
    /// The beacon.
    pub beacon: [u8; 28],
}

/// The state before and after each batch.
#[derive(Debug)]
pub struct Replayed {
    /// Ledger roots: genesis, then one a batch.
    pub roots: Vec<Digest>,
    /// The list entry of each batch.
    pub entries: Vec<BatchEntry>,
    /// The ledger after the last batch.
    pub ledger: Ledger,
    /// Units withdrawn by the batches.
    pub withdrawn: u128,
}

/// Reads everything that concerns the rollup in the L1 blocks `from..=head`.
///
/// # Errors
/// L1 does not answer, or a transaction is not the call that its log says it is.
pub async fn read(l1: &L1, from: u64, head: u64) -> Outcome<History> {
    let mut history = History::default();
    let mut first = from;
    while first <= head {
        let last = head.min(first + SPAN - 1);
        for located in l1.events(first, last).await? {
            history.take(located.block, located.event);
        }
        history.proven.extend(l1.proven_ranges(first, last).await?);
        first = last + 1;
    }
    // Over the whole range at once: a revert takes away batches of earlier spans.
    history.batches = l1.committed_batches(from, head).await?;
    Ok(history)
}

impl History {
    fn take(&mut self, block: u64, event: RollupEvents) {
        match event {
            RollupEvents::SubmitSeen(e) => {
                self.submits.entry((e.job.to(), e.traceRoot)).or_insert(block);
            }
            RollupEvents::Deposited(e) => {
                let deposit = Key::from_u64s(e.key).ok().zip(Amount::new(e.units).ok());
                match deposit {
                    Some((key, value)) => {
                        let deposit = Deposit { hint: e.hintAccount.to(), key, value };
                        self.deposits.push((deposit, e.time, e.queueHash));
                    }
                    None => self.unreadable.push(format!("deposit {}", e.index)),
                }
            }
            RollupEvents::BeaconRecorded(e) => {
                self.records.push(BeaconLog { job: e.job.to(), trace_root: e.traceRoot, beacon: e.beacon.0 });
                let mut beacon = [0; 4];
                for (limb, bytes) in beacon.iter_mut().zip(e.beacon.chunks(7)) {
                    *limb = bytes.iter().fold(0, |x, &b| x << 8 | u64::from(b));
                }
                match Digest::from_bytes(e.traceRoot.0) {
                    Ok(trace_root) => {
                        let record = RecordBeacon { job: e.job.to(), trace_root, beacon, time: e.time };
                        self.beacons.push((record, e.queueHash));
                    }
                    Err(_) => self.unreadable.push(format!("beacon record {}", e.index)),
                }
            }
            RollupEvents::Claimed(e) => self.claimed += u128::try_from(e.units).unwrap_or(u128::MAX),
            _ => {}
        }
    }

    /// The whole stream of a batch: what was sent, and the tail that the contract appended. None when it consumes what
    /// was not logged.
    fn stream(&self, parent: &BatchInfo, batch: &CommittedBatch) -> Option<Vec<u8>> {
        let deposits = self.deposits.get(parent.l1End as usize..batch.info.l1End as usize)?;
        let beacons = self.beacons.get(parent.beaconEnd as usize..batch.info.beaconEnd as usize)?;
        let tail = deposits.iter().map(|(d, ..)| Transaction::from(*d));
        let tail = tail.chain(beacons.iter().map(|(b, _)| Transaction::from(*b)));
        let mut stream = batch.call.committed.to_vec();
        for transaction in tail {
            stream.extend(transaction.blocks().ok()?.iter().flat_map(Block::to_bytes));
        }
        Some(stream)
    }
}

/// Replays every batch. None when the state cannot be followed to the end; the report then says why.
pub fn replay(
    report: &mut Report,
    deployment: Deployment,
    history: &History,
    state: &State,
) -> Option<Replayed> {
    if !history.unreadable.is_empty() {
        report.wrong("queues", format!("cannot be read: {}", history.unreadable.join(", ")));
        return None;
    }
    queues(report, history, state);
    let ledger = Ledger::genesis(deployment);
    let mut replayed =
        Replayed { roots: vec![ledger.state().root()], entries: Vec::new(), ledger, withdrawn: 0 };
    let mut parent = BatchInfo::genesis();
    for batch in &history.batches {
        let number = batch.info.number;
        match step(&mut replayed, deployment, history, &parent, batch) {
            Ok(()) => parent = batch.info.clone(),
            Err(reason) => {
                report.wrong(
                    "batches",
                    format!("batch {number} (L1 transaction {}): {reason}", batch.transaction),
                );
                return None;
            }
        }
    }
    let count = history.batches.len() as u64;
    let right =
        format!("{count} replayed from their bytes: stream, digest D, r, f(r) and records agree with L1");
    let wrong = format!("L1 says that {} stand, its logs hold {count}", state.committed);
    report.equal("batches", count == state.committed, right, wrong);

    let proven = replayed.roots.get(state.proven as usize);
    let ours = proven.map(|root| B256::from(root.to_bytes()));
    report.equal(
        "state root",
        ours == Some(state.state_root),
        format!("{} after batch {}", state.state_root, state.proven),
        format!("L1 holds {}, the replay gives {}", state.state_root, ours.unwrap_or_default()),
    );
    Some(replayed)
}

/// The rolling hashes of both queues.
fn queues(report: &mut Report, history: &History, state: &State) {
    let mut hash = B256::ZERO;
    let mut agree = history.deposits.len() as u64 == state.l1_queued;
    for (deposit, time, logged) in &history.deposits {
        hash = queue::after_deposit(hash, deposit.key.to_u64s(), deposit.hint, deposit.value.units(), *time);
        agree &= hash == *logged;
    }
    agree &= hash == state.l1_queue_hash && history.beacons.len() as u64 == state.beacons_queued;
    agree &= history.beacons.last().map_or(B256::ZERO, |(_, logged)| *logged) == state.beacon_queue_hash;
    report.equal(
        "queues",
        agree,
        format!(
            "{} deposits, {} beacon records; hashes agree",
            history.deposits.len(),
            history.beacons.len()
        ),
        "the logs do not add up to the queue hashes that L1 holds",
    );
}

/// Applies one batch and compares everything that the contract recorded of it.
fn step(
    replayed: &mut Replayed,
    deployment: Deployment,
    history: &History,
    parent: &BatchInfo,
    batch: &CommittedBatch,
) -> Result<(), String> {
    let info = &batch.info;
    let stream = history.stream(parent, batch).ok_or("it consumes queue entries that were not logged")?;
    if keccak256(&stream) != info.streamHash {
        return Err("its bytes are not those that the contract hashed".into());
    }
    let mut closed = apply_batch(&mut replayed.ledger, &stream).map_err(|e| e.to_string())?;
    if B256::from(closed.digest.to_bytes()) != info.digest {
        return Err(format!("D is {}, L1 holds {}", closed.digest, info.digest));
    }
    let r = closed.challenge(&deployment);
    let entry = closed.bind(r);
    let evaluation: Vec<u8> = entry.elements()[4..].iter().flat_map(|x| element(*x).to_be_bytes()).collect();
    if evaluation != info.evaluation.as_slice() {
        return Err("r or f(r) differ from what L1 holds".into());
    }
    if closed.events != batch.call.eventOffsets {
        return Err("the events that the contract was pointed at are not the batch's".into());
    }
    for transaction in &janction_protocol::stream::decode(&stream).map_err(|e| e.to_string())?.transactions {
        if let Transaction::Withdraw(withdraw) = transaction {
            replayed.withdrawn += u128::from(withdraw.value.units());
        }
    }
    replayed.roots.push(replayed.ledger.state().root());
    replayed.entries.push(entry);
    Ok(())
}

/// A field element as its canonical integer.
fn element(x: janction_protocol::F) -> u64 {
    use plonky2::field::types::PrimeField64;
    x.to_canonical_u64()
}
