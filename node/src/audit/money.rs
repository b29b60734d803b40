//! The money: what the contract holds is what it owes.

use alloy::primitives::U256;
use janction_bindings::{L1, State};

use super::replay::{History, Replayed};
use super::report::Report;
use crate::failure::Outcome;
use crate::l1::WEI_PER_UNIT;

/// Compares escrow, ledger and token balance.
///
/// # Errors
/// L1 does not answer.
pub async fn check(
    report: &mut Report,
    l1: &L1,
    history: &History,
    replayed: &Replayed,
    state: &State,
) -> Outcome {
    let ledger = replayed.ledger.holdings();
    let consumed = replayed.ledger.state().l1_cursor as usize;
    let queued: u128 =
        history.deposits.iter().skip(consumed).map(|(d, ..)| u128::from(d.value.units())).sum();
    let owed = replayed.withdrawn.checked_sub(history.claimed);
    let liabilities = owed.map(|owed| ledger + queued + owed);
    report.equal(
        "escrow",
        liabilities == Some(u128::from(state.escrowed)),
        format!(
            "{} units = {ledger} on the ledger + {queued} of deposits not consumed + {} of withdrawals not claimed",
            state.escrowed,
            owed.unwrap_or_default()
        ),
        format!(
            "L1 holds {} units; ledger {ledger}, deposits not consumed {queued}, withdrawn {}, claimed {}",
            state.escrowed, replayed.withdrawn, history.claimed
        ),
    );
    let token = l1.parameters().await?.token;
    // Balances are asked for as of now, so the contract's own figures must be too.
    let now = l1.state(None).await?;
    let balance = l1.jct_balance(token, l1.rollup()).await?;
    let needed = U256::from(now.escrowed) * U256::from(WEI_PER_UNIT) + now.reward_pool;
    report.equal(
        "token balance",
        balance >= needed,
        format!("{balance} wei of JCT cover escrow and rewards"),
        format!("{balance} wei of JCT, {needed} are owed"),
    );
    Ok(())
}
