//! `worker stake` and `worker unstake`.

use std::path::Path;

use janction_protocol::Amount;
use janction_protocol::crypto::SecretKey;
use janction_protocol::state::{AccountKind, Index};
use janction_protocol::transaction::{Stake, Transaction, Transfer, Unstake};
use janction_worker::WARNING;
use serde_json::json;

use super::error::UnitProblem;
use crate::client::{AccountView, Client};
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::output::{Output, columns};
use crate::progress::Progress;
use crate::sending::{Sending, Sent, Wait};

/// Turns a unit's balance into stake; with `fund` the owner's wallet gives what is missing.
///
/// # Errors
/// Keystore, sequencer, too little money, or a refusal.
pub async fn stake(
    config: &Config,
    output: Output,
    (name, passwords): (&str, Option<&Path>),
    (index, value): (Index, Amount),
    fund: bool,
    sending: &Sending,
) -> Outcome {
    let key = keys::open_ledger(config, name, passwords)?;
    let mut client = Client::connect(&config.sequencer.url).await?;
    let mut unit = unit(&mut client, &key, index).await?;
    let build = |fee| -> Transaction { Stake { fee, unit: index, value }.into() };
    let fee = sending.fee(&mut client, build).await?;
    let needed = value.checked_add(fee).ok_or(UnitProblem::TooLarge)?;
    let bar = Progress::spinner(output, "waiting for a batch");
    let mut funded = Amount::ZERO;
    if let Some(lacks) = needed.checked_sub(unit.available).filter(|lacks| *lacks != Amount::ZERO) {
        if !fund {
            return Err(UnitProblem::TooPoor { index, available: unit.available, needed }.into());
        }
        let wallet = client.wallet(key.public().into()).await?;
        let transfer =
            |fee| -> Transaction { Transfer { fee, from: wallet.index, to: index, value: lacks }.into() };
        // In a batch, so that the stake finds the money; the fee is that of a transfer.
        let first = Sending { fee: None, wait: Wait::Sealed, patience: sending.patience };
        first.send(&mut client, &key, &wallet, transfer).await?;
        funded = lacks;
        unit = client.owned(key.public().into(), index).await?;
    }
    let sent = sending.send(&mut client, &key, &unit, build).await?;
    drop(bar);
    let mut answer = shown(&sent, index, value);
    answer["funded"] = json!(funded.units());
    answer["warning"] = json!(WARNING);
    output.print(&answer, |_| {
        let mut rows = vec![("unit", index.to_string()), ("staked", format!("{value} JCT"))];
        if funded != Amount::ZERO {
            rows.push(("funded", format!("{funded} JCT from the wallet")));
        }
        rows.extend(sent.rows());
        columns(&rows) + &format!("Note: {WARNING}.")
    });
    Ok(())
}

/// Turns unlocked stake into balance.
///
/// # Errors
/// Keystore, sequencer, stake that a job holds, or a refusal.
pub async fn unstake(
    config: &Config,
    output: Output,
    (name, passwords): (&str, Option<&Path>),
    (index, value): (Index, Amount),
    sending: &Sending,
) -> Outcome {
    let key = keys::open_ledger(config, name, passwords)?;
    let mut client = Client::connect(&config.sequencer.url).await?;
    let unit = unit(&mut client, &key, index).await?;
    let unlocked = unit.account.unlocked();
    if unlocked < value {
        return Err(UnitProblem::Locked { index, unlocked }.into());
    }
    let bar = Progress::spinner(output, "waiting for a batch");
    let build = |fee| -> Transaction { Unstake { fee, unit: index, value }.into() };
    let sent = sending.send(&mut client, &key, &unit, build).await?;
    drop(bar);
    output.print(&shown(&sent, index, value), |_| {
        let mut rows = vec![("unit", index.to_string()), ("unstaked", format!("{value} JCT"))];
        rows.extend(sent.rows());
        columns(&rows)
    });
    Ok(())
}

/// One of the owner's units.
async fn unit(client: &mut Client, key: &SecretKey, index: Index) -> Outcome<AccountView> {
    let view = client.owned(key.public().into(), index).await?;
    if view.account.kind != AccountKind::Unit {
        return Err(UnitProblem::NotAUnit { index }.into());
    }
    Ok(view)
}

fn shown(sent: &Sent, unit: Index, amount: Amount) -> serde_json::Value {
    let mut value = sent.describe();
    value["unit"] = json!(unit);
    value["amount"] = json!(amount.units());
    value
}
