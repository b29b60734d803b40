//! Admission: a transaction is checked, written and only then acknowledged.

use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::ledger::{self, Preview};
use janction_protocol::state::{Index, JobStatus};
use janction_protocol::stream::Signer;
use janction_protocol::transaction::{SignedTransaction, Transaction};
use janction_protocol::transition::{Effects, RuleError};

use super::{Engine, EngineError, hex, item, missing};
use crate::mempool::{Admission, Item};
use crate::refusal::Refusal;
use crate::store::column::{Attachments, Pending, Transactions};
use crate::store::record::{Attachment, TransactionId, TransactionRecord, TransactionStatus};

/// What the gate must look at before a transaction can be admitted.
#[derive(Clone, Debug)]
pub enum GateQuestion {
    /// Nothing.
    Nothing,
    /// Whether the attachment proves this claim.
    AuditProof(Index, Box<Claim>),
    /// Whether this job's output with this root is in the blob store. Payment needs the output to be available; until L1
    /// can challenge that, it is the sequencer who sees to it.
    Output(Index, Digest),
}

/// A decoded transaction and its id.
#[derive(Clone, Debug)]
pub struct Submission {
    /// keccak256 of `bytes`.
    pub id: TransactionId,
    /// As it was sent.
    pub bytes: Vec<u8>,
    /// What it says.
    pub signed: SignedTransaction,
    /// The audit proof of a `Settle`; empty otherwise.
    pub attachment: Vec<u8>,
}

impl Submission {
    /// Reads what was sent.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Attachment`].
    pub fn new(bytes: Vec<u8>, attachment: Vec<u8>) -> Result<Self, Refusal> {
        let signed = SignedTransaction::decode(&bytes)?;
        let kind = signed.transaction.kind();
        if !attachment.is_empty() && !matches!(signed.transaction, Transaction::Settle(_)) {
            return Err(Refusal::Attachment { kind });
        }
        let id = signed.id().map_err(ledger::Refusal::from)?;
        Ok(Self { id, bytes, signed, attachment })
    }
}

impl Engine {
    /// What the gate must look at. Its answer stays right until the transaction is admitted: a job that is being
    /// proven keeps its claim, and blobs do not go away.
    pub fn gate_question(&self, submission: &Submission) -> GateQuestion {
        match &submission.signed.transaction {
            Transaction::Settle(settle) => {
                let job = self.preview.job(&self.ledger, settle.job);
                let claim = Claim::of(self.config.deployment, settle.job, &job);
                GateQuestion::AuditProof(settle.job, Box::new(claim))
            }
            Transaction::Submit(submit) => GateQuestion::Output(submit.job, submit.output_root),
            _ => GateQuestion::Nothing,
        }
    }

    /// Whether this very transaction was acknowledged before; then it is acknowledged again.
    ///
    /// # Errors
    /// The database.
    pub fn is_known(&self, id: &TransactionId) -> Result<bool, Refusal> {
        Ok(self
            .store
            .get::<Transactions>(id)?
            .is_some_and(|r| !matches!(r.status, TransactionStatus::Refused { .. })))
    }

    /// Whether a transaction would be admitted now, but for what the gate says.
    ///
    /// # Errors
    /// Why not.
    pub fn would_admit(&self, submission: &Submission) -> Result<(), Refusal> {
        self.usable().map_err(|_| Refusal::Spoiled)?;
        let Submission { id, bytes, signed, attachment } = submission;
        let item = item(*id, signed, bytes.len() + attachment.len(), self.next_arrival)?;
        self.check_signer(&item, signed)?;
        match self.pool.check(&item, self.leaf_nonce(&item))? {
            Admission::Known => Ok(()),
            Admission::New => self.push(&mut self.preview.clone(), signed).map(drop),
            Admission::Replaces(old) => self.preview_with(old, signed).map(drop),
        }
    }

    fn check_signer(&self, item: &Item, signed: &SignedTransaction) -> Result<(), Refusal> {
        let kind = signed.transaction.kind();
        if kind.signer() != Signer::None && item.signer.is_none() {
            return Err(ledger::Refusal::from(RuleError::Unsigned { kind }).into());
        }
        Ok(())
    }

    /// The nonce in the signer's leaf; 0 for unsigned kinds.
    fn leaf_nonce(&self, item: &Item) -> u32 {
        item.signer.map_or(0, |(account, _)| self.ledger.account(account).nonce)
    }

    /// Takes a transaction into a preview. A second `Settle` of a job has its own refusal.
    fn push(&self, preview: &mut Preview, signed: &SignedTransaction) -> Result<Effects, Refusal> {
        if let Transaction::Settle(settle) = &signed.transaction
            && preview.job(&self.ledger, settle.job).status == JobStatus::Settled
            && self.ledger.job(settle.job).status == JobStatus::Proving
        {
            return Err(Refusal::SettleWaits { job: settle.job });
        }
        Ok(preview.push(&self.ledger, signed)?)
    }

    /// Admits a transaction whose gate question was answered. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn admit(&mut self, submission: Submission) -> Result<TransactionId, Refusal> {
        let result = self.try_admit(submission);
        match &result {
            Ok(_) => metrics::counter!("sequencer_transactions_acknowledged_total").increment(1),
            Err(refusal) => {
                metrics::counter!("sequencer_transactions_refused_total", "code" => refusal.code())
                    .increment(1);
            }
        }
        result
    }

    fn try_admit(&mut self, submission: Submission) -> Result<TransactionId, Refusal> {
        self.usable().map_err(|_| Refusal::Spoiled)?;
        let Submission { id, bytes, signed, attachment } = submission;
        if self.is_known(&id)? {
            return Ok(id);
        }
        let mut item = item(id, &signed, bytes.len() + attachment.len(), self.next_arrival)?;
        self.check_signer(&item, &signed)?;
        let (replaced, effects) = match self.pool.check(&item, self.leaf_nonce(&item))? {
            Admission::Known => return Ok(id),
            Admission::New => {
                // A push that fails leaves the preview as it was.
                let mut preview = std::mem::replace(&mut self.preview, Preview::new(&self.ledger, 0));
                let pushed = self.push(&mut preview, &signed);
                self.preview = preview;
                (None, pushed?)
            }
            Admission::Replaces(old) => {
                // It takes over the place in the order: later ones of the account need its nonce before theirs.
                item.arrival = self.pool.get(&old).map_or(item.arrival, |old| old.arrival);
                let (preview, effects) = self.preview_with(old, &signed)?;
                self.preview = preview;
                (Some(old), effects)
            }
        };

        let mut progress = self.store.begin();
        let status = TransactionStatus::Pending { arrival: item.arrival };
        progress.put::<Transactions>(&id, &TransactionRecord { bytes, status })?;
        progress.put::<Pending>(&item.arrival, &id)?;
        if let Some(claim) = effects.claim {
            progress.put::<Attachments>(&id, &Attachment { claim: claim.digest(), proof: attachment })?;
        }
        if let Some(old) = replaced {
            let record =
                self.store.get::<Transactions>(&old)?.ok_or_else(|| missing::<Transactions>(&old))?;
            let record = TransactionRecord { status: TransactionStatus::Replaced { by: id }, ..record };
            progress.put::<Transactions>(&old, &record)?;
        }
        let result = progress.commit();
        self.written(result)?;

        if let Some(old) = replaced {
            self.bodies.remove(&old);
        }
        self.pool.insert(item);
        self.bodies.insert(id, signed);
        self.next_arrival = self.next_arrival.max(item.arrival + 1);
        self.note_waiting();
        Ok(id)
    }

    /// What waits, with `signed` in the place of `old`.
    fn preview_with(
        &self,
        old: TransactionId,
        signed: &SignedTransaction,
    ) -> Result<(Preview, Effects), Refusal> {
        let mut preview = Preview::new(&self.ledger, self.cursor.block.time);
        let mut effects = None;
        for id in self.pool.by_arrival() {
            if id == old {
                effects = Some(preview.push(&self.ledger, signed)?);
            } else if let Some(body) = self.bodies.get(&id) {
                // What does not hold any more is refused when the next batch is sealed.
                let _ = preview.push_unchecked(&self.ledger, body);
            }
        }
        Ok((preview, effects.unwrap_or_default()))
    }

    /// A transaction's record.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn transaction(&self, id: &TransactionId) -> Result<TransactionRecord, Refusal> {
        let record = self.store.get::<Transactions>(id)?;
        record.ok_or_else(|| Refusal::NotFound { what: "transaction", name: hex(id) })
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => Self::Store(error),
            EngineError::Spoiled => Self::Spoiled,
            other => Self::Internal(other.to_string()),
        }
    }
}
