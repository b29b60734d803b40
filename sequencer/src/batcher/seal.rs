//! Sealing: what waits becomes a batch, in one step of progress.

use std::collections::{BTreeMap, HashSet};

use janction_protocol::Deployment;
use janction_protocol::binding::BatchEntry;
use janction_protocol::claim::Claim;
use janction_protocol::ledger::{BatchBuilder, ClosedBatch, Preview};
use janction_protocol::state::{AccountKind, Index, Job};
use janction_protocol::transaction::{Deposit, RecordBeacon, SignedTransaction, Transaction};
use janction_protocol::transition::StepWitness;
use janction_rpc::encoding;
use sha3::{Digest as _, Keccak256};

use super::jobs::{put_events, touched};
use super::{Engine, EngineError, hex, missing};
use crate::mempool::Item;
use crate::refusal::Refusal;
use crate::store::column::{
    Accounts, Attachments, Batches, Beacons, Jobs, Keys, Operations, Pending, Steps, Transactions, Undos,
};
use crate::store::record::{
    BatchRecord, BeaconEntry, Heads, OperationEntry, TransactionId, TransactionRecord, TransactionStatus,
    Undo,
};
use crate::store::{Progress, Store, StoreError};

/// Passes over what the ledger refuses: each may succeed thanks to what the one before included.
const MAX_PASSES: usize = 8;

type LookAgain = (Preview, BTreeMap<TransactionId, Refusal>);

/// The tail of the next batch, and its time.
struct Tail {
    operations: Vec<OperationEntry>,
    beacons: Vec<BeaconEntry>,
    time: u64,
}

impl Engine {
    /// Whether a batch should be sealed now.
    ///
    /// - `latest_committed`: the last batch on L1, however deep;
    /// - `now`: unix seconds.
    pub fn is_due(&self, latest_committed: u64, now: u64) -> bool {
        if self.clock_is_due() && self.may_seal(latest_committed, now) {
            return true;
        }
        let Some(since) = self.waiting_since else { return false };
        let batch = &self.config.batch;
        let waited = since.elapsed().as_millis() >= u128::from(batch.max_wait_ms);
        let large = self.pool.blocks() >= batch.target_blocks
            || self.pool.is_under_pressure()
            || self.waiting_operations() >= batch.max_l1_operations as u64;
        (waited || large) && self.may_seal(latest_committed, now)
    }

    /// Whether a batch that is sealed now can reach L1: not too many wait already, and L1's time, which the batch
    /// takes, is fresh enough for it to be committed before it is too old.
    pub fn may_seal(&self, latest_committed: u64, now: u64) -> bool {
        let uncommitted = self.heads.sealed.saturating_sub(latest_committed.max(self.heads.committed));
        let age = now.saturating_sub(self.cursor.block.time);
        uncommitted < self.config.batch.max_uncommitted && age <= self.config.max_batch_age / 2
    }

    /// Seals a batch of what waits; `None` when there is nothing that can be included.
    ///
    /// # Errors
    /// [`EngineError`]; a failed write spoils the engine, everything else leaves it as it was.
    pub fn seal(&mut self) -> Result<Option<u64>, EngineError> {
        self.usable()?;
        let start = std::time::Instant::now();
        let tail = self.next_tail()?;
        let Some(fee_account) = self.fee_account(&tail) else { return Ok(None) };
        let Some((mut closed, included)) = self.build(&tail, fee_account)? else {
            // Nothing holds any more: then it never will. Without this, it would be tried for ever.
            return self.refuse_all_that_fail().map(|()| None);
        };
        let entry = closed.bind(closed.challenge(&self.config.deployment));
        let number = closed.header.batch;
        let (preview, refused) = self.look_again(&included)?;
        let heads = Heads { sealed: number, ..self.heads };
        let result = self.write_batch(&closed, entry, &tail, &included, &refused, heads);
        // When it fails, the ledger in memory is ahead of the disk, and `written` spoils the engine.
        self.written(result)?;

        for id in included.iter().chain(refused.keys()) {
            self.pool.remove(id);
            self.bodies.remove(id);
        }
        for (index, job) in &closed.jobs {
            if job.status.is_live() {
                self.live.insert(*index)
            } else {
                self.live.remove(index)
            };
        }
        for (index, account) in &closed.accounts {
            if account.lock_expiry == 0 {
                self.bonds.remove(index)
            } else {
                self.bonds.insert(*index)
            };
        }
        self.preview = preview;
        self.heads = heads;
        self.waiting_since = None;
        self.note_waiting();
        self.notify(number, false);
        touched(&closed).into_iter().for_each(|job| self.job_changed(job));
        let seconds = start.elapsed().as_secs_f64();
        metrics::histogram!("sequencer_seal_seconds").record(seconds);
        metrics::gauge!("sequencer_head", "stage" => "sealed").set(number as f64);
        tracing::info!(
            batch = number,
            transactions = included.len(),
            operations = tail.operations.len(),
            beacons = tail.beacons.len(),
            bytes = closed.bytes.len() + closed.tail.len(),
            seconds,
            "sealed"
        );
        Ok(Some(number))
    }

    /// The L1 operations and beacon records of the next batch, and its time: the newest at which the batch leaves out
    /// nothing that was made before it (the contract insists).
    fn next_tail(&self) -> Result<Tail, StoreError> {
        let limit = self.config.batch.max_l1_operations;
        let state = self.ledger.state();
        let mut time = self.cursor.block.time;
        let mut operations = Vec::new();
        for entry in self.store.from::<Operations>(&state.l1_cursor)? {
            let (_, entry) = entry?;
            if operations.len() == limit {
                time = time.min(entry.time);
                break;
            }
            operations.push(entry);
        }
        let mut beacons = Vec::new();
        for entry in self.store.from::<Beacons>(&state.beacon_cursor)? {
            let (_, entry) = entry?;
            if beacons.len() == limit {
                time = time.min(entry.time);
                break;
            }
            beacons.push(entry);
        }
        Ok(Tail { operations, beacons, time: time.max(state.time) })
    }

    /// Who gets the fees: the configured account, or account 1 until it exists. `None` while not even that one will
    /// exist after this batch.
    fn fee_account(&self, tail: &Tail) -> Option<Index> {
        let wanted = self.config.batch.fee_account;
        if self.ledger.account(wanted).kind != AccountKind::Empty {
            return Some(wanted);
        }
        (self.ledger.state().next_account > 1 || !tail.operations.is_empty()).then_some(1)
    }

    /// Builds a batch: highest fees first; what the ledger refuses is tried again after the others.
    fn build(
        &mut self,
        tail: &Tail,
        fee_account: Index,
    ) -> Result<Option<(ClosedBatch, Vec<TransactionId>)>, EngineError> {
        let max_blocks = self.config.batch.max_blocks;
        // Not only a transaction: the clock itself may be what something waits for.
        let clock_is_due = self.clock_is_due();
        let mut builder = BatchBuilder::new(&mut self.ledger, tail.time, fee_account)?;
        let mut included = Vec::new();
        let mut selection = self.pool.select();
        let mut failed: Vec<Item> = Vec::new();
        for _ in 0..MAX_PASSES {
            let so_far = included.len();
            while let Some(item) = selection.next() {
                if builder.l2_blocks() + item.blocks > max_blocks {
                    continue;
                }
                let Some(body) = self.bodies.get(&item.id) else { continue };
                let job = |index| builder.ledger().job(index);
                let provable =
                    claim_holds(&self.store, &self.config.deployment, &item.id, body, job)?.is_ok();
                if provable && builder.push(body).is_ok() {
                    included.push(item.id);
                    selection.accept(&item);
                } else {
                    failed.push(item);
                }
            }
            if included.len() == so_far || failed.is_empty() {
                break;
            }
            failed.drain(..).for_each(|item| selection.retry(&item));
        }
        if included.is_empty() && tail.operations.is_empty() && tail.beacons.is_empty() && !clock_is_due {
            return Ok(None);
        }
        let deposits: Vec<Deposit> = tail.operations.iter().map(deposit).collect();
        let beacons: Vec<RecordBeacon> = tail.beacons.iter().map(beacon).collect();
        Ok(Some((builder.close(&deposits, &beacons)?, included)))
    }

    /// What waits and is not in `included`, on the ledger as it is now, and what of it does not hold any more.
    fn look_again(&self, included: &[TransactionId]) -> Result<LookAgain, StoreError> {
        let included: HashSet<_> = included.iter().collect();
        let mut preview = Preview::new(&self.ledger, self.cursor.block.time);
        let mut refused: BTreeMap<TransactionId, Refusal> = BTreeMap::new();
        let mut broken: BTreeMap<Index, TransactionId> = BTreeMap::new();
        for id in self.pool.by_arrival().filter(|id| !included.contains(id)) {
            let (Some(body), Some(item)) = (self.bodies.get(&id), self.pool.get(&id)) else { continue };
            let earlier = item.signer.and_then(|(account, _)| broken.get(&account));
            let result = match earlier {
                Some(earlier) => Err(Refusal::EarlierRefused { earlier: hex(earlier) }),
                None => {
                    let job = |index| preview.job(&self.ledger, index);
                    claim_holds(&self.store, &self.config.deployment, &id, body, job)?.and_then(|()| {
                        preview.push_unchecked(&self.ledger, body).map_err(Refusal::from).map(drop)
                    })
                }
            };
            if let Err(refusal) = result {
                if let (Some((account, _)), None) = (item.signer, earlier) {
                    broken.insert(account, id);
                }
                refused.insert(id, refusal);
            }
        }
        Ok((preview, refused))
    }

    fn refuse_all_that_fail(&mut self) -> Result<(), EngineError> {
        let (preview, refused) = self.look_again(&[])?;
        let mut progress = self.store.begin();
        for (id, refusal) in &refused {
            self.refuse(&mut progress, id, refusal)?;
        }
        let result = progress.commit();
        self.written(result)?;
        for id in refused.keys() {
            self.pool.remove(id);
            self.bodies.remove(id);
        }
        self.preview = preview;
        self.waiting_since = None;
        self.note_waiting();
        Ok(())
    }

    fn refuse(
        &self,
        progress: &mut Progress<'_>,
        id: &TransactionId,
        refusal: &Refusal,
    ) -> Result<(), StoreError> {
        tracing::info!(id = hex(id), code = refusal.code(), %refusal, "acknowledged, then refused");
        let record = self.store.get::<Transactions>(id)?.ok_or_else(|| missing::<Transactions>(id))?;
        let status = TransactionStatus::Refused { code: refusal.code().into(), reason: refusal.to_string() };
        progress.put::<Transactions>(id, &TransactionRecord { status, ..record })?;
        progress.delete::<Attachments>(id)?;
        if let Some(item) = self.pool.get(id) {
            progress.delete::<Pending>(&item.arrival)?;
        }
        Ok(())
    }

    fn write_batch(
        &self,
        closed: &ClosedBatch,
        entry: BatchEntry,
        tail: &Tail,
        included: &[TransactionId],
        refused: &BTreeMap<TransactionId, Refusal>,
        heads: Heads,
    ) -> Result<(), StoreError> {
        let number = closed.header.batch;
        let mut progress = self.store.begin();
        for (id, refusal) in refused {
            self.refuse(&mut progress, id, refusal)?;
        }
        for (position, id) in (0..).zip(included) {
            let record = self.store.get::<Transactions>(id)?.ok_or_else(|| missing::<Transactions>(id))?;
            let status = TransactionStatus::Included { batch: number, position };
            progress.put::<Transactions>(id, &TransactionRecord { status, ..record })?;
            if let Some(item) = self.pool.get(id) {
                progress.delete::<Pending>(&item.arrival)?;
            }
        }
        let undo = undo(closed);
        for (index, account) in &closed.accounts {
            progress.put::<Accounts>(index, account)?;
            let is_new = undo.accounts.iter().any(|(i, old)| i == index && old.kind == AccountKind::Empty);
            if is_new {
                progress.put::<Keys>(&(account.owner, *index), &())?;
            }
        }
        for (index, job) in &closed.jobs {
            progress.put::<Jobs>(index, job)?;
        }
        for (position, step) in (0..).zip(&closed.steps) {
            progress.put::<Steps>(&(number, position), &encoding::encode(step)?)?;
        }
        put_events(&mut progress, closed, included)?;
        progress.put::<Undos>(&number, &undo)?;
        progress.put::<Batches>(&number, &self.record(closed, entry, tail, included)?)?;
        progress.set(&closed.after)?;
        progress.set(&heads)?;
        progress.commit()
    }

    fn record(
        &self,
        closed: &ClosedBatch,
        entry: BatchEntry,
        tail: &Tail,
        included: &[TransactionId],
    ) -> Result<BatchRecord, StoreError> {
        let previous = match closed.header.batch {
            1 => None,
            number => {
                let number = number - 1;
                Some(
                    self.store
                        .get::<Batches>(&number)?
                        .ok_or_else(|| missing::<Batches>(&number.to_be_bytes()))?,
                )
            }
        };
        let (l1_hash, beacon_hash) =
            previous.map_or(([0; 32], [0; 32]), |p| (p.l1_queue_hash, p.beacon_queue_hash));
        let stream = closed.stream();
        Ok(BatchRecord {
            number: closed.header.batch,
            time: closed.header.time,
            committed: closed.bytes.clone(),
            tail: closed.tail.clone(),
            stream_hash: Keccak256::digest(&stream).into(),
            entry,
            event_offsets: closed.events.clone(),
            transactions: included.to_vec(),
            operations: tail.operations.len() as u64,
            beacons: tail.beacons.len() as u64,
            l1_end: closed.after.l1_cursor,
            l1_queue_hash: tail.operations.last().map_or(l1_hash, |o| o.queue_hash),
            beacon_end: closed.after.beacon_cursor,
            beacon_queue_hash: tail.beacons.last().map_or(beacon_hash, |b| b.queue_hash),
            ledger: closed.after,
            steps: closed.steps.len() as u32,
            commitment: None,
            commit_transaction: None,
            prove_transaction: None,
        })
    }
}

/// The leaves as they were before the batch: the first time that each was written.
fn undo(closed: &ClosedBatch) -> Undo {
    let (mut accounts, mut jobs) = (BTreeMap::new(), BTreeMap::new());
    for StepWitness { a, b, j, .. } in &closed.steps {
        for slot in [a, b].into_iter().filter(|slot| slot.old != slot.new) {
            accounts.entry(slot.opening.index).or_insert(slot.old);
        }
        if j.old != j.new {
            jobs.entry(j.opening.index).or_insert(j.old);
        }
    }
    Undo { ledger: closed.before, accounts: accounts.into_iter().collect(), jobs: jobs.into_iter().collect() }
}

fn deposit(entry: &OperationEntry) -> Deposit {
    Deposit { hint: entry.hint, key: entry.key, value: entry.value }
}

fn beacon(entry: &BeaconEntry) -> RecordBeacon {
    RecordBeacon { job: entry.job, trace_root: entry.trace_root, beacon: entry.beacon, time: entry.time }
}

/// Whether a `Settle` still demands the claim that its audit proof was checked against. (The ledger may have gone
/// back behind the `Submit` since, and a batch whose claims nobody can prove would stop the rollup.)
fn claim_holds(
    store: &Store,
    deployment: &Deployment,
    id: &TransactionId,
    signed: &SignedTransaction,
    job: impl Fn(Index) -> Job,
) -> Result<Result<(), Refusal>, StoreError> {
    let Transaction::Settle(settle) = &signed.transaction else { return Ok(Ok(())) };
    let attachment = store.get::<Attachments>(id)?.ok_or_else(|| missing::<Attachments>(id))?;
    let claim = Claim::of(*deployment, settle.job, &job(settle.job)).digest();
    if claim == attachment.claim {
        return Ok(Ok(()));
    }
    let why = "the job has changed since the proof was checked; prove it again".into();
    Ok(Err(Refusal::AuditProof { job: settle.job, why }))
}
