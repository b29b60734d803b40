//! A job in words and as JSON.

use janction_protocol::state::{Job, JobStatus};
use janction_protocol::stream::Kind;
use janction_trace::Policy;
use serde_json::{Value, json};

use crate::client::{Class, JobView};
use crate::output::columns;

/// The word for a status.
pub const fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Empty => "empty",
        JobStatus::Posted => "posted",
        JobStatus::Submitted => "submitted",
        JobStatus::Proving => "proving",
        JobStatus::Settled => "settled",
        JobStatus::Expired => "expired",
    }
}

/// Where a job stands at ledger time `now`: its status, and of a posted one its window.
pub fn phase(job: &Job, now: u64) -> &'static str {
    match job.status {
        JobStatus::Posted if now <= job.bid_end => "open for bids",
        JobStatus::Posted if now <= job.reveal_end => "open for reveals",
        JobStatus::Posted if job.winner == 0 => "without a bid, waits for its refund",
        JobStatus::Posted if now <= job.submit_end => "running",
        JobStatus::Posted => "overdue, waits for its refund",
        JobStatus::Submitted => "waiting for its beacon",
        JobStatus::Proving if now <= job.deadline => "waiting for its proof",
        JobStatus::Proving => "overdue, waits for its refund",
        other => status(other),
    }
}

/// Whether the winner of an expired job lost its stake: it did unless nobody recorded the beacon.
pub fn slashed(job: &Job) -> bool {
    let submitted = job.submit_batch != 0;
    let no_beacon = submitted && job.policy != 0 && job.beacon_time == 0;
    job.status == JobStatus::Expired && job.winner != 0 && !no_beacon
}

/// What the winner was paid, or would be.
fn price(job: &Job) -> Option<u64> {
    (job.winner != 0).then(|| job.second_price.units())
}

fn policy(job: &Job) -> String {
    Policy::from_code(job.policy).map_or_else(|e| e.to_string(), |p| p.to_string())
}

/// As JSON; `now` is the ledger's time.
pub fn describe(view: &JobView, now: u64) -> Value {
    let job = &view.job;
    let submitted = job.submit_batch != 0;
    json!({
        "job": view.index,
        "status": status(job.status),
        "phase": phase(job, now),
        "developer": job.owner,
        "program": job.program.to_string(),
        "audit_key": job.audit_key.to_string(),
        "input_root": job.input_root.to_string(),
        "rows": job.input_rows,
        "policy": policy(job),
        "requirements": {
            "gpu_class": job.gpu_class, "vram": job.vram, "region": job.region, "reputation": job.reputation,
        },
        "budget": job.budget.units(),
        "job_fee": job.fee.units(),
        "stake": job.stake.units(),
        "winner": (job.winner != 0).then_some(job.winner),
        "runner_up": (job.runner_up != 0).then_some(job.runner_up),
        "price": price(job),
        "slashed": slashed(job),
        "trace_root": submitted.then(|| job.trace_root.to_string()),
        "output_root": submitted.then(|| job.output_root.to_string()),
        "beacon_time": (job.beacon_time != 0).then_some(job.beacon_time),
        "bid_end": job.bid_end,
        "reveal_end": job.reveal_end,
        "submit_end": job.submit_end,
        "deadline": job.deadline,
        "now": now,
        "stored": {
            "program": view.has(Class::Program, job.program),
            "input": view.has(Class::Input, job.input_root),
            "output": submitted && view.has(Class::Output, job.output_root),
        },
        "faults": view.faults.len(),
    })
}

/// In words; `now` is the ledger's time.
pub fn text(view: &JobView, now: u64) -> String {
    let job = &view.job;
    let mut rows = vec![
        ("job", format!("{}: {}", view.index, phase(job, now))),
        ("developer", format!("account {}", job.owner)),
        ("program", job.program.to_string()),
        ("rows", format!("{}, policy {}", job.input_rows, policy(job))),
        ("budget", format!("{} JCT; a bid locks a stake of {} JCT", job.budget, job.stake)),
    ];
    let alone = if job.runner_up == 0 { " (the budget: nobody else bid less)" } else { "" };
    match job.status {
        JobStatus::Settled => {
            rows.push(("winner", format!("unit {}, was paid {} JCT{alone}", job.winner, job.second_price)));
        }
        JobStatus::Expired if slashed(job) => {
            rows.push(("winner", format!("unit {}, lost its stake; the budget was refunded", job.winner)));
        }
        JobStatus::Expired => {
            rows.push(("refunded", "the budget, to the developer; nobody was slashed".into()))
        }
        _ if job.winner != 0 => {
            rows.push((
                "best bid",
                format!("unit {}, would be paid {} JCT{alone}", job.winner, job.second_price),
            ));
        }
        _ => {}
    }
    if job.submit_batch != 0 {
        rows.push(("trace root", job.trace_root.to_string()));
        let stored =
            if view.has(Class::Output, job.output_root) { "in the store" } else { "not in the store" };
        rows.push(("output root", format!("{}, {stored}", job.output_root)));
    }
    if job.status.is_live() {
        let (what, until) = match job.status {
            JobStatus::Posted if now <= job.bid_end => ("bids until", job.bid_end),
            JobStatus::Posted if now <= job.reveal_end => ("reveals until", job.reveal_end),
            _ => ("due until", job.deadline),
        };
        rows.push((what, at(until, now)));
    }
    if !view.faults.is_empty() {
        rows.push(("faults", format!("{}: `janction job logs {}`", view.faults.len(), view.index)));
    }
    columns(&rows)
}

/// A time beside the present one.
pub fn at(time: u64, now: u64) -> String {
    match time.checked_sub(now) {
        Some(seconds) => format!("{time} (in {seconds} s)"),
        None => format!("{time} ({} s ago)", now - time),
    }
}

/// A line of `job list`.
pub fn row(view: &JobView, now: u64) -> Vec<String> {
    let job = &view.job;
    let program = job.program.to_string().chars().take(10).collect();
    let price = price(job).map_or_else(String::new, |_| job.second_price.to_string());
    let winner = if job.winner == 0 { String::new() } else { job.winner.to_string() };
    let (rows, budget) = (job.input_rows.to_string(), job.budget.to_string());
    vec![view.index.to_string(), phase(job, now).into(), program, rows, policy(job), budget, winner, price]
}

/// The headings of [`row`].
pub const HEADINGS: [&str; 8] = ["job", "phase", "program", "rows", "policy", "budget", "unit", "price"];

/// What has happened to a job, oldest first, as JSON.
pub fn log(view: &JobView) -> Value {
    let events = view.events.iter().map(|event| {
        let id = (!event.transaction.is_empty()).then(|| hex::encode(&event.transaction));
        json!({
            "time": event.time, "event": kind(event.kind), "batch": event.batch,
            "account": (event.account != 0).then_some(event.account), "transaction": id,
        })
    });
    let faults = view.faults.iter().map(|fault| {
        json!({
            "time": fault.time, "fault": fault.code, "reason": fault.reason,
            "payee": format!("0x{}", hex::encode(&fault.payee)),
        })
    });
    let mut lines: Vec<Value> = events.chain(faults).collect();
    lines.sort_by_key(|line| line["time"].as_u64());
    json!({ "job": view.index, "log": lines })
}

/// The kind with a tag byte, as the protocol's pages call it.
fn kind(tag: u32) -> String {
    let known = u8::try_from(tag).ok().and_then(Kind::from_tag);
    known.map_or_else(|| format!("kind {tag}"), |kind| format!("{kind:?}"))
}

#[cfg(test)]
mod tests {
    use janction_protocol::Amount;
    use janction_rpc::v1;

    use super::*;

    fn posted() -> Job {
        Job {
            status: JobStatus::Posted,
            bid_end: 10,
            reveal_end: 20,
            submit_end: 30,
            deadline: 20,
            ..Job::default()
        }
    }

    #[test]
    fn a_posted_job_is_in_one_of_its_windows() {
        let job = posted();
        let won = Job { winner: 4, deadline: 30, ..job };
        for (job, now, expected) in [
            (job, 10, "open for bids"),
            (job, 11, "open for reveals"),
            (job, 20, "open for reveals"),
            (job, 21, "without a bid, waits for its refund"),
            (won, 30, "running"),
            (won, 31, "overdue, waits for its refund"),
            (Job { status: JobStatus::Submitted, ..won }, 31, "waiting for its beacon"),
            (Job { status: JobStatus::Proving, deadline: 40, ..won }, 40, "waiting for its proof"),
            (Job { status: JobStatus::Settled, ..won }, 99, "settled"),
        ] {
            assert_eq!(phase(&job, now), expected);
        }
    }

    #[test]
    fn only_a_winner_to_blame_is_called_slashed() {
        let expired = Job { status: JobStatus::Expired, ..posted() };
        assert!(!slashed(&expired), "nobody won");
        let won = Job { winner: 4, ..expired };
        assert!(slashed(&won), "no Submit");
        let submitted = Job { submit_batch: 3, policy: 176, ..won };
        assert!(!slashed(&submitted), "no beacon");
        assert!(slashed(&Job { beacon_time: 9, ..submitted }), "no proof");
        assert!(slashed(&Job { policy: 0, ..submitted }), "no proof under full");
        assert!(!slashed(&Job { status: JobStatus::Settled, ..won }));
    }

    #[test]
    fn events_and_faults_are_in_the_order_of_time() {
        let event = |time, kind: Kind| v1::JobEvent {
            batch: 1,
            time,
            kind: kind.tag().into(),
            account: 2,
            transaction: Default::default(),
        };
        let fault = v1::AuditFault {
            time: 5,
            code: "false-row".into(),
            reason: "operation hidden, row 3".into(),
            payee: vec![7; 20].into(),
        };
        let view = JobView {
            index: 1,
            job: Job { second_price: Amount::default(), ..posted() },
            events: vec![event(1, Kind::PostJob), event(9, Kind::Expire)],
            blobs: Vec::new(),
            faults: vec![fault],
        };
        let log = log(&view);
        let names: Vec<&str> = (0..3)
            .filter_map(|i| log["log"][i].get("event").or(log["log"][i].get("fault"))?.as_str())
            .collect();
        assert_eq!(names, ["PostJob", "false-row", "Expire"]);
        assert_eq!(kind(0xff), "kind 255");
    }
}
