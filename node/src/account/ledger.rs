//! Balances, transfers and withdrawals: what an owner does on the ledger.

use std::path::Path;

use janction_protocol::crypto::SecretKey;
use janction_protocol::state::{AccountKind, Index};
use janction_protocol::transaction::{Transaction, Transfer, Withdraw};
use janction_protocol::{Address, Amount};
use serde_json::{Value, json};

use crate::client::{AccountView, Client, ClientError};
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::Kind;
use crate::output::{Output, columns};
use crate::sending::Sending;

/// What a transaction of an owner's account takes.
#[derive(Debug, clap::Args)]
pub struct Paying {
    /// Which of the owner's accounts pays, a worker unit for example [default: the wallet]
    #[arg(long, value_name = "INDEX")]
    pub account: Option<Index>,
    /// Fee and waiting.
    #[command(flatten)]
    pub sending: Sending,
}

/// Shows the accounts of a key.
///
/// # Errors
/// No such keystore, the sequencer does not answer, no account.
pub async fn balance(config: &Config, output: Output, name: &str) -> Outcome {
    let key = keys::public_key(config, name, Kind::Ledger)?;
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
    paying: &Paying,
) -> Outcome {
    let key = keys::open_ledger(config, name, passwords)?;
    send(config, output, &key, paying, |from, fee| Transfer { fee, from, to, value }.into()).await
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
    paying: &Paying,
) -> Outcome {
    let key = keys::open_ledger(config, name, passwords)?;
    send(config, output, &key, paying, |account, fee| Withdraw { fee, account, value, address }.into()).await
}

async fn send(
    config: &Config,
    output: Output,
    key: &SecretKey,
    paying: &Paying,
    transaction: impl Fn(Index, Amount) -> Transaction,
) -> Outcome {
    let mut client = Client::connect(&config.sequencer.url).await?;
    let payer = match paying.account {
        None => client.wallet(key.public().into()).await?,
        Some(index) => client.owned(key.public().into(), index).await?,
    };
    let sent = paying.sending.send(&mut client, key, &payer, |fee| transaction(payer.index, fee)).await?;
    output.print(&sent.describe(), |_| columns(&sent.rows()));
    Ok(())
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
