//! `worker status`.

use janction_protocol::Digest;
use janction_protocol::state::AccountKind;
use serde_json::{Value, json};

use super::hardware;
use crate::client::{AccountView, Client, JobView};
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::Kind;
use crate::output::{Output, columns};

/// Shows the units of an owner.
///
/// # Errors
/// Keystore, sequencer.
pub async fn status(config: &Config, output: Output, name: &str) -> Outcome {
    let owner = keys::public_key(config, name, Kind::Ledger)?;
    let mut client = Client::connect(&config.sequencer.url).await?;
    let mut units = client.accounts(owner).await?;
    units.retain(|view| view.account.kind == AccountKind::Unit);
    let jobs = client.jobs(0, true).await?;
    let value = json!({
        "key": owner.to_string(),
        "units": units.iter().map(|unit| describe(unit, &jobs)).collect::<Vec<_>>(),
    });
    output.print(&value, |_| match units.is_empty() {
        true => "no units; `janction worker register` makes one".to_owned(),
        false => units.iter().map(|unit| text(unit, &jobs)).collect::<Vec<_>>().join("\n"),
    });
    Ok(())
}

/// Live jobs that the unit has won so far.
fn won(unit: &AccountView, jobs: &[JobView]) -> Vec<u32> {
    jobs.iter().filter(|view| view.job.winner == unit.index).map(|view| view.index).collect()
}

fn describe(unit: &AccountView, jobs: &[JobView]) -> Value {
    let account = &unit.account;
    json!({
        "unit": unit.index,
        "hardware": {
            "gpu_class": account.gpu_class, "vram": account.vram, "region": account.region, "self_declared": true,
        },
        "operator": account.operator.to_string(),
        "balance": account.balance.units(),
        "available": unit.available.units(),
        "stake": account.stake.units(),
        "locked": account.locked.units(),
        "lock_job": (account.lock_job != 0).then_some(account.lock_job),
        "sealed_bid": account.seal != Digest::ZERO,
        "lock_expiry": (account.lock_expiry != 0).then_some(account.lock_expiry),
        "won": won(unit, jobs),
        "reputation": account.reputation,
    })
}

fn text(unit: &AccountView, jobs: &[JobView]) -> String {
    let account = &unit.account;
    let declared = hardware::class(account.gpu_class, account.vram);
    let mut rows = vec![
        ("unit", unit.index.to_string()),
        ("hardware", format!("{declared}, region {} (self-declared)", account.region)),
        ("balance", format!("{} JCT", account.balance)),
        ("stake", format!("{} JCT, {} JCT of it locked", account.stake, account.locked)),
        ("settled", format!("{} jobs", account.reputation)),
    ];
    if account.seal != Digest::ZERO {
        rows.push((
            "bid",
            format!("sealed for job {}, forfeit after {}", account.lock_job, account.lock_expiry),
        ));
    }
    for job in won(unit, jobs) {
        rows.push(("job", format!("{job}: best bid so far, or won (`janction job status {job}`)")));
    }
    columns(&rows)
}
