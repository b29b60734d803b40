//! `janction doctor`: what this machine can do, what it lacks, and what to do about it.

mod cuda;
mod host;
mod l1;
mod tools;

use serde::Serialize;
use serde_json::json;

use crate::config::Config;
use crate::failure::Exit;
use crate::output::Output;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, but less well or not for everything.
    Warning,
    /// Something that was configured or is needed does not work.
    Problem,
}

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What to do; empty when there is nothing to do.
    pub remedy: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Check { name, status: Status::Ok, found: found.into(), remedy: String::new() }
    }

    fn warning(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check { name, status: Status::Warning, found: found.into(), remedy: remedy.into() }
    }

    fn problem(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check { name, status: Status::Problem, found: found.into(), remedy: remedy.into() }
    }
}

/// Runs every check and prints the report.
///
/// [`Exit::Failed`] when there is a problem; warnings are no failure.
pub async fn run(config: &Config, output: Output) -> Exit {
    let mut checks = Vec::new();
    checks.push(host::version());
    checks.push(host::cpu());
    checks.push(host::memory());
    checks.extend(host::disks(config));
    checks.extend(cuda::checks());
    checks.extend(tools::checks());
    checks.extend(l1::checks(config).await);
    checks.extend(host::ports(config));

    let worst = checks.iter().map(|c| c.status).fold(Status::Ok, |worst, status| match (worst, status) {
        (Status::Problem, _) | (_, Status::Problem) => Status::Problem,
        (Status::Warning, _) | (_, Status::Warning) => Status::Warning,
        _ => Status::Ok,
    });
    let report = json!({ "ok": worst != Status::Problem, "checks": checks, "config": config.flat() });
    output.print(&report, |_| text(&checks));
    if worst == Status::Problem { Exit::Failed } else { Exit::Success }
}

fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|c| c.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { name, status, found, remedy } in checks {
        let mark = match status {
            Status::Ok => "ok     ",
            Status::Warning => "warning",
            Status::Problem => "PROBLEM",
        };
        text += &format!("{mark}  {name:<width$}  {found}\n");
        if !remedy.is_empty() {
            text += &format!("         {:width$}  -> {remedy}\n", "");
        }
    }
    text
}
