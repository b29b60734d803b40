//! Signed transactions of an owner: fee, signature, and how far to wait.

use std::time::Duration;

use janction_protocol::Amount;
use janction_protocol::crypto::SecretKey;
use janction_protocol::state::Index;
use janction_protocol::transaction::Transaction;
use janction_rpc::v1::TransactionStage;
use serde_json::{Value, json};

use crate::client::{self, AccountView, Client, ClientError, Standing};
use crate::failure::Outcome;

/// How far a command waits for its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Wait {
    /// Not at all: it is accepted and on the sequencer's disk.
    Pending,
    /// It is in a batch.
    Sealed,
    /// The batch is on L1.
    Committed,
    /// The batch is proven on L1: final.
    Proven,
}

impl From<Wait> for TransactionStage {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Pending => TransactionStage::Pending,
            Wait::Sealed => TransactionStage::Sealed,
            Wait::Committed => TransactionStage::Committed,
            Wait::Proven => TransactionStage::Proven,
        }
    }
}

/// What every signed transaction takes.
#[derive(Debug, clap::Args)]
pub struct Sending {
    /// Fee in JCT [default: the sequencer's minimum]
    #[arg(long, value_name = "JCT")]
    pub fee: Option<Amount>,
    /// How far to wait
    #[arg(long, value_enum, default_value = "sealed")]
    pub wait: Wait,
    /// How long to wait, in seconds
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub patience: u64,
}

/// A transaction that was handed in and waited for.
#[derive(Clone, Debug)]
pub struct Sent {
    id: Vec<u8>,
    standing: Standing,
    account: Index,
    fee: Amount,
}

impl Sending {
    /// Signs the transaction that `build` makes with the fee, as the owner of `payer`, hands it in and waits.
    ///
    /// # Errors
    /// A refusal, at once or later; a sequencer that does not answer; too long a wait.
    pub async fn send(
        &self,
        client: &mut Client,
        key: &SecretKey,
        payer: &AccountView,
        build: impl Fn(Amount) -> Transaction,
    ) -> Outcome<Sent> {
        let deployment = client.deployment().await?;
        let fee = self.fee(client, &build).await?;
        let id = client.submit(&deployment, key, payer.next_nonce, &build(fee)).await?;
        let standing = client.wait(&id, self.wait.into(), Duration::from_secs(self.patience)).await?;
        Ok(Sent { id, standing, account: payer.index, fee })
    }

    /// The fee as given, else the sequencer's least for as many blocks as the transaction has.
    ///
    /// # Errors
    /// The sequencer does not answer.
    pub async fn fee(
        &self,
        client: &mut Client,
        build: impl Fn(Amount) -> Transaction,
    ) -> Result<Amount, ClientError> {
        match self.fee {
            Some(fee) => Ok(fee),
            None => {
                let blocks = build(Amount::ZERO).kind().blocks() as u64;
                let least = client.info().await?.minimum_fee.saturating_mul(blocks);
                Amount::new(least).map_err(|e| ClientError::Malformed(e.to_string()))
            }
        }
    }
}

impl Sent {
    /// As JSON.
    pub fn describe(&self) -> Value {
        json!({
            "id": hex::encode(&self.id),
            "stage": client::name(self.standing.stage),
            "batch": self.standing.batch,
            "account": self.account,
            "fee": self.fee.units(),
        })
    }

    /// In words.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("transaction", hex::encode(&self.id)),
            ("stage", client::name(self.standing.stage).to_owned()),
            ("batch", self.standing.batch.map_or_else(|| "none yet".to_owned(), |b| b.to_string())),
            ("fee", format!("{} JCT", self.fee)),
        ]
    }
}
