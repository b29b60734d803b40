//! Deposits and claims: what an owner does on L1.

use std::path::Path;

use alloy::primitives::Address as L1Address;
use alloy::signers::local::PrivateKeySigner;
use janction_bindings::{CommittedBatch, L1, Receipt, event_tree};
use janction_protocol::state::{Index, Key};
use janction_protocol::stream::Block;
use janction_protocol::transaction::Transaction;
use janction_protocol::{Address, Amount};
use serde_json::json;

use crate::client::Client;
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::Kind;
use crate::l1::{self, L1Problem, wei};
use crate::output::{Output, columns};

/// Moves JCT from the L1 key into the ledger, for the owner of a ledger keystore.
///
/// A known owner's wallet is credited; for an unknown one a wallet is made. Which of the two, the sequencer knows.
///
/// # Errors
/// Keystore, sequencer, L1.
pub async fn deposit(
    config: &Config,
    output: Output,
    name: &str,
    amount: Amount,
    passwords: Option<&Path>,
) -> Outcome {
    let owner = keys::public_key(config, name, Kind::Ledger)?;
    let signer = keys::l1_signer(config, passwords)?;
    let hint =
        Client::connect(&config.sequencer.url).await?.accounts(owner).await?.first().map_or(0, |a| a.index);
    let l1 = l1::connect(config).await?;
    let receipt = pay_in(&l1, &signer, owner, hint, amount).await?;
    let value = json!({
        "transaction": receipt.hash,
        "block": receipt.block,
        "gas": receipt.gas_used,
        "from": signer.address(),
        "key": owner.to_string(),
        "account": (hint != 0).then_some(hint),
        "amount": amount.units(),
    });
    output.print(&value, |_| {
        columns(&[
            ("deposited", format!("{amount} JCT")),
            ("from", signer.address().to_string()),
            ("to", if hint == 0 { "a new wallet".to_owned() } else { format!("account {hint}") }),
            ("transaction", receipt.hash.to_string()),
        ]) + "The next batch credits it; `janction account balance` shows it then."
    });
    Ok(())
}

/// Has every proven withdrawal to `to` (to the L1 key's own address, when none is named) paid.
///
/// # Errors
/// Keystore, L1.
pub async fn claim(
    config: &Config,
    output: Output,
    to: Option<Address>,
    passwords: Option<&Path>,
) -> Outcome {
    let signer = keys::l1_signer(config, passwords)?;
    let to = to.map_or_else(|| signer.address(), |a| L1Address::from(a.0));
    let l1 = l1::connect(config).await?;
    let mut paid = Vec::new();
    let mut sum = 0;
    for owed in owed(&l1, config.l1.first_block, to).await? {
        let receipt = pay_out(&l1, &signer, &owed).await?;
        sum += owed.value.units();
        paid.push(json!({
            "batch": owed.batch.info.number,
            "event": owed.index,
            "amount": owed.value.units(),
            "transaction": receipt.hash,
            "gas": receipt.gas_used,
        }));
    }
    let value = json!({ "to": to, "paid": sum, "claims": paid });
    output.print(&value, |_| {
        let amount = Amount::new(sum).map_or_else(|_| format!("{sum} units"), |a| format!("{a} JCT"));
        match paid.len() {
            0 => format!("nothing is owed to {to} (a withdrawal can be claimed once its batch is proven)"),
            n => columns(&[("claimed", amount), ("withdrawals", n.to_string()), ("to", to.to_string())]),
        }
    });
    Ok(())
}

/// Moves `amount` from `signer` into the ledger for `owner`; `hint` is an account of that key, or 0.
///
/// # Errors
/// Too little JCT, a contract that refuses, L1 does not answer.
pub async fn pay_in(
    l1: &L1,
    signer: &PrivateKeySigner,
    owner: Key,
    hint: Index,
    amount: Amount,
) -> Outcome<Receipt> {
    let token = l1.parameters().await?.token;
    let (holder, wanted) = (signer.address(), wei(amount));
    let found = l1.jct_balance(token, holder).await?;
    if found < wanted {
        return Err(L1Problem::TooPoor { holder, found, wanted }.into());
    }
    l1.execute(&l1.approve(token, wanted), signer, l1::PATIENCE).await?;
    Ok(l1.execute(&l1.deposit(owner.to_u64s(), hint, wanted), signer, l1::PATIENCE).await?)
}

/// A withdrawal that is proven and not yet paid.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The batch that holds it.
    pub batch: CommittedBatch,
    /// Its index among the batch's events.
    pub index: u32,
    /// How much.
    pub value: Amount,
}

/// The withdrawals to `to` that are proven and not yet paid, read from L1's data since block `from`.
///
/// # Errors
/// L1 does not answer.
pub async fn owed(l1: &L1, from: u64, to: L1Address) -> Outcome<Vec<Owed>> {
    let proven = l1.state(None).await?.proven;
    let head = l1.head().await?.number;
    let mut owed = Vec::new();
    for batch in l1.committed_batches(from, head).await? {
        if batch.info.number > proven {
            continue;
        }
        let events = event_tree::events(&batch.call.committed, &batch.call.eventOffsets).unwrap_or_default();
        for (index, event) in (0u32..).zip(events) {
            let Some((receiver, value)) = withdrawal(event) else { continue };
            if receiver == to && !l1.is_claimed(batch.info.number, index).await? {
                owed.push(Owed { batch: batch.clone(), index, value });
            }
        }
    }
    Ok(owed)
}

/// Receiver and amount of an event that is a `Withdraw`.
fn withdrawal(event: &[u8]) -> Option<(L1Address, Amount)> {
    let block = Block::from_bytes(event.try_into().ok()?);
    match Transaction::decode(&[block], 0) {
        Ok(Transaction::Withdraw(withdraw)) => Some((withdraw.address.0.into(), withdraw.value)),
        _ => None,
    }
}

/// Has a withdrawal paid to its receiver. Anyone may pay for the transaction.
///
/// # Errors
/// The contract refuses, or L1 does not answer.
pub async fn pay_out(l1: &L1, signer: &PrivateKeySigner, owed: &Owed) -> Outcome<Receipt> {
    let call = &owed.batch.call;
    let events = event_tree::events(&call.committed, &call.eventOffsets).unwrap_or_default();
    let path = event_tree::path(&events, owed.index as usize).unwrap_or_default();
    let event = events.get(owed.index as usize).copied().unwrap_or_default().to_vec();
    let call = l1.claim(owed.batch.info.clone(), owed.index, event.into(), path);
    Ok(l1.execute(&call, signer, l1::PATIENCE).await?)
}
