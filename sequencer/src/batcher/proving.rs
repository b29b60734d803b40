//! Leases, witnesses and proofs.

use janction_protocol::Address;
use janction_protocol::binding::{BatchEntry, PublicInputs, Range};
use janction_protocol::ledger::Ledger;
use janction_protocol::state::{LedgerState, RunState};

use super::{Engine, hex};
use crate::refusal::Refusal;
use crate::store::StoreError;
use crate::store::column::{Attachments, Leases, Proofs, Steps};
use crate::store::record::{BatchRecord, Lease, LeaseId, ProofRecord, TransactionId};

/// A lease with what its work costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its name.
    pub id: LeaseId,
    /// The range.
    pub lease: Lease,
    /// Steps in it.
    pub steps: u64,
}

/// What binds a range.
#[derive(Clone, Debug)]
pub struct BoundRange {
    /// Before the first step.
    pub run: RunState,
    /// What its proof says.
    pub inputs: PublicInputs,
}

impl Engine {
    /// Grants a range of committed batches to `payee`, or gives this holder its live lease again.
    ///
    /// - `id`: a fresh random name;
    /// - `holder`: which of the payee's processes asks;
    /// - `max_batches`: 0 for as many as there are, within the configured limit;
    /// - `now`: unix milliseconds.
    ///
    /// # Errors
    /// [`Refusal::NoWork`].
    pub fn lease(
        &mut self,
        id: LeaseId,
        payee: Address,
        holder: &[u8],
        max_batches: u32,
        now: u64,
    ) -> Result<Granted, Refusal> {
        self.usable()?;
        let expires_at_ms = now.saturating_add(self.config.lease.duration_ms);
        let leases = self.live_leases(now)?;
        let mut taken = Vec::new();
        for entry in self.store.from::<Proofs>(&(self.heads.proven + 1))? {
            let (_, proof) = entry?;
            taken.push((proof.first, proof.last));
        }
        // A lease whose proof is here is done, though it has not expired.
        let mut open =
            leases.iter().filter(|(_, lease)| !taken.iter().any(|&(first, _)| first == lease.first));
        if let Some((id, lease)) = open.find(|(_, lease)| lease.payee == payee && lease.holder == holder) {
            let lease = Lease { expires_at_ms, ..lease.clone() };
            self.put_lease(*id, &lease)?;
            return self.granted(*id, lease);
        }
        taken.extend(leases.iter().map(|(_, lease)| (lease.first, lease.last)));
        let free = |number: u64| !taken.iter().any(|&(first, last)| (first..=last).contains(&number));
        let committed = self.heads.committed;
        let first =
            (self.heads.proven + 1..=committed).find(|&number| free(number)).ok_or(Refusal::NoWork)?;
        let limit = match max_batches {
            0 => self.config.lease.max_batches,
            asked => asked.min(self.config.lease.max_batches),
        };
        let end = (first..=committed).take(limit.max(1) as usize).take_while(|&number| free(number));
        let last = end.last().ok_or(Refusal::NoWork)?;
        let lease = Lease { first, last, payee, holder: holder.to_vec(), expires_at_ms };
        self.put_lease(id, &lease)?;
        tracing::info!(first, last, %payee, "leased to a prover");
        self.granted(id, lease)
    }

    /// Extends a lease.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it has expired or never was.
    pub fn heartbeat(&mut self, id: LeaseId, now: u64) -> Result<u64, Refusal> {
        self.usable()?;
        let lease = self.live_lease(id, now)?;
        let expires_at_ms = now.saturating_add(self.config.lease.duration_ms);
        self.put_lease(id, &Lease { expires_at_ms, ..lease })?;
        Ok(expires_at_ms)
    }

    /// Ends a lease.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn release(&mut self, id: LeaseId, now: u64) -> Result<(), Refusal> {
        self.usable()?;
        self.live_lease(id, now)?;
        let store = self.store.clone();
        let mut progress = store.begin();
        progress.delete::<Leases>(&id)?;
        let result = progress.commit();
        Ok(self.written(result)?)
    }

    /// A lease that has not expired.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn live_lease(&self, id: LeaseId, now: u64) -> Result<Lease, Refusal> {
        let lease = self.store.get::<Leases>(&id)?.filter(|lease| lease.expires_at_ms > now);
        lease.ok_or_else(|| Refusal::NotFound { what: "live lease", name: hex(&id.0) })
    }

    /// What binds a range for a payee.
    ///
    /// # Errors
    /// The database.
    pub fn bound(&self, first: u64, last: u64, payee: Address) -> Result<BoundRange, Refusal> {
        let before = match first {
            1 => *Ledger::genesis(self.config.deployment).state(),
            _ => self.batch_record(first - 1)?.ledger,
        };
        let records = (first..=last).map(|n| self.batch_record(n)).collect::<Result<Vec<_>, _>>()?;
        let entries: Vec<BatchEntry> = records.iter().map(|record| record.entry).collect();
        let range = Range::of(&entries, &self.config.deployment);
        let after: LedgerState = records.last().map_or(before, |record| record.ledger);
        let inputs = PublicInputs {
            old_root: before.root(),
            new_root: after.root(),
            range,
            payee,
            deployment: self.config.deployment,
        };
        Ok(BoundRange { run: RunState::start(before, range.r_star), inputs })
    }

    /// The batch and its steps from `first` on, at most `limit` bytes of them (but at least one step).
    ///
    /// # Errors
    /// The database; [`Refusal::NotFound`] when the batch was proven or taken back.
    pub fn steps(&self, batch: u64, first: u32, limit: usize) -> Result<Vec<Vec<u8>>, Refusal> {
        let (mut steps, mut bytes) = (Vec::new(), 0);
        for entry in self.store.from::<Steps>(&(batch, first))? {
            let ((number, _), step) = entry?;
            bytes += step.len();
            if number != batch || (bytes > limit && !steps.is_empty()) {
                break;
            }
            steps.push(step);
        }
        if steps.is_empty() {
            return Err(Refusal::NotFound { what: "witness of batch", name: batch.to_string() });
        }
        Ok(steps)
    }

    /// The audit proofs of a batch's `Settle`s, with their places in the L2 part.
    ///
    /// # Errors
    /// The database.
    pub fn attachments(&self, record: &BatchRecord) -> Result<Vec<(u32, Vec<u8>)>, Refusal> {
        let of = |id: &TransactionId| self.store.get::<Attachments>(id);
        let mut attachments = Vec::new();
        for (position, id) in (0..).zip(&record.transactions) {
            attachments.extend(of(id)?.map(|attachment| (position, attachment.proof)));
        }
        Ok(attachments)
    }

    /// Takes a proof whose public inputs are those of its lease's range. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`Refusal::PublicInputs`], [`Refusal::AlreadyProven`], [`Refusal::NotFound`] for an unknown lease.
    pub fn submit_proof(&mut self, id: LeaseId, proof: Vec<u8>, inputs: &[u64]) -> Result<Lease, Refusal> {
        self.usable()?;
        // An expired lease will do as long as nobody else has the range: the proof is as good.
        let lease = self.store.get::<Leases>(&id)?;
        let lease = lease.ok_or_else(|| Refusal::NotFound { what: "lease", name: hex(&id.0) })?;
        let Lease { first, last, payee, .. } = lease;
        if first <= self.heads.proven {
            return Err(Refusal::AlreadyProven { first, last });
        }
        if let Some(there) = self.store.get::<Proofs>(&first)? {
            return if there.last == last && there.payee == payee && there.proof == proof {
                Ok(lease)
            } else {
                Err(Refusal::AlreadyProven { first, last: there.last })
            };
        }
        let bound = self.bound(first, last, payee)?;
        check_inputs(&bound.inputs.to_u64s(), inputs)?;
        let record = ProofRecord {
            first,
            last,
            payee,
            list_digest: bound.inputs.range.digest,
            new_root: bound.inputs.new_root,
            proof,
        };
        let store = self.store.clone();
        let mut progress = store.begin();
        progress.put::<Proofs>(&first, &record)?;
        let result = progress.commit();
        self.written(result)?;
        tracing::info!(first, last, %payee, bytes = record.proof.len(), "proof received");
        Ok(lease)
    }

    /// The contract refuses the proof that begins with batch `first`: it goes, and the range is free again.
    ///
    /// # Errors
    /// The database.
    pub fn reject_proof(&mut self, first: u64, why: &str) -> Result<(), StoreError> {
        let store = self.store.clone();
        let mut progress = store.begin();
        let Some(proof) = store.get::<Proofs>(&first)? else { return Ok(()) };
        tracing::error!(first, last = proof.last, payee = %proof.payee, why, "the contract refuses a proof: dropped");
        metrics::counter!("sequencer_proofs_rejected_total").increment(1);
        progress.delete::<Proofs>(&first)?;
        for entry in store.all::<Leases>()? {
            let (id, lease) = entry?;
            if lease.first == first {
                progress.delete::<Leases>(&id)?;
            }
        }
        let result = progress.commit();
        self.written(result)
    }

    fn live_leases(&self, now: u64) -> Result<Vec<(LeaseId, Lease)>, StoreError> {
        let all = self.store.all::<Leases>()?.collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|(_, lease)| lease.expires_at_ms > now).collect())
    }

    fn put_lease(&mut self, id: LeaseId, lease: &Lease) -> Result<(), StoreError> {
        let store = self.store.clone();
        let mut progress = store.begin();
        progress.put::<Leases>(&id, lease)?;
        let result = progress.commit();
        self.written(result)
    }

    fn granted(&self, id: LeaseId, lease: Lease) -> Result<Granted, Refusal> {
        let mut steps = 0;
        for number in lease.first..=lease.last {
            steps += u64::from(self.batch_record(number)?.steps);
        }
        Ok(Granted { id, lease, steps })
    }
}

fn check_inputs(expected: &[u64], got: &[u64]) -> Result<(), Refusal> {
    if expected.len() != got.len() {
        let (index, expected, got) = (expected.len(), expected.len() as u64, got.len() as u64);
        return Err(Refusal::PublicInputs { index, expected, got });
    }
    match expected.iter().zip(got).position(|(e, g)| e != g) {
        Some(index) => Err(Refusal::PublicInputs { index, expected: expected[index], got: got[index] }),
        None => Ok(()),
    }
}
