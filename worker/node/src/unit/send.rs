//! Sending: signed once, kept on disk, sent until it is acknowledged.

use std::time::{Duration, Instant};

use janction_protocol::stream::Kind;
use janction_protocol::transaction::{RevealBid, SealBid, SignedTransaction, Transaction};
use janction_protocol::{Amount, Digest};

use super::Unit;
use crate::client::{AccountView, ClientError, Info, JobView};
use crate::record::{JobRecord, Outcome, Signed};
use crate::{WorkerError, decide};

/// After how long something that was acknowledged, but had no effect yet, is sent again.
const AGAIN: Duration = Duration::from_secs(15);

/// What a unit sends in the life of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Seal,
    Reveal,
    Submit,
    Openings,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Seal => "SealBid",
            Self::Reveal => "RevealBid",
            Self::Submit => "Submit",
            Self::Openings => "openings",
        }
    }

    pub(super) fn slot(self, record: &mut JobRecord) -> &mut Option<Signed> {
        match self {
            Self::Reveal => &mut record.reveal,
            Self::Submit => &mut record.submit,
            Self::Seal | Self::Openings => &mut record.seal,
        }
    }
}

/// What became of a transaction that was sent.
pub(super) enum Answer {
    /// It is on the sequencer's disk.
    Acknowledged,
    /// Not now: wait, or send what is in the record by then.
    Later,
    /// A rule refuses it.
    Refused { code: String, reason: String },
}

/// Refusals that pass with the ledger's time, or once the output is there.
const WAITS: [&str; 2] = ["too-early", "output-missing"];
/// Refusals that want another nonce or fee.
const SIGN_AGAIN: [&str; 7] =
    ["nonce-used", "nonce-gap", "nonce", "earlier-refused", "signature", "fee-too-low", "replacement-fee"];

/// Whether a refusal wants another nonce or fee.
pub(super) fn wants_signing(code: &str) -> bool {
    SIGN_AGAIN.contains(&code)
}

impl Unit {
    /// Whether `step` was sent lately.
    pub(super) fn is_sent(&self, step: Step) -> bool {
        self.sent.get(&step).is_some_and(|at| at.elapsed() < AGAIN)
    }

    pub(super) fn note_sent(&mut self, step: Step) {
        self.sent.insert(step, Instant::now());
    }

    /// Signs a step of a job unless that was done before, and keeps it.
    pub(super) fn sign(
        &mut self,
        record: &mut JobRecord,
        step: Step,
        (info, own): (&Info, &AccountView),
        transaction: impl FnOnce(Amount) -> Transaction,
    ) -> Result<Signed, WorkerError> {
        if let Some(signed) = step.slot(record) {
            return Ok(signed.clone());
        }
        let kind = match step {
            Step::Reveal => Kind::RevealBid,
            Step::Submit => Kind::Submit,
            Step::Seal | Step::Openings => Kind::SealBid,
        };
        let transaction = transaction(decide::fee(kind, self.fee_per_block(info)));
        let signed = self.signed(transaction, own.next_nonce)?;
        *step.slot(record) = Some(signed.clone());
        self.keep(record)?;
        Ok(signed)
    }

    fn signed(&self, transaction: Transaction, nonce: u32) -> Result<Signed, WorkerError> {
        let (deployment, key) = (&self.shared.deployment, &self.shared.key);
        Signed::new(SignedTransaction::sign(transaction, nonce, deployment, self.role, key)?)
    }

    /// Keeps a record, on disk first.
    pub(super) fn keep(&mut self, record: &JobRecord) -> Result<(), WorkerError> {
        self.records.keep(record)?;
        self.current = Some(record.clone());
        Ok(())
    }

    /// Hands a signed step in.
    pub(super) async fn send(
        &mut self,
        record: &mut JobRecord,
        step: Step,
        signed: &Signed,
        (info, own): (&Info, &AccountView),
    ) -> Result<Answer, WorkerError> {
        if self.is_sent(step) {
            return Ok(Answer::Later);
        }
        let (unit, job) = (self.index, record.job);
        self.shared.failpoint.hit()?;
        let answer = self.client.submit(signed.bytes()).await;
        self.shared.failpoint.hit()?;
        let (code, reason, passing) = match answer {
            Ok(id) => {
                self.note_sent(step);
                tracing::info!(unit, job, id = hex::encode(id), "{} acknowledged", step.name());
                return Ok(Answer::Acknowledged);
            }
            Err(ClientError::Refused { code, reason, passing, .. }) => (code, reason, passing),
            Err(error) => return Err(error.into()),
        };
        if passing || WAITS.contains(&code.as_str()) {
            tracing::debug!(unit, job, code, reason, "{} waits", step.name());
            return Ok(Answer::Later);
        }
        if wants_signing(&code) {
            self.sign_again(record, step, signed, (info, own), &code)?;
            return Ok(Answer::Later);
        }
        Ok(Answer::Refused { code, reason })
    }

    /// The same step with the nonce and fee that are wanted now. At most one of both can take effect: a second seal, reveal
    /// or submit of one job breaks a rule.
    pub(super) fn sign_again(
        &mut self,
        record: &mut JobRecord,
        step: Step,
        signed: &Signed,
        (info, own): (&Info, &AccountView),
        code: &str,
    ) -> Result<(), WorkerError> {
        let before = signed.transaction();
        let kind = before.transaction.kind();
        let fee = before.transaction.fee().max(decide::fee(kind, self.fee_per_block(info)));
        let transaction = with_fee(&before.transaction, fee);
        let again = self.signed(transaction, own.next_nonce)?;
        let (unit, job) = (self.index, record.job);
        if again == *signed {
            tracing::warn!(unit, job, code, "{} is refused, but nonce and fee are right", step.name());
            return Ok(());
        }
        tracing::info!(unit, job, code, nonce = own.next_nonce, %fee, "{} signed again", step.name());
        *step.slot(record) = Some(again);
        self.keep(record)
    }

    /// Sends the seal of a new record, or of one whose seal is in no batch yet.
    pub(super) async fn send_seal(
        &mut self,
        mut record: JobRecord,
        view: &JobView,
        info: &Info,
        own: &AccountView,
    ) -> Result<(), WorkerError> {
        let (unit, job) = (self.index, record.job);
        let seal = record.sealed().unwrap_or(Digest::ZERO);
        let signed =
            self.sign(&mut record, Step::Seal, (info, own), |fee| SealBid { fee, unit, job, seal }.into())?;
        if let Answer::Refused { code, reason } =
            self.send(&mut record, Step::Seal, &signed, (info, own)).await?
        {
            self.declined.insert(view.index, (super::posting(&view.job), "refused", true));
            self.end(record, Outcome::NotBid { code, reason }, Some(view))?;
        }
        Ok(())
    }

    /// Sends the reveal.
    pub(super) async fn send_reveal(
        &mut self,
        mut record: JobRecord,
        info: &Info,
        own: &AccountView,
    ) -> Result<(), WorkerError> {
        let (unit, job) = (self.index, record.job);
        let Some(bid) = record.bid else { return Ok(()) };
        let reveal = |fee| RevealBid { fee, unit, job, price: bid.price, salt: bid.salt }.into();
        let signed = self.sign(&mut record, Step::Reveal, (info, own), reveal)?;
        if let Answer::Refused { code, reason } =
            self.send(&mut record, Step::Reveal, &signed, (info, own)).await?
            && self.first_said(job, "reveal-refused")
        {
            // The ledger decides what becomes of the bond; until the window is over it is tried again.
            tracing::error!(unit, job, code, reason, "RevealBid is refused: the bond is at risk");
        }
        Ok(())
    }
}

/// The transaction with another fee.
fn with_fee(transaction: &Transaction, fee: Amount) -> Transaction {
    match transaction.clone() {
        Transaction::SealBid(seal) => SealBid { fee, ..seal }.into(),
        Transaction::RevealBid(reveal) => RevealBid { fee, ..reveal }.into(),
        Transaction::Submit(submit) => janction_protocol::transaction::Submit { fee, ..submit }.into(),
        other => other,
    }
}
