//! `worker register`.

use std::path::Path;

use janction_protocol::transaction::{Register, Transaction};
use janction_worker::DeviceChoice;
use janction_worker::hardware::Profile;
use serde_json::json;

use super::error::UnitProblem;
use super::hardware;
use crate::client::Client;
use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::Kind;
use crate::output::{Output, columns};
use crate::progress::Progress;
use crate::sending::{Sending, Wait};

/// Registers a unit of the hardware that is found, and says its index.
///
/// # Errors
/// Keystores, device, sequencer, or a refusal.
pub async fn register(
    config: &Config,
    output: Output,
    (name, passwords): (&str, Option<&Path>),
    operator: &str,
    (device, slices, region): (DeviceChoice, u32, u8),
    sending: &Sending,
) -> Outcome {
    let operator_key = keys::public_key(config, operator, Kind::Operator)?;
    let key = keys::open_ledger(config, name, passwords)?;
    let owner = key.public().into();
    if operator_key == owner {
        return Err(UnitProblem::OwnersKey.into());
    }
    let mut client = Client::connect(&config.sequencer.url).await?;
    let wallet = client.wallet(owner).await?;
    let bar = Progress::spinner(output, "looking at the hardware");
    let found = janction_worker::hardware::detect();
    let Profile { gpu_class, vram } = hardware::profile(&found, device, slices)?;
    bar.say("waiting for a batch".into());
    let build = |fee| -> Transaction {
        Register { fee, wallet: wallet.index, operator: operator_key, gpu_class, vram, region }.into()
    };
    let sent = sending.send(&mut client, &key, &wallet, build).await?;
    drop(bar);
    // The newest of the owner's units with this operator; before the batch there is none to name.
    let unit = match sending.wait {
        Wait::Pending => None,
        _ => {
            let mut accounts = client.accounts(owner).await?;
            accounts.retain(|view| view.account.operator == operator_key);
            Some(accounts.last().ok_or(UnitProblem::NotListed)?.index)
        }
    };
    let mut value = sent.describe();
    value["unit"] = json!(unit);
    value["operator"] = json!(operator_key.to_string());
    value["region"] = json!(region);
    value["hardware"] =
        json!({ "found": found, "gpu_class": gpu_class, "vram": vram, "self_declared": true });
    output.print(&value, |_| {
        let mut rows = vec![("unit", unit.map_or_else(|| "none yet".to_owned(), |u| u.to_string()))];
        rows.push(("operator", operator_key.to_string()));
        rows.extend(hardware::rows(&found, Profile { gpu_class, vram }));
        rows.extend(sent.rows());
        let next = unit.map_or_else(String::new, |unit| {
            format!(
                "Next: `janction worker stake {name} AMOUNT --unit {unit} --fund`; then set worker.units = [{unit}] and \
                 worker.key = \"{operator}\" and `janction worker run`."
            )
        });
        columns(&rows) + &next
    });
    Ok(())
}
