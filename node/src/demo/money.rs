//! The money: what people pay in on L1, and what arrives there in the end.

use std::time::Duration;

use alloy::primitives::U256;
use alloy::sol_types::SolCall;
use janction_bindings::Call;
use janction_bindings::abi::JCT as Token;
use janction_protocol::state::Index;

use super::DemoError;
use super::house::{self, OPERATOR};
use super::people::{JCT, Person, Unit, jct, units};
use super::report::Report;
use super::scene::Scene;
use crate::failure::Outcome;
use crate::l1::{self, wei};

/// How long a batch may take to be sealed or committed.
pub const SEAL: Duration = Duration::from_secs(120);

/// Has a person deposit `amount` units on L1, and waits until they are on the ledger.
///
/// # Errors
/// L1 or a command refuses.
pub async fn deposit(scene: &mut Scene, person: &mut Person, amount: u64, report: &mut Report) -> Outcome {
    // From the deployer, who holds all JCT.
    let transfer = Token::transferCall { to: person.address(), value: wei(units(amount)) };
    let call = Call { to: scene.deployed.token, data: transfer.abi_encode().into() };
    scene.l1.execute(&call, &house::signer(OPERATOR), l1::PATIENCE).await?;
    scene.cli.run_as(Some(person.l1_secret), &["account", "deposit", person.name, &jct(amount)]).await?;
    let key = person.key;
    let view = scene
        .until("a deposit's way to the ledger", SEAL, async |scene| {
            Ok(scene.client.accounts(key).await?.into_iter().next())
        })
        .await?;
    person.wallet = view.index;
    report.checks.equal(
        format!("{} holds on the ledger what was deposited", person.name),
        units(amount),
        view.account.balance,
    );
    Ok(())
}

/// A withdrawal that is to be claimed on L1.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// Whose.
    pub person: Person,
    /// The job that earned it.
    pub job: Index,
    /// Units.
    pub amount: u64,
    /// The transaction.
    last: Last,
}

impl Withdrawal {
    /// The transaction, and the batch that holds it.
    pub fn last(&self) -> Last {
        self.last.clone()
    }
}

/// The last transaction that must be proven.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// Its id.
    pub id: Vec<u8>,
    /// The batch that holds it.
    pub batch: u64,
}

impl Last {
    /// Takes the later one of the two.
    pub fn at_least(&mut self, other: Last) {
        if other.batch >= self.batch {
            *self = other;
        }
    }
}

/// Has the owner of a unit take `amount` units out of it, for the owner's address on L1.
///
/// # Errors
/// A command is refused.
pub async fn withdraw(scene: &Scene, unit: &Unit, job: Index, amount: u64) -> Outcome<Withdrawal> {
    let (account, to) = (unit.account.to_string(), unit.owner.address().to_string());
    #[rustfmt::skip]
    let sent = scene.cli.run(&[
        "account", "withdraw", unit.owner.name, &jct(amount), "--account", &account, "--to", &to,
        "--wait", "committed",
    ]).await?;
    let unreadable = || DemoError::Unreadable { what: "a withdrawal", reason: sent.to_string() };
    let id = sent["id"].as_str().and_then(|id| hex::decode(id).ok()).ok_or_else(unreadable)?;
    let batch = sent["batch"].as_u64().ok_or_else(unreadable)?;
    Ok(Withdrawal { person: unit.owner.clone(), job, amount, last: Last { id, batch } })
}

/// Claims a person's proven withdrawals, all at once; how many units he gained on L1. A second claim must find nothing.
///
/// # Errors
/// L1 or a command refuses.
pub async fn claim(scene: &mut Scene, person: &Person, owed: u64, report: &mut Report) -> Outcome<u64> {
    let token = scene.deployed.token;
    let before = scene.l1.jct_balance(token, person.address()).await?;
    scene.cli.run_as(Some(person.l1_secret), &["account", "claim"]).await?;
    let after = scene.l1.jct_balance(token, person.address()).await?;
    let gained: u64 = (after.saturating_sub(before) / U256::from(l1::WEI_PER_UNIT)).saturating_to();
    report.checks.equal(
        format!("JCT that {} gained on L1 is the price", person.name),
        units(owed),
        units(gained),
    );
    let again = scene.cli.run_as(Some(person.l1_secret), &["account", "claim"]).await?;
    report.checks.equal(
        format!("a second claim pays {}", person.name),
        0,
        again["paid"].as_u64().unwrap_or(u64::MAX),
    );
    Ok(gained)
}

/// Sends a little from one person to another, as the simplest transaction.
///
/// # Errors
/// A command is refused.
pub async fn transfer(scene: &Scene, from: &Person, to: &Person) -> Outcome {
    let (amount, to) = (jct(JCT / 4), to.wallet.to_string());
    scene.cli.run(&["account", "transfer", from.name, &amount, "--to", &to]).await?;
    Ok(())
}

/// What all accounts and live jobs hold, and what is still to be claimed, must be what is in escrow: units that were paid in,
/// less those that were claimed.
pub fn held(paid_in: &[u64], claimed: u64) -> u64 {
    paid_in.iter().sum::<u64>() - claimed
}
