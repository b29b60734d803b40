//! `job status`, `job logs`, `job list`.

use janction_protocol::state::Index;
use serde_json::json;

use super::view;
use crate::client::Client;
use crate::config::Config;
use crate::failure::Outcome;
use crate::output::{Output, table};

/// Shows where a job stands.
///
/// # Errors
/// No such job, the sequencer does not answer.
pub async fn status(config: &Config, output: Output, index: Index) -> Outcome {
    let mut client = Client::connect(&config.sequencer.url).await?;
    let job = client.job(index).await?;
    let now = client.info().await?.time;
    output.print(&view::describe(&job, now), |_| view::text(&job, now));
    Ok(())
}

/// Shows what has happened to a job.
///
/// # Errors
/// No such job, the sequencer does not answer.
pub async fn logs(config: &Config, output: Output, index: Index) -> Outcome {
    let mut client = Client::connect(&config.sequencer.url).await?;
    let log = view::log(&client.job(index).await?);
    output.print(&log, |log| {
        let lines = log["log"].as_array().map(Vec::as_slice).unwrap_or_default();
        let lines = lines.iter().map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or_default();
            let time = line["time"].to_string();
            match line.get("fault") {
                Some(_) => {
                    vec![
                        time,
                        "fault".into(),
                        format!("{}: {} ({})", text("fault"), text("reason"), text("payee")),
                    ]
                }
                None => {
                    let by = line["account"].as_u64().map_or_else(String::new, |a| format!(", account {a}"));
                    vec![
                        time,
                        text("event").into(),
                        format!("batch {}{by}  {}", line["batch"], text("transaction")),
                    ]
                }
            }
        });
        table(&["time", "event", ""], lines)
    });
    Ok(())
}

/// Lists the jobs of the ledger.
///
/// # Errors
/// The sequencer does not answer.
pub async fn list(config: &Config, output: Output, live: bool) -> Outcome {
    let mut client = Client::connect(&config.sequencer.url).await?;
    let jobs = client.jobs(0, live).await?;
    let now = client.info().await?.time;
    let value = json!({ "jobs": jobs.iter().map(|job| view::describe(job, now)).collect::<Vec<_>>() });
    output.print(&value, |_| match jobs.is_empty() {
        true => "no jobs".to_owned(),
        false => table(&view::HEADINGS, jobs.iter().map(|job| view::row(job, now))),
    });
    Ok(())
}
