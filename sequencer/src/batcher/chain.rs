//! L1 and the engine: what L1 says is taken over, and what is to be done there follows.

use std::collections::BTreeMap;

use super::{Engine, EngineError, missing};
use janction_protocol::state::JobStatus;

use crate::l1::beacons::Awaited;
use crate::l1::follower::Latest;
use crate::l1::{Event, EventKind};
use crate::store::column::{
    Attachments, Batches, Beacons, Leases, Operations, Proofs, Steps, Touched, Undos,
};
use crate::store::record::{Action, BatchRecord, Commitment, Heads, L1Block, L1Cursor, ProofRecord};
use crate::store::{Progress, StoreError};

/// What is to be done on L1, with all that its call data needs.
#[derive(Clone, Debug)]
pub enum Todo {
    /// Commit a batch on top of its parent.
    Commit(Box<Commitment>, Box<BatchRecord>),
    /// Prove a range.
    Prove(Vec<Commitment>, Box<ProofRecord>),
}

impl Todo {
    /// The action.
    pub fn action(&self) -> Action {
        match self {
            Self::Commit(_, batch) => Action::Commit { batch: batch.number },
            Self::Prove(_, proof) => Action::Prove { first: proof.first, last: proof.last },
        }
    }
}

/// Batch records that a step of taking over has changed, and where it leads.
struct Takeover {
    heads: Heads,
    cursor: L1Cursor,
    changed: BTreeMap<u64, BatchRecord>,
}

impl Engine {
    /// Takes over what the contract logged up to and with `block`, in one step of progress.
    ///
    /// # Errors
    /// [`EngineError::Ahead`], [`EngineError::Foreign`] and [`EngineError::Gap`] when it does not fit what is known.
    pub fn apply_l1(&mut self, events: &[Event], block: L1Block) -> Result<L1Cursor, EngineError> {
        self.usable()?;
        let takeover = Takeover {
            heads: self.heads,
            cursor: L1Cursor { block, ..self.cursor },
            changed: BTreeMap::new(),
        };
        let store = self.store.clone();
        let progress = store.begin();
        self.take_over(events, takeover, progress)
    }

    /// Takes over everything that the contract has logged, after a reorganisation below what was taken over before:
    /// first takes back the batches that consumed something that is gone.
    ///
    /// # Errors
    /// As [`Engine::apply_l1`], and [`EngineError::TooDeep`].
    pub fn replace_l1(&mut self, events: &[Event], block: L1Block) -> Result<L1Cursor, EngineError> {
        self.usable()?;
        let last = self.last_that_holds(events)?;
        self.rewind(last)?;
        let store = self.store.clone();
        let mut progress = store.begin();
        progress.delete_range::<Operations>(&0, &u64::MAX)?;
        progress.delete_range::<Beacons>(&0, &u64::MAX)?;
        let mut changed = BTreeMap::new();
        for number in 1..=self.heads.committed {
            let record = self.batch_record(number)?;
            changed.insert(number, BatchRecord { commitment: None, commit_transaction: None, ..record });
        }
        let takeover = Takeover {
            heads: Heads { sealed: self.heads.sealed, ..Heads::default() },
            cursor: L1Cursor { block, ..L1Cursor::default() },
            changed,
        };
        self.take_over(events, takeover, progress)
    }

    /// The last batch whose operations and beacon records are those that L1 has now.
    fn last_that_holds(&self, events: &[Event]) -> Result<u64, EngineError> {
        let (mut operations, mut beacons) = (vec![[0; 32]], vec![[0; 32]]);
        for event in events {
            match &event.kind {
                EventKind::Operation { entry, .. } => operations.push(entry.queue_hash),
                EventKind::Beacon { entry, .. } => beacons.push(entry.queue_hash),
                _ => {}
            }
        }
        let holds = |hashes: &[[u8; 32]], end: u64, hash: [u8; 32]| {
            usize::try_from(end).ok().and_then(|end| hashes.get(end)).is_some_and(|there| *there == hash)
        };
        for number in (1..=self.heads.sealed).rev() {
            let record = self.batch_record(number)?;
            if holds(&operations, record.l1_end, record.l1_queue_hash)
                && holds(&beacons, record.beacon_end, record.beacon_queue_hash)
            {
                return Ok(number);
            }
        }
        Ok(0)
    }

    fn take_over(
        &mut self,
        events: &[Event],
        mut takeover: Takeover,
        mut progress: Progress<'_>,
    ) -> Result<L1Cursor, EngineError> {
        let before = self.heads;
        for event in events {
            self.take_event(event, &mut takeover, &mut progress)?;
        }
        let Takeover { heads, cursor, changed } = takeover;
        for (number, record) in &changed {
            progress.put::<Batches>(number, record)?;
        }
        // After a rescan fewer batches may be proven than before: what was removed then stays removed.
        for number in before.proven + 1..=heads.proven {
            self.forget_work(number, &mut progress)?;
        }
        if heads.proven > before.proven {
            self.drop_leases(heads.proven, &mut progress)?;
        }
        progress.set(&heads)?;
        progress.set(&cursor)?;
        let result = progress.commit();
        self.written(result)?;
        self.heads = heads;
        self.cursor = cursor;
        self.preview.set_time(cursor.block.time);
        self.note_waiting();
        changed.keys().for_each(|&number| self.notify(number, false));
        metrics::gauge!("sequencer_head", "stage" => "committed").set(heads.committed as f64);
        metrics::gauge!("sequencer_head", "stage" => "proven").set(heads.proven as f64);
        Ok(cursor)
    }

    fn take_event(
        &self,
        event: &Event,
        takeover: &mut Takeover,
        progress: &mut Progress<'_>,
    ) -> Result<(), EngineError> {
        let Takeover { heads, cursor, changed } = takeover;
        match &event.kind {
            EventKind::Operation { index, entry } => {
                follows("operation", cursor.operations, *index)?;
                progress.put::<Operations>(index, entry)?;
                cursor.operations += 1;
                cursor.operations_hash = entry.queue_hash;
            }
            EventKind::Beacon { index, entry } => {
                follows("beacon record", cursor.beacons, *index)?;
                progress.put::<Beacons>(index, entry)?;
                cursor.beacons += 1;
                cursor.beacons_hash = entry.queue_hash;
            }
            EventKind::Committed(commitment) if commitment.number == 0 => {}
            EventKind::Committed(commitment) => {
                let batch = commitment.number;
                follows("commit of batch", heads.committed + 1, batch)?;
                self.check_ours(commitment)?;
                let mut record = self.changed_record(batch, changed)?;
                record.commitment = Some(*commitment);
                record.commit_transaction = Some(event.transaction);
                changed.insert(batch, record);
                heads.committed = batch;
            }
            EventKind::Reverted { last } => {
                for number in last + 1..=heads.committed {
                    let record = self.changed_record(number, changed)?;
                    changed
                        .insert(number, BatchRecord { commitment: None, commit_transaction: None, ..record });
                }
                heads.committed = *last;
            }
            EventKind::Proven { first, last } => {
                follows("proof of batch", heads.proven + 1, *first)?;
                for number in *first..=*last {
                    let mut record = self.changed_record(number, changed)?;
                    record.prove_transaction = Some(event.transaction);
                    changed.insert(number, record);
                }
                heads.proven = *last;
            }
        }
        Ok(())
    }

    /// Whether a batch on L1 is this database's.
    fn check_ours(&self, commitment: &Commitment) -> Result<(), EngineError> {
        let (batch, sealed) = (commitment.number, self.heads.sealed);
        if batch > sealed {
            return Err(EngineError::Ahead { batch, sealed });
        }
        let record = self.batch_record(batch)?;
        if record.stream_hash != commitment.stream_hash {
            return Err(EngineError::Foreign { batch });
        }
        if record.evaluation() != commitment.evaluation {
            return Err(EngineError::Evaluation { batch });
        }
        Ok(())
    }

    fn changed_record(
        &self,
        number: u64,
        changed: &BTreeMap<u64, BatchRecord>,
    ) -> Result<BatchRecord, EngineError> {
        match changed.get(&number) {
            Some(record) => Ok(record.clone()),
            None => Ok(self.batch_record(number)?),
        }
    }

    /// What is needed to prove or take back a batch goes once it is proven. Its bytes, and proofs, stay.
    fn forget_work(&self, number: u64, progress: &mut Progress<'_>) -> Result<(), EngineError> {
        let record = self.batch_record(number)?;
        progress.delete_range::<Steps>(&(number, 0), &(number, record.steps))?;
        progress.delete::<Undos>(&number)?;
        progress.delete::<Touched>(&number)?;
        for id in &record.transactions {
            progress.delete::<Attachments>(id)?;
        }
        progress.delete_range::<Operations>(&0, &record.l1_end)?;
        progress.delete_range::<Beacons>(&0, &record.beacon_end)?;
        Ok(())
    }

    fn drop_leases(&self, proven: u64, progress: &mut Progress<'_>) -> Result<(), EngineError> {
        for entry in self.store.all::<Leases>()? {
            let (id, lease) = entry?;
            if lease.first <= proven {
                progress.delete::<Leases>(&id)?;
            }
        }
        Ok(())
    }

    /// A sealed batch.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not there.
    pub fn batch_record(&self, number: u64) -> Result<BatchRecord, StoreError> {
        self.store.get::<Batches>(&number)?.ok_or_else(|| missing::<Batches>(&number.to_be_bytes()))
    }

    /// The contract as of the newest block; its batches are compared with ours.
    ///
    /// # Errors
    /// [`EngineError::Ahead`], [`EngineError::Foreign`].
    pub fn latest(&self, view: &crate::l1::follower::View) -> Result<Latest, EngineError> {
        let parent = match self.heads.committed {
            0 => Commitment::default(),
            number => {
                let record = self.batch_record(number)?;
                record.commitment.ok_or_else(|| missing::<Batches>(&number.to_be_bytes()))?
            }
        };
        let latest = Latest::new(self.heads, parent, view);
        latest.recent.iter().try_for_each(|commitment| self.check_ours(commitment))?;
        Ok(latest)
    }

    /// Every `Submit` on L1 whose beacon is not recorded there yet, in order of its job.
    ///
    /// # Errors
    /// The database.
    pub fn awaited_beacons(&self, latest: &Latest) -> Result<Vec<Awaited>, EngineError> {
        let jobs = self.live.iter().map(|&index| (index, self.ledger.job(index)));
        let mut awaited: Vec<Awaited> = jobs
            .filter(|(_, job)| {
                job.status == JobStatus::Submitted && job.submit_batch <= latest.heads.committed
            })
            .map(|(index, job)| (index, job.trace_root))
            .collect();
        if !awaited.is_empty() {
            // Recorded, but in no sealed batch yet.
            for entry in self.store.from::<Beacons>(&self.ledger.state().beacon_cursor)? {
                let (_, entry) = entry?;
                awaited.retain(|submit| *submit != (entry.job, entry.trace_root));
            }
        }
        Ok(awaited)
    }

    /// What is to be done next on L1. Proofs first: they are rare, and pay.
    ///
    /// # Errors
    /// The database.
    pub fn todo(&self, latest: &Latest) -> Result<Option<Todo>, EngineError> {
        let Latest { heads, parent, recent } = latest;
        if let Some(proof) = self.store.get::<Proofs>(&(heads.proven + 1))?
            && proof.last <= heads.committed
        {
            let mut range = Vec::new();
            for number in proof.first..=proof.last {
                let recorded = self.batch_record(number)?.commitment;
                let newest = recent.iter().rev().find(|c| c.number == number).copied();
                let commitment = newest.or(recorded);
                range.push(commitment.ok_or_else(|| missing::<Batches>(&number.to_be_bytes()))?);
            }
            return Ok(Some(Todo::Prove(range, Box::new(proof))));
        }
        if heads.committed < self.heads.sealed {
            let batch = self.batch_record(heads.committed + 1)?;
            return Ok(Some(Todo::Commit(Box::new(*parent), Box::new(batch))));
        }
        Ok(None)
    }
}

fn follows(what: &'static str, expected: u64, got: u64) -> Result<(), EngineError> {
    if expected == got { Ok(()) } else { Err(EngineError::Gap { what, expected, got }) }
}
