//! Taking batches back that are not, and can no longer be, on L1: the operations that they consumed are gone after a
//! reorganisation, or L1 was away for so long that they are too old to be committed. Their transactions wait again,
//! before all others and in their old order.

use std::collections::BTreeSet;

use super::jobs::undo_events;
use super::{Engine, EngineError, missing};
use crate::store::column::{
    Accounts, Batches, Faults, Jobs, Keys, Leases, Pending, Proofs, Steps, Transactions, Undos,
};
use crate::store::record::{Heads, TransactionId, TransactionRecord, TransactionStatus};
use crate::store::{Progress, StoreError};
use janction_protocol::state::{AccountKind, JobStatus};

impl Engine {
    /// Takes back the batches after `last`.
    ///
    /// # Errors
    /// [`EngineError::TooDeep`] when one of them is proven.
    pub fn rewind(&mut self, last: u64) -> Result<(), EngineError> {
        self.usable()?;
        if last >= self.heads.sealed {
            return Ok(());
        }
        if last < self.heads.proven {
            return Err(EngineError::TooDeep { batch: last + 1 });
        }
        let store = self.store.clone();
        let mut progress = store.begin();
        let (mut waiting, mut touched) = (Vec::new(), BTreeSet::new());
        // From the newest to the oldest: what is written last is the oldest state.
        for number in (last + 1..=self.heads.sealed).rev() {
            let record =
                store.get::<Batches>(&number)?.ok_or_else(|| missing::<Batches>(&number.to_be_bytes()))?;
            waiting.extend(record.transactions.iter().rev().copied());
            self.undo(&mut progress, number, record.steps)?;
            touched.extend(undo_events(&store, &mut progress, number)?);
        }
        waiting.reverse();
        let moved = waiting.len();
        waiting.extend(self.pool.by_arrival());
        self.queue_again(&mut progress, &waiting)?;
        drop_work(&store, &mut progress, last)?;
        let committed = self.heads.committed.min(last);
        let sealed = self.heads.sealed;
        progress.set(&Heads { sealed: last, committed, ..self.heads })?;
        let result = progress.commit();
        self.written(result)?;
        let reloaded = self.reload();
        self.written(reloaded)?;
        tracing::warn!(
            from = sealed,
            to = last,
            transactions = moved,
            "batches taken back; their transactions wait"
        );
        metrics::counter!("sequencer_batches_rewound_total").increment(sealed - last);
        (last + 1..=sealed).for_each(|batch| self.notify(batch, true));
        touched.into_iter().for_each(|job| self.job_changed(job));
        Ok(())
    }

    fn undo(&self, progress: &mut Progress<'_>, number: u64, steps: u32) -> Result<(), EngineError> {
        let undo = self.store.get::<Undos>(&number)?.ok_or(EngineError::TooDeep { batch: number })?;
        for (index, old) in &undo.accounts {
            if old.kind == AccountKind::Empty {
                progress.delete::<Accounts>(index)?;
                progress.delete::<Keys>(&(self.ledger.account(*index).owner, *index))?;
            } else {
                progress.put::<Accounts>(index, old)?;
            }
        }
        for (index, old) in &undo.jobs {
            if old.status == JobStatus::Empty {
                progress.delete::<Jobs>(index)?;
                progress.delete::<Faults>(index)?;
            } else {
                progress.put::<Jobs>(index, old)?;
            }
        }
        progress.delete_range::<Steps>(&(number, 0), &(number, steps))?;
        progress.delete::<Undos>(&number)?;
        progress.delete::<Batches>(&number)?;
        progress.set(&undo.ledger)?;
        Ok(())
    }

    /// Numbers everything that waits anew.
    fn queue_again(&self, progress: &mut Progress<'_>, waiting: &[TransactionId]) -> Result<(), StoreError> {
        progress.delete_range::<Pending>(&0, &self.next_arrival)?;
        for (arrival, id) in (self.next_arrival..).zip(waiting) {
            let record = self.store.get::<Transactions>(id)?.ok_or_else(|| missing::<Transactions>(id))?;
            let status = TransactionStatus::Pending { arrival };
            progress.put::<Transactions>(id, &TransactionRecord { status, ..record })?;
            progress.put::<Pending>(&arrival, id)?;
        }
        Ok(())
    }
}

/// Leases and proofs of batches after `last` are void.
fn drop_work(store: &crate::store::Store, progress: &mut Progress<'_>, last: u64) -> Result<(), StoreError> {
    for entry in store.all::<Leases>()? {
        let (id, lease) = entry?;
        if lease.last > last {
            progress.delete::<Leases>(&id)?;
        }
    }
    for entry in store.all::<Proofs>()? {
        let (first, proof) = entry?;
        if proof.last > last {
            progress.delete::<Proofs>(&first)?;
        }
    }
    Ok(())
}
