//! What the sequencer demands of `Submit` and `Settle` beside the ledger's rules.
//!
//! Both checks need things that this crate does not have: the blob store and the audit circuits. The node hands them in.

use async_trait::async_trait;
use janction_protocol::claim::Claim;
use janction_protocol::state::{Index, Job};
use janction_protocol::transaction::Submit;

/// Checks that happen before a transaction is admitted.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// Whether `proof` proves `claim`. A `Settle` enters a batch only with its verified audit proof: a batch whose
    /// claims nobody can prove would stop the rollup.
    ///
    /// # Errors
    /// One line that says what is wrong.
    async fn audit_proof(&self, claim: &Claim, proof: &[u8]) -> Result<(), String>;

    /// Whether the output that `submit` names is in the blob store. Payment needs the output to be available; until L1
    /// can challenge that, it is the sequencer who sees to it.
    ///
    /// # Errors
    /// One line that says what is wrong.
    async fn output(&self, index: Index, job: &Job, submit: &Submit) -> Result<(), String>;
}

/// Lets nothing through: a sequencer without blob store and audit circuits.
pub struct ClosedGate;

#[async_trait]
impl Gate for ClosedGate {
    async fn audit_proof(&self, _: &Claim, _: &[u8]) -> Result<(), String> {
        Err("this sequencer was started without audit circuits".into())
    }

    async fn output(&self, _: Index, _: &Job, _: &Submit) -> Result<(), String> {
        Err("this sequencer was started without a blob store".into())
    }
}
