//! Balances, transfers and withdrawals: what an owner does on the ledger.

use std::path::Path;
use std::time::Duration;

use janction_protocol::crypto::SecretKey;
use janction_protocol::state::{AccountKind, Index, Key};
use janction_protocol::transaction::{Transaction, Transfer, Withdraw};
use janction_protocol::{Address, Amount};
use janction_rpc::v1::TransactionStage;
use serde_json::{Value, json};

use crate::client::{self, AccountView, Client, ClientError};
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::{self, Keystore, KeystoreError, Kind};
use crate::output::{Output, columns};

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
    /// Which of the owner's accounts pays, a worker unit for example [default: the wallet]
    #[arg(long, value_name = "INDEX")]
    pub account: Option<Index>,
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

/// Shows the accounts of a key.
///
/// # Errors
/// No such keystore, the sequencer does not answer, no account.
pub async fn balance(config: &Config, output: Output, name: &str) -> Outcome {
    let key = public_key(config, name)?;
    let mut client = Client::connect(&config.sequencer.url).await?;
    let accounts = client.accounts(key).await?;
    if accounts.is_empty() {
        return Err(ClientError::NoAccount(key).into());
    }
    let value =
        json!({ "key": key.to_string(), "accounts": accounts.iter().map(describe).collect::<Vec<_>>() });
    output.print(&value, |_| accounts.iter().map(text).collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// Sends JCT to another account.
///
/// # Errors
/// Keystore, sequencer, or a refusal.
pub async fn transfer(
    config: &Config,
    output: Output,
    (name, passwords): (&str, Option<&Path>),
    to: Index,
    value: Amount,
    sending: &Sending,
) -> Outcome {
    let key = keys::open_ledger(config, name, passwords)?;
    send(config, output, &key, sending, |from, fee| Transfer { fee, from, to, value }.into()).await
}

/// Takes JCT out of the ledger, for an L1 address.
///
/// # Errors
/// Keystore, sequencer, or a refusal.
pub async fn withdraw(
    config: &Config,
    output: Output,
    (name, passwords): (&str, Option<&Path>),
    address: Address,
    value: Amount,
    sending: &Sending,
) -> Outcome {
    let key = keys::open_ledger(config, name, passwords)?;
    send(config, output, &key, sending, |account, fee| Withdraw { fee, account, value, address }.into()).await
}

async fn send(
    config: &Config,
    output: Output,
    key: &SecretKey,
    sending: &Sending,
    transaction: impl FnOnce(Index, Amount) -> Transaction,
) -> Outcome {
    let mut client = Client::connect(&config.sequencer.url).await?;
    let deployment = client.deployment().await?;
    let payer = match sending.account {
        None => client.wallet(key.public().into()).await?,
        Some(index) => client.owned(key.public().into(), index).await?,
    };
    let fee = match sending.fee {
        Some(fee) => fee,
        None => {
            let least = client.info().await?.minimum_fee;
            Amount::new(least).map_err(|e| ClientError::Malformed(e.to_string()))?
        }
    };
    let transaction = transaction(payer.index, fee);
    let id = client.submit(&deployment, key, payer.next_nonce, &transaction).await?;
    let patience = Duration::from_secs(sending.patience);
    let standing = client.wait(&id, sending.wait.into(), patience).await?;
    let stage = client::name(standing.stage);
    let value = json!({
        "id": hex::encode(&id), "stage": stage, "batch": standing.batch, "account": payer.index, "fee": fee.units(),
    });
    output.print(&value, |_| {
        let batch = standing.batch.map_or_else(|| "none yet".to_owned(), |b| b.to_string());
        columns(&[
            ("transaction", hex::encode(&id)),
            ("stage", stage.to_owned()),
            ("batch", batch),
            ("fee", format!("{fee} JCT")),
        ])
    });
    Ok(())
}

/// The public key of a ledger keystore; no password is needed.
///
/// # Errors
/// It cannot be read, or is of another kind.
pub fn public_key(config: &Config, name: &str) -> Result<Key, KeystoreError> {
    let file = keystore::locate(&config.keystore_dir(), name)?;
    let keystore = Keystore::read(&file)?;
    if keystore.kind != Kind::Ledger {
        return Err(KeystoreError::WrongKind { file, found: keystore.kind, wanted: Kind::Ledger });
    }
    keys::parse_public(&keystore.public).map_err(|reason| KeystoreError::Corrupt { file, reason })
}

fn describe(view: &AccountView) -> Value {
    let account = &view.account;
    json!({
        "index": view.index,
        "kind": kind(account.kind),
        "balance": account.balance.units(),
        "available": view.available.units(),
        "nonce": account.nonce,
        "stake": account.stake.units(),
        "locked": account.locked.units(),
    })
}

fn text(view: &AccountView) -> String {
    let account = &view.account;
    let mut rows = vec![
        ("account", format!("{} ({})", view.index, kind(account.kind))),
        ("balance", format!("{} JCT", account.balance)),
    ];
    if view.available != account.balance {
        rows.push(("available", format!("{} JCT (transactions are waiting)", view.available)));
    }
    if account.kind == AccountKind::Unit {
        rows.push(("stake", format!("{} JCT, {} JCT of it locked", account.stake, account.locked)));
    }
    columns(&rows)
}

fn kind(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Empty => "empty",
        AccountKind::Wallet => "wallet",
        AccountKind::Unit => "unit",
    }
}
