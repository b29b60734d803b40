//! Leases of audits: which prover proves which job. In memory; after a restart provers ask again.

use std::collections::{HashMap, HashSet};

use janction_protocol::Address;
use janction_protocol::claim::Claim;
use janction_protocol::state::{Index, Job, JobStatus};
use janction_protocol::transaction::Transaction;

use super::{Engine, hex};
use crate::refusal::Refusal;
use crate::store::record::LeaseId;

/// Leases and pauses together: a limit on memory, far above what provers need.
const MAX_HELD: usize = 4_096;

#[derive(Clone, Debug)]
struct Hold {
    job: Index,
    payee: Address,
    holder: Vec<u8>,
    expires_at_ms: u64,
}

/// Who works on what.
#[derive(Debug, Default)]
pub struct Audits {
    holds: HashMap<LeaseId, Hold>,
    /// A payee that reported a fault of a job is not offered it before this time, unix milliseconds.
    pauses: HashMap<(Index, Address), u64>,
}

impl Audits {
    fn forget_expired(&mut self, now: u64) {
        self.holds.retain(|_, hold| hold.expires_at_ms > now);
        self.pauses.retain(|_, until| *until > now);
        metrics::gauge!("sequencer_audit_leases").set(self.holds.len() as f64);
    }

    fn live(&self, id: LeaseId, now: u64) -> Result<&Hold, Refusal> {
        let hold = self.holds.get(&id).filter(|hold| hold.expires_at_ms > now);
        hold.ok_or_else(|| Refusal::NotFound { what: "live lease", name: hex(&id.0) })
    }
}

/// A lease with what is to be proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedAudit {
    /// Its name.
    pub id: LeaseId,
    /// The job.
    pub index: Index,
    /// After the last sealed batch.
    pub job: Job,
    /// What is to be proven.
    pub claim: Claim,
    /// Unix milliseconds.
    pub expires_at_ms: u64,
}

impl Engine {
    /// Grants the audit that is due first of those that nobody holds, or the one that this holder has.
    ///
    /// - `id`: a fresh random name;
    /// - `holder`: which of the payee's processes asks;
    /// - `now`: unix milliseconds;
    /// - `ready`: whether all that proving a claim takes is in the blob store.
    ///
    /// # Errors
    /// [`Refusal::NoAudit`].
    pub fn lease_audit(
        &mut self,
        id: LeaseId,
        payee: Address,
        holder: &[u8],
        now: u64,
        ready: impl Fn(&Claim) -> bool,
    ) -> Result<GrantedAudit, Refusal> {
        self.usable()?;
        self.audits.forget_expired(now);
        let settling: HashSet<Index> = self.bodies.values().filter_map(settles).collect();
        let time = self.cursor.block.time.max(self.ledger.state().time);
        let due = |job: &Job, index: Index| {
            job.status == JobStatus::Proving && time <= job.deadline && !settling.contains(&index)
        };
        let ledger = &self.ledger;
        self.audits.holds.retain(|_, hold| due(&ledger.job(hold.job), hold.job));

        let expires_at_ms = now.saturating_add(self.config.lease.duration_ms);
        let mut holds = self.audits.holds.iter_mut();
        if let Some((id, hold)) = holds.find(|(_, hold)| hold.payee == payee && hold.holder == holder) {
            hold.expires_at_ms = expires_at_ms;
            let (id, index) = (*id, hold.job);
            return Ok(self.granted_audit(id, index, expires_at_ms));
        }
        if self.audits.holds.len() + self.audits.pauses.len() >= MAX_HELD {
            return Err(Refusal::Busy { what: "too many audits" });
        }
        let held: HashSet<Index> = self.audits.holds.values().map(|hold| hold.job).collect();
        let open = self.live.iter().copied().filter(|index| {
            let job = self.ledger.job(*index);
            due(&job, *index)
                && !held.contains(index)
                && !self.audits.pauses.contains_key(&(*index, payee))
                && ready(&Claim::of(self.config.deployment, *index, &job))
        });
        let index = open.min_by_key(|index| self.ledger.job(*index).deadline).ok_or(Refusal::NoAudit)?;
        let hold = Hold { job: index, payee, holder: holder.to_vec(), expires_at_ms };
        self.audits.holds.insert(id, hold);
        metrics::gauge!("sequencer_audit_leases").set(self.audits.holds.len() as f64);
        tracing::info!(job = index, %payee, "audit leased to a prover");
        Ok(self.granted_audit(id, index, expires_at_ms))
    }

    /// Extends a lease.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it has expired or never was.
    pub fn heartbeat_audit(&mut self, id: LeaseId, now: u64) -> Result<u64, Refusal> {
        self.audits.live(id, now)?;
        let expires_at_ms = now.saturating_add(self.config.lease.duration_ms);
        if let Some(hold) = self.audits.holds.get_mut(&id) {
            hold.expires_at_ms = expires_at_ms;
        }
        Ok(expires_at_ms)
    }

    /// Ends a lease. With a fault (code and line) this is written down, and the payee is not offered the job for a while.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Field`]; the database.
    pub fn release_audit(
        &mut self,
        id: LeaseId,
        fault: Option<(&str, &str)>,
        now: u64,
    ) -> Result<(), Refusal> {
        self.usable()?;
        let Hold { job, payee, .. } = self.audits.live(id, now)?.clone();
        if let Some((code, reason)) = fault {
            self.note_fault(job, payee, code, reason, now / 1_000)?;
            let until = now.saturating_add(self.config.lease.fault_pause_ms);
            self.audits.pauses.insert((job, payee), until);
        }
        self.audits.holds.remove(&id);
        self.audits.forget_expired(now);
        Ok(())
    }

    fn granted_audit(&self, id: LeaseId, index: Index, expires_at_ms: u64) -> GrantedAudit {
        let job = self.ledger.job(index);
        let claim = Claim::of(self.config.deployment, index, &job);
        GrantedAudit { id, index, job, claim, expires_at_ms }
    }
}

/// The job that a waiting transaction settles.
fn settles(signed: &janction_protocol::transaction::SignedTransaction) -> Option<Index> {
    match &signed.transaction {
        Transaction::Settle(settle) => Some(settle.job),
        _ => None,
    }
}
